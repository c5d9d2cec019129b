"""Converts what tasks and schedules have in common: priorities, etags, masks, times, structs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from meshkit import timestamps
from meshkit.preconditions import Preconditions, etag_from_revision
from services.task import errors
from services.task.domain.schedules import DEFAULT_ZONE
from services.task.domain.tasks import DEFAULT_ATTEMPTS, DEFAULT_PRIORITY, MANUAL, PRIORITIES, Fault, Progress

__all__ = [
    "MAX_STRUCT_BYTES",
    "PRIORITY_NUMBERS",
    "admits_from_proto",
    "fingerprint_from_proto",
    "priority_from_name",
    "report_to_proto",
    "struct_from_proto",
    "structs_to_proto",
    "time_from_proto",
    "time_to_proto",
    "times_to_proto",
]

MAX_STRUCT_BYTES = 256 << 10
PRIORITY_NUMBERS = {name: number for number, name in enumerate(PRIORITIES)}
_DEFAULTS: dict[str, object] = {
    "priority": PRIORITIES[DEFAULT_PRIORITY],
    "kind": MANUAL,
    "max_attempts": DEFAULT_ATTEMPTS,
    "time_zone": DEFAULT_ZONE,
}

Conditional = (
    pb.UpdateTaskRequest
    | pb.CancelTaskRequest
    | pb.RetryTaskRequest
    | pb.UpdateScheduleRequest
    | pb.DeleteScheduleRequest
    | pb.PauseScheduleRequest
    | pb.ResumeScheduleRequest
)
"""Requests that may be for some states alone."""


def admits_from_proto(request: Conditional) -> Callable[[int], bool] | None:
    """Returns what tells which revisions a change is for besides that of an etag, None for any."""
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    return (lambda revision: asked.hold(etag_from_revision(revision))) if asked else None


def priority_from_name(name: str) -> int:
    return PRIORITY_NUMBERS[name] if name else DEFAULT_PRIORITY


def report_to_proto(message: Any, progress: Progress | None, fault: Fault | None) -> None:
    if progress is not None:
        told = task_pb2.Progress(done=progress.done, total=progress.total, message=progress.message)
        message.progress.CopyFrom(told)
    if fault is not None:
        message.error.CopyFrom(task_pb2.TaskError(type=fault.type, message=fault.message, retryable=fault.retryable))


def times_to_proto(message: Message, **times: datetime | None) -> None:
    for name, time in times.items():
        if time is not None:
            getattr(message, name).CopyFrom(time_to_proto(time))


def structs_to_proto(message: Message, **structs: bytes | None) -> None:
    for name, serialised in structs.items():
        if serialised is not None:
            # An empty one is set nevertheless.
            getattr(message, name).CopyFrom(Struct.FromString(serialised))


def struct_from_proto(message: Message, name: str) -> bytes | None:
    """Returns a struct serialised, None if it is not set. Raises VALIDATION_FAILED above `MAX_STRUCT_BYTES`."""
    if not message.HasField(name):
        return None
    serialised: bytes = getattr(message, name).SerializeToString(deterministic=True)
    if len(serialised) > MAX_STRUCT_BYTES:
        raise errors.invalid_field(name, f"{name}.max_bytes", f"has more than {MAX_STRUCT_BYTES} bytes")
    return serialised


def time_from_proto(message: Message, name: str) -> datetime | None:
    """Raises VALIDATION_FAILED for a time that is none."""
    if not message.HasField(name):
        return None
    try:
        time: datetime = getattr(message, name).ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise errors.invalid_field(name, "timestamp.valid", "is not a valid time") from None
    return time


def time_to_proto(time: datetime) -> Timestamp:
    # asyncpg stores the first and the last moment of `datetime` as infinity, and reads them without a zone.
    return timestamps.time_to_proto(time if time.tzinfo else time.replace(tzinfo=UTC))


def fingerprint_from_proto(message: pb.CreateTaskRequest | pb.CreateScheduleRequest) -> bytes:
    """Returns what is equal for requests that ask to store the same: a default counts as if it were absent."""
    content = type(message).FromString(message.SerializeToString())
    for name, default in _DEFAULTS.items():
        if getattr(content, name, None) == default:
            content.ClearField(name)
    if not content.arguments.fields:
        content.ClearField("arguments")
    if isinstance(content, pb.CreateTaskRequest):
        # The same UUID can be written in more than one way.
        content.request_id = ""
        for name in ("due_time", "run_after"):
            if content.HasField(name):
                # The store keeps microseconds.
                time = getattr(content, name)
                time.nanos -= time.nanos % 1000
    return blake2b(content.SerializeToString(deterministic=True), digest_size=16).digest()
