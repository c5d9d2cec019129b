"""The errors of the task service, one constructor for each reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from meshkit.errors import Kind, MeshError, Violation, validation_failed

__all__ = [
    "invalid_field",
    "key_taken",
    "kind_not_allowed",
    "lease_lost",
    "no_scope_over_kind",
    "position_invalid",
    "request_differs",
    "result_too_large",
    "schedule_exists",
    "schedule_not_found",
    "state_not_allowed",
    "task_not_found",
    "too_many_watches",
    "unsettled",
    "value_refused",
    "within",
]


def task_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such task", metadata={"resource": "task"})


def schedule_not_found() -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such schedule", metadata={"resource": "schedule"}
    )


def schedule_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "RESOURCE_EXISTS",
        "a schedule with this schedule_id and other content exists",
        metadata={"resource": "schedule"},
    )


def key_taken() -> MeshError:
    """A task that is not finished has the unique key, or is of the schedule, of the one to do again."""
    return MeshError(
        Kind.ALREADY_EXISTS,
        "RESOURCE_EXISTS",
        "another task with the same unique_key is not finished",
        metadata={"resource": "task"},
    )


def position_invalid() -> MeshError:
    return validation_failed(Violation("after", "position", "must be the position of an earlier response of this task"))


def request_differs(request_id: str) -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "IDEMPOTENCY_CONFLICT",
        "request_id was used for a request with other content",
        metadata={"request_id": request_id},
    )


def unsettled() -> MeshError:
    """The task of a unique key finished at every try to find it."""
    return MeshError(Kind.ABORTED, "CONFLICT", "the task with this unique_key is just being finished", retry_after=0.1)


def state_not_allowed(state: str) -> MeshError:
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "STATE_NOT_ALLOWED",
        f"a task that is {state}, or of its kind, does not allow this",
        metadata={"state": state},
    )


def lease_lost(task_id: str) -> MeshError:
    return MeshError(
        Kind.ABORTED,
        "LEASE_LOST",
        f"the lease of the task {task_id} has expired or was given to another",
        metadata={"task_id": task_id},
    )


def result_too_large(size: int, limit: int) -> MeshError:
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "RESULT_TOO_LARGE",
        f"the result has {size} bytes, more than {limit}: store it elsewhere and complete the task with a reference",
        metadata={"size": str(size), "limit": str(limit)},
    )


def invalid_field(field: str, reason: str, message: str) -> MeshError:
    return validation_failed(Violation(field, reason, message))


def value_refused() -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", "the task holds a value that cannot be stored")


@contextmanager
def within(resource: str) -> Iterator[None]:
    """Names the fields in errors of the block as an update has them: those of the resource below it."""
    try:
        yield
    except MeshError as error:
        if not error.violations:
            raise
        raise error.with_violations(_below(resource, each) for each in error.violations) from None


def _below(resource: str, violation: Violation) -> Violation:
    if violation.field == "update_mask" or violation.field.startswith(f"{resource}."):
        return violation
    return dataclasses.replace(violation, field=f"{resource}.{violation.field}")


def kind_not_allowed() -> MeshError:
    return invalid_field("kind", "kind.internal", "is made by the platform alone")


def no_scope_over_kind() -> MeshError:
    """A service asks for work, or declares it, that is not its own."""
    return MeshError(Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED", "a service has only kinds that begin with its name")


def too_many_watches() -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "the tenant watches as many tasks as it may at once", retry_after=5.0
    )
