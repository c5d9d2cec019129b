"""Errors about people and how they prove who they are."""

from __future__ import annotations

from collections.abc import Iterable

from meshkit.errors import Kind, MeshError

__all__ = [
    "last_factor",
    "last_owner",
    "link_invalid",
    "member_changed",
    "member_exists",
    "member_not_found",
    "no_account",
    "no_factor",
    "no_pending_totp",
    "owners_alone",
    "passkey_exists",
    "password_refused",
    "reauthentication_required",
    "role_not_granted",
    "sign_in_refused",
    "sign_in_throttled",
    "too_many_passkeys",
    "too_many_sign_ins",
    "unfit_for_reset",
]

_FAULTS = {
    "short": "has fewer than 8 characters",
    "long": "has more than 256 characters",
    "characters": "has characters that cannot be typed",
    "common": "is one of those that everybody tries first",
    "personal": "contains a name of the person, the tenant or the platform",
}


def sign_in_refused() -> MeshError:
    """Nothing is told of what was wrong."""
    return MeshError(Kind.UNAUTHENTICATED, "SIGN_IN_REFUSED", "what was given does not prove who it is")


def sign_in_throttled(seconds: float) -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED, "SIGN_IN_THROTTLED", "too much that was wrong was given before", retry_after=seconds
    )


def too_many_sign_ins() -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "more passwords wait to be checked than can be soon", retry_after=1.0
    )


def password_refused(why: str) -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "PASSWORD_REFUSED", f"the password {_FAULTS[why]}", metadata={"why": why})


def member_changed() -> MeshError:
    """What was judged of the member does not hold any more."""
    words = "the member was changed at the same time: look again, and repeat the call"
    return MeshError(Kind.ABORTED, "CONFLICT", words, retry_after=1.0)


def link_invalid() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "LINK_INVALID", "the link is unknown, used, replaced or too old")


def reauthentication_required(seconds: int) -> MeshError:
    return MeshError(
        Kind.PERMISSION_DENIED,
        "REAUTHENTICATION_REQUIRED",
        f"this asks for a token of somebody who signed in within the last {seconds} seconds",
        metadata={"max_age": str(seconds)},
    )


def last_owner() -> MeshError:
    return MeshError(Kind.FAILED_PRECONDITION, "LAST_OWNER", "the tenant would have no owner left")


def role_not_granted(scopes: Iterable[str]) -> MeshError:
    missing = " ".join(sorted(scopes))
    return MeshError(
        Kind.PERMISSION_DENIED,
        "ROLE_NOT_GRANTED",
        "a role may do what the token of the caller may not",
        metadata={"scope": missing},
    )


def owners_alone() -> MeshError:
    return MeshError(
        Kind.PERMISSION_DENIED,
        "ROLE_NOT_GRANTED",
        "an owner is made, and acted on, by owners alone",
        metadata={"role": "owner"},
    )


def member_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "RESOURCE_EXISTS",
        "the tenant has a member with this e-mail address",
        metadata={"resource": "member"},
    )


def member_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such member", metadata={"resource": "member"})


def no_account() -> MeshError:
    """The token is that of a program, or of somebody who is a member no more."""
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "the caller is no member of the tenant", metadata={"resource": "account"}
    )


def no_factor(resource: str) -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "the member has no such factor", metadata={"resource": resource}
    )


def no_pending_totp() -> MeshError:
    return _not_allowed("no one-time password waits to be confirmed", "none")


def last_factor() -> MeshError:
    return _not_allowed("the tenant asks for a second factor, and this is the last one", "last_factor")


def unfit_for_reset(state: str) -> MeshError:
    return _not_allowed("a member who is disabled gets no link", state)


def too_many_passkeys() -> MeshError:
    return _not_allowed("the member has as many passkeys as can be kept", "full")


def passkey_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "the passkey is registered already", metadata={"resource": "passkey"}
    )


def _not_allowed(words: str, state: str) -> MeshError:
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", words, metadata={"state": state})
