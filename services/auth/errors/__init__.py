"""The errors of the auth service, one constructor for each reason."""

from __future__ import annotations

from services.auth.errors.audit import audit_event_not_found
from services.auth.errors.directory import (
    client_invalid,
    client_not_found,
    currency_unknown,
    no_signing_key,
    scope_invalid,
    scopes_unknown,
    tenant_not_found,
)

__all__ = [
    "audit_event_not_found",
    "client_invalid",
    "client_not_found",
    "currency_unknown",
    "no_signing_key",
    "scope_invalid",
    "scopes_unknown",
    "tenant_not_found",
]
