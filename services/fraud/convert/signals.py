"""Renders what lists and addresses contributed to a decision, and reads it back."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import lru_cache

from rampart.fraud.v1 import decision_pb2

from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.scenarios.consulted import ConsultedLists
from services.fraud.domain.scenarios.judging import Ruling
from services.fraud.domain.scoring.model import Contribution, ModelRef, ModelScore
from services.fraud.domain.travel import GeoPoint
from services.fraud.domain.verdict import Factor

__all__ = [
    "address_from_proto",
    "address_to_proto",
    "geo_point_from_record",
    "lists_from_proto",
    "model_from_proto",
    "model_to_proto",
    "ruling_from_proto",
    "ruling_to_proto",
]


@lru_cache(maxsize=4_096)
def address_to_proto(signals: IpSignals) -> decision_pb2.AddressSignals:
    """Returns a message that is shared: it is to be copied."""
    place = signals.place
    return decision_pb2.AddressSignals(
        is_private=signals.private,
        is_reserved=signals.reserved,
        country=signals.country,
        is_datacenter=signals.datacenter,
        is_tor=signals.tor,
        latitude=place.latitude if place is not None else None,
        longitude=place.longitude if place is not None else None,
        accuracy_km=place.accuracy_km if place is not None else None,
        asn=signals.asn,
    )


def address_from_proto(message: decision_pb2.AddressSignals) -> IpSignals:
    has = message.HasField
    return IpSignals(
        private=message.is_private,
        reserved=message.is_reserved,
        country=message.country if has("country") else None,
        datacenter=message.is_datacenter if has("is_datacenter") else None,
        tor=message.is_tor if has("is_tor") else None,
        place=GeoPoint(message.latitude, message.longitude, message.accuracy_km) if has("latitude") else None,
        asn=message.asn if has("asn") else None,
    )


def geo_point_from_record(inputs: bytes) -> GeoPoint | None:
    """Returns where the address of stored inputs was taken to be."""
    return address_from_proto(decision_pb2.DecisionInputs.FromString(inputs).address).place


def ruling_to_proto(ruling: Ruling) -> decision_pb2.ListRuling:
    code, message, contribution = ruling.factor
    return decision_pb2.ListRuling(allowed=ruling.allowed, reason_code=code, message=message, contribution=contribution)


def ruling_from_proto(message: decision_pb2.ListRuling) -> Ruling:
    return Ruling(message.allowed, Factor(message.reason_code, message.message, message.contribution))


def lists_from_proto(inputs: decision_pb2.DecisionInputs) -> Mapping[str, Container[str]]:
    """Returns lists that hold what was found in them, and nothing else."""
    return ConsultedLists({each.list: frozenset(each.values) for each in inputs.list_hits})


def model_to_proto(model: ModelScore, message: decision_pb2.ModelInput) -> None:
    message.name, message.version = model.ref
    message.score = model.score
    for each in model.reasons:
        message.contributions.add(feature=each.feature, value=each.value, added=each.added)


def model_from_proto(message: decision_pb2.ModelInput) -> ModelScore:
    reasons = [
        Contribution(each.feature, each.value if each.HasField("value") else None, each.added)
        for each in message.contributions
    ]
    return ModelScore(ModelRef(message.name, message.version), message.score, reasons)
