"""The errors of the user service, one constructor for each reason."""

from __future__ import annotations

from collections.abc import Iterable

from meshkit.errors import Kind, MeshError, Violation, validation_failed

__all__ = ["mask_unusable", "user_exists", "user_not_found"]


def user_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a user with this user_id exists", metadata={"resource": "user"}
    )


def user_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such user", metadata={"resource": "user"})


def mask_unusable(mutable: Iterable[str]) -> MeshError:
    """The mask names a field that does not exist or cannot be changed."""
    return validation_failed(
        Violation("update_mask", "update_mask.mutable", f"may name only {', '.join(sorted(mutable))}")
    )
