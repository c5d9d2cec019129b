"""The errors of the auth service, one constructor for each reason."""

from __future__ import annotations

from services.auth.errors.clients import (
    api_key_invalid,
    client_invalid,
    client_not_found,
    client_refused,
    grant_unsupported,
    key_ended,
    key_life,
    key_not_found,
    no_secret,
    scope_invalid,
    scope_not_held,
    scopes_unknown,
    too_many,
    two_secrets,
)
from services.auth.errors.directory import currency_unknown, no_signing_key, tenant_not_found

__all__ = [
    "api_key_invalid",
    "client_invalid",
    "client_not_found",
    "client_refused",
    "currency_unknown",
    "grant_unsupported",
    "key_ended",
    "key_life",
    "key_not_found",
    "no_secret",
    "no_signing_key",
    "scope_invalid",
    "scope_not_held",
    "scopes_unknown",
    "tenant_not_found",
    "too_many",
    "two_secrets",
]
