"""Converts what tasks and schedules have in common: priorities, etags, masks, times, structs."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from services.task import errors
from services.task.domain.tasks import DEFAULT_PRIORITY, PRIORITIES, Fault, Progress

__all__ = [
    "MAX_STRUCT_BYTES",
    "PRIORITY_NUMBERS",
    "fields_from_mask",
    "fingerprint_from_proto",
    "priority_from_name",
    "report_to_proto",
    "revision_from_etag",
    "struct_from_proto",
    "structs_to_proto",
    "time_from_proto",
    "time_to_proto",
    "times_to_proto",
]

MAX_STRUCT_BYTES = 256 << 10
PRIORITY_NUMBERS = {name: number for number, name in enumerate(PRIORITIES)}
_NO_REVISION = -1
"""What no state has."""


def revision_from_etag(etag: str) -> int | None:
    """Returns the revision that an etag names, None without one. The quotes of the etag may be missing."""
    digits = etag.strip('"')
    if not etag:
        return None
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else _NO_REVISION


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
    seconds = int(time.timestamp())
    # Exact: a float of seconds has no room for microseconds.
    return Timestamp(seconds=seconds if time.timestamp() >= 0 else seconds - 1, nanos=time.microsecond * 1000)


def fields_from_mask(message: Message, mask: FieldMask, mutable: tuple[str, ...]) -> set[str]:
    """Returns the fields to change (AIP-134): those that the mask names, all for `*`, those set if there is none."""
    if not mask.paths:
        return {field.name for field, _ in message.ListFields()} & set(mutable)
    if list(mask.paths) == ["*"]:
        return set(mutable)
    # The etag says which state to change and may be named along with what changes. A member of a struct stands for it.
    named = {path.partition(".")[0] for path in mask.paths} - {"etag"}
    if not named <= set(mutable):
        raise errors.mask_unusable(mutable)
    return named


def fingerprint_from_proto(message: pb.CreateTaskRequest | pb.CreateScheduleRequest) -> bytes:
    """Returns what is equal for requests of equal content."""
    content = type(message).FromString(message.SerializeToString())
    if isinstance(content, pb.CreateTaskRequest):
        # The same UUID can be written in more than one way.
        content.request_id = ""
    return blake2b(content.SerializeToString(deterministic=True), digest_size=16).digest()
