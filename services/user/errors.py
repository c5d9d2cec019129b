"""The errors of the user service, one constructor for each reason."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError

__all__ = ["request_differs", "request_under_way", "user_exists", "user_not_found"]


def user_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a user with this user_id exists", metadata={"resource": "user"}
    )


def user_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such user", metadata={"resource": "user"})


def request_differs(request_id: str) -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "IDEMPOTENCY_CONFLICT",
        "request_id was used for a request with other content",
        metadata={"request_id": request_id},
    )


def request_under_way() -> MeshError:
    """The first request of this name took longer than its repetition could wait."""
    return MeshError(
        Kind.ABORTED, "CONFLICT", "the first request with this request_id is still under way", retry_after=1.0
    )
