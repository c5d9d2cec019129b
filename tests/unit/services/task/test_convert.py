"""What updates of tasks and schedules change and may send back, and when two requests ask for the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from rampart.task.v1 import schedule_pb2, task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit.errors import MeshError
from services.task import convert, errors
from services.task.domain.schedules import Schedule, ScheduleChange
from services.task.domain.tasks import Task, TaskChange
from services.task.ports import Created
from tests.support.tasks import struct

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
TASK_ID = UUID("0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57")
TENANT = "0199c2a4-0000-7000-8000-000000000000"
ARGUMENTS = struct(fooBar={"a.b": 1}).SerializeToString(deterministic=True)
TASK = Task(TENANT, TASK_ID, "Call", 2, "manual", "pending", NOW, NOW, NOW, 5, arguments=ARGUMENTS, revision=3)
SCHEDULE = Schedule(
    TENANT, "nightly", "0 3 * * *", "UTC", "Call", "manual", ARGUMENTS, 1, 5, b"", NOW, NOW, next_run_at=NOW, revision=2
)


def refused(check: Callable[[Any], None] | None, stored: Any) -> list[str]:
    """Returns the fields that a check of what is stored names."""
    if check is None:
        return []
    try:
        check(stored)
    except MeshError as error:
        assert error.reason == "VALIDATION_FAILED"
        return [violation.field for violation in error.violations]
    return []


def everything(message: Any) -> FieldMask:
    return FieldMask(paths=[field.name for field in message.DESCRIPTOR.fields])


def test_task_that_was_read_may_be_sent_back() -> None:
    sent = convert.task_to_proto(TASK)
    sent.title = "Call again"
    for mask in (FieldMask(), everything(sent)):
        assert refused(convert.task_check_from_proto(sent, mask), TASK) == []
    change = convert.task_change_from_proto(sent, everything(sent))
    assert change == TaskChange("Call again", 2, "", None, "pending")


@pytest.mark.parametrize(("stored", "seconds"), [(FIRST, -62_135_596_800), (LAST, 253_402_300_799)])
def test_time_that_the_driver_reads_back_without_a_zone_is_told(stored: datetime, seconds: int) -> None:
    """asyncpg stores the first and the last moment of the calendar as infinity."""
    assert convert.task_to_proto(replace(TASK, due_at=stored.replace(tzinfo=None))).due_time.seconds == seconds


def test_task_field_that_cannot_be_changed_is_named() -> None:
    sent = convert.task_to_proto(TASK)
    sent.kind, sent.max_attempts, sent.attempt_count, sent.worker = "other", 6, 2, "w"
    sent.arguments["more"] = 1
    check = convert.task_check_from_proto(sent, FieldMask())
    assert check is not None
    fixed = ["task.arguments", "task.kind", "task.max_attempts"]
    assert refused(check, TASK) == sorted([*fixed, "task.attempt_count", "task.worker"])
    sent.etag = ""
    assert refused(convert.task_check_from_proto(sent, FieldMask()), TASK) == fixed


def test_schedule_that_was_read_may_be_sent_back_though_it_ran_meanwhile() -> None:
    sent = convert.schedule_to_proto(SCHEDULE)
    sent.last_run_time.seconds = 7
    sent.last_task_id = str(TASK_ID)
    for mask in (FieldMask(), everything(sent)):
        assert refused(convert.schedule_check_from_proto(sent, mask), SCHEDULE) == []
    change = convert.schedule_change_from_proto(sent, everything(sent))
    assert change == ScheduleChange("Call", "0 3 * * *", "UTC", ARGUMENTS, 1, 5, False)
    sent.kind = "other"
    sent.update_time.seconds += 1
    assert refused(convert.schedule_check_from_proto(sent, FieldMask()), SCHEDULE) == [
        "schedule.kind", "schedule.update_time"
    ]  # fmt: skip


def failed(call: Callable[[], Any]) -> list[str]:
    with pytest.raises(MeshError) as caught:
        call()
    return [violation.field for violation in caught.value.violations]


@pytest.mark.parametrize("name", ["title", "state"])
def test_what_must_not_be_empty_is_not_emptied(name: str) -> None:
    mask = FieldMask(paths=[name])
    assert failed(lambda: convert.task_change_from_proto(task_pb2.Task(), mask)) == [name]
    with errors.within("task"):
        assert convert.task_change_from_proto(task_pb2.Task(), FieldMask(paths=["*"])).values().keys() == {
            "priority", "assignee", "due_at"
        }  # fmt: skip


def test_emptied_state_of_a_schedule_lets_nothing_run() -> None:
    assert failed(lambda: convert.schedule_change_from_proto(schedule_pb2.Schedule(), FieldMask(paths=["state"]))) == [
        "state"
    ]
    check = convert.schedule_check_from_proto(schedule_pb2.Schedule(), FieldMask(paths=["title"]))
    assert refused(check, SCHEDULE) == ["title"]


@pytest.mark.parametrize("path", ["nosuch", "arguments.a", "title.x", ""])
def test_mask_that_names_what_is_no_field_is_refused(path: str) -> None:
    mask = FieldMask(paths=[path])
    assert failed(lambda: convert.task_change_from_proto(task_pb2.Task(), mask)) == ["update_mask"]
    assert failed(lambda: convert.schedule_change_from_proto(schedule_pb2.Schedule(), mask)) == ["update_mask"]


def test_fields_in_errors_of_an_update_are_below_the_resource() -> None:
    def fail() -> None:
        with errors.within("schedule"):
            raise errors.invalid_field("cron", "cron.malformed", "m")

    assert failed(fail) == ["schedule.cron"]


def a_task(**fields: Any) -> pb.CreateTaskRequest:
    request = pb.CreateTaskRequest(title="Call", request_id=str(TASK_ID), arguments=struct(a=1), **fields)
    request.due_time.seconds = request.run_after.seconds = 1_900_000_000
    request.due_time.nanos = request.run_after.nanos = 123_456_789
    return request


def test_requests_that_ask_to_store_the_same_are_one() -> None:
    first = a_task()
    again = a_task(priority="normal", kind="manual", max_attempts=5)
    again.request_id = str(TASK_ID).upper()
    again.due_time.nanos = again.run_after.nanos = 123_456_000
    empty = pb.CreateTaskRequest(title="x", request_id=str(TASK_ID))
    emptied = pb.CreateTaskRequest(title="x", request_id=str(TASK_ID), arguments=struct())
    for one, other in ((first, again), (empty, emptied)):
        found = [convert.new_task_from_proto(each, TENANT) for each in (one, other)]
        assert found[0] == found[1]
    later = a_task()
    later.due_time.nanos = 123_457_000
    assert convert.new_task_from_proto(later, TENANT).fingerprint != found[0].fingerprint
    assert convert.new_task_from_proto(a_task(priority="high"), TENANT).fingerprint != found[0].fingerprint
    plain = pb.CreateScheduleRequest(schedule_id="s", cron="0 3 * * *", title="t")
    spelled = pb.CreateScheduleRequest(time_zone="UTC", priority="normal", kind="manual", max_attempts=5)
    spelled.MergeFrom(plain)
    assert convert.new_schedule_from_proto(plain, TENANT) == convert.new_schedule_from_proto(spelled, TENANT)


def test_answer_to_a_creation_shows_what_is_stored() -> None:
    request = a_task()
    new = convert.new_task_from_proto(request, TENANT)
    made = convert.created_to_proto(request, new, Created(TASK_ID, NOW, NOW))
    assert new.due_at is not None
    assert made.due_time.nanos == new.due_at.microsecond * 1000 == 123_456_000
    request.due_time.CopyFrom(made.due_time)
    assert convert.new_task_from_proto(request, TENANT).fingerprint == new.fingerprint
