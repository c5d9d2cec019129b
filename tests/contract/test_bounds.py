"""Every text, list and map that a caller can send has a bound: no index, queue or log line is as long as he likes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from meshkit.identity.policy import POLICY_OPTION
from meshkit.tenants.serving import TENANT_DATA_SERVICE
from meshkit.topology import load
from tests.support.protos import descriptors_of

SERVICES = [*descriptors_of(load().services), TENANT_DATA_SERVICE]
MOST_CHARACTERS = 4_096
INTERNAL = {"rampart.mesh.v1.Batch"}
"""What only services of the mesh send: bounded by `max_bytes` of the coalescing, and never walked on the hot path."""
FIXED = {"google.protobuf.Timestamp", "google.protobuf.Duration"}
RAW = {"google.api.HttpBody"}
"""Bytes of which a constraint of the field bounds the size, and whose other fields nobody reads."""
READ_BY_HAND = {"google.protobuf.FieldMask", "google.protobuf.Struct"}
"""Paths must be those of fields; the size of a structure is in its field's words, and the service refuses more."""
NEVER_STORED = {"page_token", "etag", "client_id", "client_secret", "client_assertion", "api_key", "scope"}
"""Read by code of ours that refuses what it has not made."""
OUTPUT_ONLY = {
    *(
        f"rampart.task.v1.Task.{name}"
        for name in ("task_id", "kind", "unique_key", "result_reference", "worker", "schedule_id")
    ),
    *(f"rampart.task.v1.Schedule.{name}" for name in ("kind", "last_task_id")),
    "rampart.user.v1.RiskProfile.country",
    *(f"rampart.fraud.v1.Label.{name}" for name in ("label_id", "decision_id", "created_by")),
}
"""Of resources that are sent back to be changed: not read, or read as a UUID."""
TIMES_NEVER_STORED = {
    *(f"rampart.task.v1.Task.{name}_time" for name in ("create", "update", "start", "finish")),
    "rampart.task.v1.Task.run_after",
    "rampart.fraud.v1.Snooze.create_time",
    "rampart.fraud.v1.Label.create_time",
    *(f"rampart.task.v1.Schedule.{name}_time" for name in ("next_run", "last_run", "create", "update")),
    *(f"rampart.fraud.v1.{name}_time" for name in ("ValueList.create", "ValueList.update", "ListEntry.change")),
    *(f"rampart.user.v1.{name}_time" for name in ("User.create", "User.update", "RiskProfile.create")),
    *(f"rampart.fraud.v1.EventType.{name}_time" for name in ("create", "update")),
    *(f"rampart.fraud.v1.Feature.{name}_time" for name in ("create", "update")),
    *(f"rampart.auth.v1.Member.{name}_time" for name in ("create", "update", "sign_in")),
    *(f"rampart.fraud.v1.Model.{name}_time" for name in ("create", "update")),
    *(f"rampart.auth.v1.Client.{name}_time" for name in ("create", "update", "rotate", "disable")),
    "rampart.auth.v1.Client.previous_secret_expire_time",
    *(f"rampart.auth.v1.ApiKey.{name}_time" for name in ("create", "rotate", "previous_expire", "last_use")),
    *(f"rampart.data.v1.ListTransactionsRequest.{name}_time" for name in ("start", "end")),
}
"""Of resources that are sent back to be changed, or compared with what is stored."""

JUDGED_BY_THE_CLOCK = {
    "rampart.fraud.v1.CheckEventRequest.event_time",
    "rampart.fraud.v1.CheckFraudRequest.event_time",
}
"""Refused if it is too far ahead."""


def requests() -> Iterator[Descriptor]:
    """Yields the request types that anybody but a service of the mesh may send."""
    for service in SERVICES:
        for method in service.methods:
            callers = method.GetOptions().Extensions[POLICY_OPTION].callers
            if any(not caller.startswith("service/") or caller == "service/gateway" for caller in callers):
                yield method.input_type


def fields(message: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[FieldDescriptor]:
    if message.full_name in seen | INTERNAL | FIXED | RAW | READ_BY_HAND:
        return
    for field in message.fields:
        yield field
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            yield from fields(field.message_type, seen | {message.full_name})


REQUESTS = {each.full_name: each for each in requests()}
every_request = pytest.mark.parametrize("message", REQUESTS.values(), ids=REQUESTS)


def bounded_text(rules: validate_pb2.StringRules) -> bool:
    """Tells whether rules leave no text longer than a bound: said so, a list, a UUID, or a pattern that ends."""
    if rules.HasField("max_len") or rules.HasField("max_bytes") or rules.HasField("len") or rules.uuid:
        return True
    if getattr(rules, "in"):
        return True
    pattern = rules.pattern
    if not (pattern.startswith("^") and pattern.endswith("$")):
        return False
    width = re._parser.parse(pattern).getwidth()[1]  # type: ignore[attr-defined]
    return bool(width <= MOST_CHARACTERS)


def rules_of(field: FieldDescriptor) -> Any:
    # The generated type stub calls every extension a FieldDescriptor.
    extension: Any = validate_pb2.field
    return field.GetOptions().Extensions[extension]


def bounded(field: FieldDescriptor) -> bool:
    rules = rules_of(field)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        texts = [rules.map.keys.string, rules.map.values.string]
        return rules.map.HasField("max_pairs") and all(bounded_text(text) for text in texts)
    if field.is_repeated:
        if not rules.repeated.HasField("max_items"):
            return False
        return field.type != field.TYPE_STRING or bounded_text(rules.repeated.items.string)
    if field.type == field.TYPE_BYTES:
        return bool(rules.bytes.HasField("max_len") or rules.bytes.HasField("len"))
    return field.type != field.TYPE_STRING or bounded_text(rules.string)


@every_request
def test_everything_that_a_caller_sends_is_bounded(message: Descriptor) -> None:
    assert [field.full_name for field in fields(message) if not bounded(field)] == []


def takes_nul(field: FieldDescriptor) -> bool:
    rules = rules_of(field).string
    if field.type != field.TYPE_STRING or field.is_repeated or rules.uuid or getattr(rules, "in"):
        return False
    if rules.ip:
        return False
    return not rules.pattern or re.search(rules.pattern, "a\0b") is not None


@every_request
def test_no_text_that_may_be_stored_or_looked_up_holds_a_nul(message: Descriptor) -> None:
    """PostgreSQL has no such text, and fingerprints stand a NUL between texts."""
    known = NEVER_STORED | OUTPUT_ONLY
    found = [field for field in fields(message) if known.isdisjoint({field.name, field.full_name})]
    assert [field.full_name for field in found if takes_nul(field)] == []


def has_bounds(field: FieldDescriptor) -> bool:
    rules = rules_of(field).timestamp
    return rules.WhichOneof("greater_than") is not None and (
        rules.WhichOneof("less_than") is not None or field.full_name in JUDGED_BY_THE_CLOCK
    )


@every_request
def test_no_time_that_may_be_stored_is_one_that_the_store_calls_infinite(message: Descriptor) -> None:
    """The first and the last moment of its drivers' calendars are read back as something else."""
    times = [
        field
        for field in fields(message)
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp"
    ]
    assert [each.full_name for each in times if each.full_name not in TIMES_NEVER_STORED and not has_bounds(each)] == []
