"""The errors of the user service, one constructor for each reason."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError

__all__ = ["user_exists", "user_not_found"]


def user_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a user with this user_id exists", metadata={"resource": "user"}
    )


def user_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such user", metadata={"resource": "user"})
