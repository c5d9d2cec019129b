"""The errors of the cases service, one constructor for each reason."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError, Violation, validation_failed

__all__ = ["changed_meanwhile", "field_invalid", "found_none", "queue_empty", "step_refused"]


def found_none(resource: str) -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", f"there is no such {resource}", metadata={"resource": resource}
    )


def queue_empty() -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "no open case waits in the queue", metadata={"resource": "case"}
    )


def step_refused(why: str, state: str) -> MeshError:
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", why, metadata={"state": state})


def changed_meanwhile() -> MeshError:
    return MeshError(
        Kind.ABORTED, "CONFLICT", "the case was changed while it was closed: look at it again", retry_after=0.0
    )


def field_invalid(field: str, rule: str, words: str) -> MeshError:
    return validation_failed(Violation(field, rule, words))
