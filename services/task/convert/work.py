"""Converts between messages and what workers are given and tell."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from rampart.task.v1 import task_pb2
from rampart.task.v1 import task_service_pb2 as pb

from services.task.convert.parts import report_to_proto, struct_from_proto, structs_to_proto
from services.task.domain.leases import AttemptOutcome, Beat, DeclaredKind, Ending, Lease
from services.task.domain.tasks import Fault, Progress, Task

__all__ = [
    "beat_from_proto",
    "completion_from_proto",
    "failure_from_proto",
    "kinds_from_proto",
    "lease_from_proto",
    "lease_seconds_from_proto",
    "lease_to_proto",
    "leased_to_proto",
]

DEFAULT_LEASE_SECONDS = 30
LEAST_LEASE_SECONDS = 2


def kinds_from_proto(messages: Iterable[pb.KindDeclaration]) -> list[DeclaredKind]:
    return [DeclaredKind(each.kind, each.max_running, each.max_running_per_tenant, each.internal) for each in messages]


def leased_to_proto(task: Task, seconds: float) -> pb.LeasedTask:
    message = pb.LeasedTask(
        tenant_id=task.tenant_id,
        task_id=str(task.task_id),
        token=task.fence,
        kind=task.kind,
        attempt=task.attempt_count,
        max_attempts=task.max_attempts,
        lease_seconds=int(seconds),
        title=task.title,
    )
    structs_to_proto(message, arguments=task.arguments or None, checkpoint=task.checkpoint)
    report_to_proto(message, task.progress, None)
    return message


def lease_seconds_from_proto(asked: int) -> float:
    return float(max(LEAST_LEASE_SECONDS, asked or DEFAULT_LEASE_SECONDS))


def lease_from_proto(message: pb.Lease) -> Lease:
    return Lease(str(UUID(message.tenant_id)), str(UUID(message.task_id)), message.token)


def lease_to_proto(lease: Lease) -> pb.Lease:
    return pb.Lease(tenant_id=lease.tenant_id, task_id=lease.task_id, token=lease.token)


def beat_from_proto(message: pb.Beat) -> Beat:
    """Raises VALIDATION_FAILED for a checkpoint that is too large."""
    return Beat(
        lease_from_proto(message.lease),
        lease_seconds_from_proto(message.lease_seconds),
        _progress_from_proto(message),
        struct_from_proto(message, "checkpoint"),
    )


def completion_from_proto(message: pb.CompleteTaskRequest) -> Ending:
    return Ending(
        AttemptOutcome.SUCCEEDED,
        result=message.result.SerializeToString(deterministic=True) if message.HasField("result") else None,
        result_reference=message.result_reference,
        progress=_progress_from_proto(message),
    )


def failure_from_proto(message: task_pb2.TaskError) -> Ending:
    return Ending(AttemptOutcome.FAILED, fault=Fault(message.type, message.message, message.retryable))


def _progress_from_proto(message: pb.Beat | pb.CompleteTaskRequest) -> Progress | None:
    if not message.HasField("progress"):
        return None
    return Progress(message.progress.done, message.progress.total, message.progress.message)
