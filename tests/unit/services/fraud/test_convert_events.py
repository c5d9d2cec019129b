"""The fields of an event as they arrive, a JSON object, become the values that its type declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from rampart.fraud.v1 import decision_pb2
from rampart.fraud.v1 import fraud_service_pb2 as pb

from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.convert import event_values_from_proto
from services.fraud.domain.check import Check
from services.fraud.domain.declaring import DeclaredType
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.domain.event_values import EventReader
from services.fraud.ports import Declarations
from services.fraud.service.tenants.configuration import compiled
from tests.support.fraud import principal


@pytest.fixture
def payment() -> EventReader:
    return compiled(Declarations()).readers["payment"]


def struct(**fields: Any) -> Struct:
    message = Struct()
    message.update({"user_id": "u1", "amount": {"amount": 12.5}} | fields)
    return message


def test_members_of_every_kind_are_read(payment: EventReader) -> None:
    values = event_values_from_proto(payment, struct(ip_address="2001:DB8::7", email=None), "EUR")
    assert (values.seen["user_id"], values.seen["ip_address"], values.seen["email"]) == ("u1", "2001:db8::7", None)
    assert (values.exact, values.currencies) == ({"amount": 1250}, {"amount": "EUR"})


@pytest.mark.parametrize("value", [["u1"], {"name": "u1"}, True, 1])
def test_what_is_not_as_declared_is_a_violation_of_its_field(payment: EventReader, value: object) -> None:
    with pytest.raises(MeshError) as caught:
        event_values_from_proto(payment, struct(user_id=value, amount={"amount": 1, "currency": "XXX"}), "EUR")
    assert {each.field for each in caught.value.violations} == {"fields.user_id", "fields.amount.currency"}


@pytest.mark.parametrize(("length", "refused"), [(16_000, False), (16_384, True)])
def test_event_has_at_most_sixteen_kilobytes(payment: EventReader, length: int, refused: bool) -> None:
    message = struct(channel="x" * length)
    if not refused:
        assert event_values_from_proto(payment, message, "EUR").seen["channel"] == "x" * length
        return
    with pytest.raises(MeshError) as caught:
        event_values_from_proto(payment, message, "EUR")
    assert [(each.field, each.reason) for each in caught.value.violations] == [("fields", "fields.size")]


def test_an_event_is_the_same_when_it_is_sent_again_after_a_field_was_retired() -> None:
    key, count = Field("account", FieldType.STRING, key=True), Field("count", FieldType.NUMBER)
    answer = decision_pb2.Decision().SerializeToString()

    def check(number: float | None, *, retired: bool) -> Check:
        transfer = EventType("transfer", (key, replace(count, retired=retired)))
        declared = Declarations(event_types=(DeclaredType(transfer),))
        request = pb.CheckEventRequest(event_type="transfer")
        request.fields.update({"account": "a-1", "count": number})
        return convert.check_from_event(request, compiled(declared).readers["transfer"], principal("t"), "t-1")

    before = check(1.5, retired=False)
    assert check(1.5, retired=True).repeats(before.fingerprint, answer)
    assert not check(2.5, retired=True).repeats(before.fingerprint, answer)
    unread = check(None, retired=True)
    assert check(1.5, retired=True).repeats(unread.fingerprint, answer), "stored when it was not looked at"
