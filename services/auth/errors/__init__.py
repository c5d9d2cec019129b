"""The errors of the auth service, one constructor for each reason."""

from __future__ import annotations

from services.auth.errors.directory import (
    client_invalid,
    client_not_found,
    currency_unknown,
    no_signing_key,
    scope_invalid,
    scopes_unknown,
    tenant_not_found,
)
from services.auth.errors.people import (
    last_factor,
    last_owner,
    link_invalid,
    member_exists,
    member_not_found,
    no_account,
    no_factor,
    no_pending_totp,
    passkey_exists,
    password_refused,
    reauthentication_required,
    role_not_granted,
    sign_in_refused,
    sign_in_throttled,
    too_many_passkeys,
    too_many_sign_ins,
    unfit_for_reset,
)

__all__ = [
    "client_invalid",
    "client_not_found",
    "currency_unknown",
    "last_factor",
    "last_owner",
    "link_invalid",
    "member_exists",
    "member_not_found",
    "no_account",
    "no_factor",
    "no_pending_totp",
    "no_signing_key",
    "passkey_exists",
    "password_refused",
    "reauthentication_required",
    "role_not_granted",
    "scope_invalid",
    "scopes_unknown",
    "sign_in_refused",
    "sign_in_throttled",
    "tenant_not_found",
    "too_many_passkeys",
    "too_many_sign_ins",
    "unfit_for_reset",
]
