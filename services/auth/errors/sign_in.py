"""Errors about signing in, grants and tokens."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError

__all__ = [
    "authorization_denied",
    "authorization_pending",
    "certificate_required",
    "consent_not_found",
    "device_code_expired",
    "grant_invalid",
    "interaction_invalid",
    "proof_invalid",
    "provider_not_found",
    "provider_required",
    "provider_unusable",
    "session_invalid",
    "session_not_found",
    "slow_down",
    "user_code_unknown",
]


def interaction_invalid() -> MeshError:
    """The attempt to sign in is unknown, over, or that of another browser; which of these is not told."""
    return MeshError(Kind.NOT_FOUND, "INTERACTION_INVALID", "the attempt to sign in is over, or was never begun here")


def session_invalid() -> MeshError:
    """There is no such session, or it is over."""
    return MeshError(Kind.UNAUTHENTICATED, "SESSION_INVALID", "the session is over")


def session_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such session", metadata={"resource": "session"})


def consent_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such consent", metadata={"resource": "consent"})


def grant_invalid(what: str = "the code or token is not good, or not any more") -> MeshError:
    """The code, refresh token or device code is of no use to whoever sent it."""
    return MeshError(Kind.INVALID_ARGUMENT, "GRANT_INVALID", what)


def authorization_pending() -> MeshError:
    """Nobody has let the device in yet (RFC 8628, section 3.5)."""
    return MeshError(Kind.FAILED_PRECONDITION, "AUTHORIZATION_PENDING", "nobody has let the device in yet")


def provider_not_found() -> MeshError:
    """The tenant has no OpenID provider of its own."""
    return MeshError(
        Kind.NOT_FOUND,
        "RESOURCE_NOT_FOUND",
        "the tenant has no OpenID provider of its own",
        metadata={"resource": "identity_provider"},
    )


def provider_required() -> MeshError:
    """The person was proven, by what the tenant does not take."""
    return MeshError(
        Kind.PERMISSION_DENIED,
        "PROVIDER_REQUIRED",
        "the organisation lets this person sign in by its own provider alone",
    )


def provider_unusable(why: str) -> MeshError:
    """An OpenID provider cannot be used as it is set, or as it answers; `why` is one word."""
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "PROVIDER_UNUSABLE",
        f"the OpenID provider cannot be used ({why})",
        metadata={"why": why},
    )


def slow_down(interval: int) -> MeshError:
    """The device asks more often than it was told (RFC 8628, section 3.5); `interval` is in seconds."""
    return MeshError(
        Kind.RESOURCE_EXHAUSTED, "SLOW_DOWN", "the device asks more often than it was told", retry_after=float(interval)
    )


def authorization_denied() -> MeshError:
    """The person has refused (RFC 8628, section 3.5)."""
    return MeshError(Kind.PERMISSION_DENIED, "AUTHORIZATION_DENIED", "the person has refused")


def device_code_expired() -> MeshError:
    """Nobody has let the device in for too long (RFC 8628, section 3.5)."""
    return MeshError(Kind.FAILED_PRECONDITION, "DEVICE_CODE_EXPIRED", "nobody has let the device in in time")


def user_code_unknown() -> MeshError:
    """No device waits with the code that was typed."""
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "no device waits with this code", metadata={"resource": "device"}
    )


def certificate_required() -> MeshError:
    """Tokens of the client are bound to its certificate, and the connection shows none (RFC 8705, section 3)."""
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "CERTIFICATE_REQUIRED",
        "tokens of this client are bound to its certificate, and none was shown",
    )


def proof_invalid(what: str) -> MeshError:
    """The proof of possession is missing or wrong (RFC 9449, section 4.3)."""
    return MeshError(Kind.UNAUTHENTICATED, "PROOF_INVALID", f"the proof of possession {what}")
