"""Transactions under decision, for tests of the fraud service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from rampart.fraud.v1 import fraud_service_pb2

from meshkit.context import CallContext, Principal
from meshkit.currencies import DIGITS
from meshkit.errors import MeshError
from meshkit.ids import uuid7, uuid7_text
from services.fraud import convert
from services.fraud.adapters.memory_ip import MemoryIpIntelligence
from services.fraud.domain.check import Check, Decided, Features
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event import FieldValue, Money
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.ip_signals import FROM_FILES
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import PAR, Rate, Spend
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.facts import EventFacts, value_reader
from services.fraud.domain.scenarios.judging import Judgement, Standing
from services.fraud.domain.scenarios.starter import STARTER as STARTER_RULES
from services.fraud.domain.scenarios.starter import STARTER_REF, starter_trees
from services.fraud.ports import Declarations
from services.fraud.service.deciding.decider import CheckCall
from services.fraud.service.tenants.configuration import compiled
from services.fraud.service.tenants.states import TenantState

__all__ = [
    "IP", "check", "configured", "decided", "facts", "judged", "milliseconds", "named", "new_tenant", "principal",
    "read", "record", "request", "to_call", "vector",
]  # fmt: skip

SCOPES = frozenset({"decision:create"})
FIELDS = {"user_id": "user_id", "device": "device_fingerprint", "ip": "ip_address", "merchant": "merchant_id"}
"""Names of this module, and those of the event's fields."""


def milliseconds(when: datetime) -> datetime:
    """Returns a time as decisions keep it."""
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def new_tenant() -> str:
    return str(uuid7())


def check(tenant_id: str, transaction_id: str = "", **changed: Any) -> Check:
    """Returns a payment of 12.50 USD by u1 with d1 from 192.0.2.1 at m1, a moment ago."""
    values: dict[str, Any] = {
        "transaction_id": transaction_id or uuid7_text(),
        "user_id": "u1",
        "device": "d1",
        "ip": "192.0.2.1",
        "merchant": "m1",
        "amount": 12.5,
        "amount_minor": 1250,
        "currency": "USD",
        "currency_digits": 2,
        "channel": "online",
        "event_time": milliseconds(datetime.now(UTC)) - timedelta(seconds=1),
    } | changed
    fingerprint = blake2b(repr(sorted(values.items())).encode(), digest_size=16).digest()
    fields: dict[str, FieldValue] = {"amount": Money(values["amount_minor"], values["currency"])}
    fields |= {field: values[name] for name, field in FIELDS.items() if values[name]}
    del values["device"], values["ip"]
    return Check(
        **{"tenant_id": tenant_id, "event_type": PAYMENT.name, "fields": fields, "fingerprint": fingerprint} | values
    )


def vector(**values: int) -> Sequence[FeatureValue]:
    """Returns the features of a subject never seen before, with some changed."""
    found: dict[str, FeatureValue] = {**dict.fromkeys(STARTER.names, 0), **values}
    assert len(found) == len(STARTER.names), "no such feature"
    found["user_new_device"] = bool(found["user_new_device"])
    return list(found.values())


def named(found: Features) -> dict[str, FeatureValue]:
    """Returns the values of features by name."""
    return dict(zip(STARTER.names, found.values, strict=True))


def facts(
    profile: Profile | None = Profile(),
    amount_minor: int = 1250,
    currency: str = "USD",
    rate: Rate | None = PAR,
    elsewhere: Sequence[Spend] = (),
    **features: Any,
) -> EventFacts:
    """Returns what a decision is computed from: nothing that would raise a suspicion, with some changed."""
    fields: dict[str, FieldValue] = {"user_id": "u1", "amount": Money(amount_minor, currency), "channel": "online"}
    return EventFacts(fields, vector(**features), currency, DIGITS[currency], profile, rate=rate, elsewhere=elsewhere)


_STARTER = CompiledScenario(STARTER_REF, STARTER_RULES, starter_trees())
_values = value_reader(_STARTER.names, PAYMENT, STARTER, DIGITS)


def judged(basis: EventFacts, *, review_floor: bool = False) -> Judgement:
    """Returns what the starter scenario says."""
    profile = basis.profile
    standing = Standing(profile.base_risk, profile.tier == "trusted") if profile else None
    return _STARTER.decide(_values(basis), standing, basis.fields.get, datetime.now(UTC), review_floor=review_floor)


async def configured(_: str, seconds: float = 0.0) -> TenantState:
    """The state of a tenant that has declared nothing."""
    return _STATE


_STATE = TenantState(compiled(Declarations()))
IP = MemoryIpIntelligence({signal: {} for signal in FROM_FILES})
"""Knows of every address that it is nothing special."""


def decided(made: Check, at: datetime | None = None) -> Decided:
    """Returns a decision about a check, as the pipeline makes it."""
    found = Features(vector(), made.event_time or datetime.now(UTC))
    basis = EventFacts(made.fields, found.values, made.currency, made.currency_digits, Profile(), rate=PAR)
    now = at or datetime.now(UTC)
    return Decided(made, uuid7_text(), found, basis, judged(basis), STARTER_REF, (), now)


def record(made: Decided) -> convert.DecisionRecord:
    """Returns a decision as it is answered, stored and published."""
    return convert.decided_to_record(made)


def read(found: Sequence[Features | MeshError]) -> Sequence[Features]:
    """Returns features of which each could be read."""
    errors = [each for each in found if isinstance(each, MeshError)]
    assert not errors, errors
    return [each for each in found if isinstance(each, Features)]


def principal(tenant_id: str, *scopes: str, currency: str = "USD") -> Principal:
    return Principal(tenant_id, "client-1", SCOPES | set(scopes), 100, currency)


def request(transaction_id: str = "", **changed: Any) -> fraud_service_pb2.CheckFraudRequest:
    """Returns the request for the payment of `check`."""
    values: dict[str, Any] = {
        "user_id": "u1",
        "transaction_amount": 12.5,
        "device_fingerprint": "d1",
        "ip_address": "192.0.2.1",
        "merchant_id": "m1",
        "transaction_id": transaction_id or uuid7_text(),
    } | changed
    return fraud_service_pb2.CheckFraudRequest(**values)


def to_call(
    tenant_id: str, asked: fraud_service_pb2.CheckFraudRequest, *scopes: str, currency: str = "USD"
) -> CheckCall | MeshError:
    """Returns the call that the servicer makes of a request, or its error."""
    caller = principal(tenant_id, *scopes, currency=currency)
    try:
        made = convert.check_from_proto(asked, caller, asked.transaction_id or uuid7_text())
    except MeshError as error:
        return error
    return CheckCall(made, CallContext(request_id="r-1", principal=caller))
