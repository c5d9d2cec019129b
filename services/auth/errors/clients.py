"""Errors about clients and API keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshkit.errors import Kind, MeshError, Violation, validation_failed
from services.auth.domain.clients import ClientFault

__all__ = [
    "client_invalid",
    "client_not_found",
    "client_refused",
    "grant_unsupported",
    "key_ended",
    "key_life",
    "key_not_found",
    "no_secret",
    "scope_invalid",
    "scope_not_held",
    "scopes_unknown",
    "two_secrets",
]


def client_invalid() -> MeshError:
    """The client is unknown, or what it shows is not good; which of the two is not told."""
    return MeshError(Kind.UNAUTHENTICATED, "CLIENT_INVALID", "the client credentials are wrong")


def grant_unsupported(grant_type: str) -> MeshError:
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "GRANT_UNSUPPORTED",
        "the client may not have tokens for this grant type",
        metadata={"grant_type": grant_type},
    )


def scope_invalid(scopes: Sequence[str]) -> MeshError:
    scope = " ".join(sorted(scopes))
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "SCOPE_INVALID",
        "the client may not have every scope that it asked for",
        metadata={"scope": scope},
    )


def scope_not_held(scopes: Iterable[str]) -> MeshError:
    scope = " ".join(sorted(scopes))
    return MeshError(
        Kind.PERMISSION_DENIED,
        "SCOPE_NOT_HELD",
        f"the caller lacks {scope}, which the program has or would have",
        metadata={"scope": scope},
    )


def scopes_unknown(positions: Sequence[int], field: str) -> MeshError:
    words = "is not a scope of the platform"
    return validation_failed(*[Violation(f"{field}[{place}]", "scope.known", words) for place in positions])


def client_refused(faults: Iterable[ClientFault]) -> MeshError:
    return validation_failed(*[Violation(f"client.{fault.field}", fault.rule, fault.words) for fault in faults])


def client_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such client", metadata={"resource": "client"})


def key_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such API key", metadata={"resource": "api_key"})


def key_life() -> MeshError:
    return validation_failed(Violation("api_key.expire_time", "expire_time.life", "must be within a year from now"))


def two_secrets() -> MeshError:
    """Rotating again would end the use of a secret that somebody was promised more time for."""
    why = "two secrets are good already: wait until the former has expired, or revoke it"
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", why, metadata={"state": "rotating"})


def no_secret(method: str) -> MeshError:
    why = f"a client that authenticates with {method} has no secret"
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", why, metadata={"state": method})


def key_ended() -> MeshError:
    why = "the API key has expired: create another"
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", why, metadata={"state": "expired"})
