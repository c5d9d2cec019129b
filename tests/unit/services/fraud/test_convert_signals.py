"""What lists and addresses contributed to a decision is read back as it was, and a record proves itself."""

from __future__ import annotations

from itertools import product

import pytest
from rampart.fraud.v1 import decision_pb2

from services.fraud.convert.seals import intact_from_record, sealed_to_record
from services.fraud.convert.signals import (
    address_from_proto,
    address_to_proto,
    ruling_from_proto,
    ruling_to_proto,
)
from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.scenarios.judging import Ruling
from services.fraud.domain.travel import GeoPoint
from services.fraud.domain.verdict import Factor


@pytest.mark.parametrize("flags", list(product([None, False, True], repeat=2)))
@pytest.mark.parametrize("place", [None, GeoPoint(0.0, 0.0), GeoPoint(-33.9, 18.4, 0.5)])
def test_signals_of_an_address_are_read_back(flags: tuple[bool | None, ...], place: GeoPoint | None) -> None:
    datacenter, tor = flags
    for country, asn in ((None, None), ("DE", 0), ("ZA", 2**32 - 1)):
        for scope in ((False, False), (True, False), (False, True)):
            signals = IpSignals(*scope, country, datacenter, tor, place, asn)
            message = decision_pb2.AddressSignals.FromString(address_to_proto(signals).SerializeToString())
            assert address_from_proto(message) == signals


@pytest.mark.parametrize("allowed", [True, False])
def test_ruling_of_a_list_is_read_back(allowed: bool) -> None:
    ruling = Ruling(allowed, Factor("LIST_BLOCKED", "The list blocks.", 1.0))
    assert ruling_from_proto(ruling_to_proto(ruling)) == ruling


def test_sealed_inputs_are_the_message_with_its_digest() -> None:
    body = decision_pb2.DecisionInputs(channel="online", format=1)
    found = decision_pb2.DecisionInputs.FromString(sealed_to_record(b"answer", b"{}", body.SerializeToString()))
    assert len(found.digest) == 16
    found.ClearField("digest")
    assert found == body


@pytest.mark.parametrize("part", range(3))
def test_every_byte_that_was_changed_breaks_the_seal(part: int) -> None:
    record = [b"the answer", b"{fields}", sealed_to_record(b"the answer", b"{fields}", b"inputs")]
    assert intact_from_record(*record)
    whole = record[part]
    for place in range(len(whole)):
        record[part] = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert not intact_from_record(*record)
    for other in (b"", whole[:-1], whole + b"\0"):
        record[part] = other
        assert not intact_from_record(*record)


def test_what_moves_from_one_part_to_the_next_breaks_the_seal() -> None:
    inputs = sealed_to_record(b"ab", b"cd", b"ef")
    assert not intact_from_record(b"abc", b"d", inputs)
    assert not intact_from_record(b"a", b"bcd", inputs)
