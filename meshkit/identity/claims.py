"""Reads what the claims of an access token say (RFC 9068, section 2.2), refused unless they are what we know.

A claim that is required is there, each has the type and at most the size that we expect of it, and a token is for the
API of the very tenant that it names: one for another tenant, or for the platform at large, is good for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshkit.context import SYSTEM_TENANT, Confirmation, Principal, Quota
from meshkit.errors import Kind, MeshError
from meshkit.identity.roles import Roles

__all__ = ["LEEWAY", "TrustedIssuer", "check_times", "read_principal", "tenant_audience", "token_invalid"]

LEEWAY = 30.0
"""Seconds by which `iat` and `nbf` may be ahead of our clock (RFC 7519, section 4.1.5). `exp` gets no leeway."""
MAX_RATE = 1_000_000_000
MAX_NAME = 128
MAX_TEXT = 255
MAX_SCOPE = 4096
MAX_LIST = 16
"""Entries of `aud` and of `roles`."""
# RFC 6749, section 3.3; an empty list is one too.
_SCOPE = re.compile(r"(?:[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""SHA-256 in base64url: the last of 43 characters has two bits that are zero."""
_CONFIRMATIONS = ("jkt", "x5t#S256")


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Whose tokens count, for which API, and what they can permit. Made by `own` and `foreign`."""

    issuer: str
    """`iss`, exactly."""
    audience: str
    """Of the platform; `aud` names it together with the tenant."""
    roles: Roles | None
    """What roles permit; None for an issuer that is not ours, whose scopes stand for themselves."""

    @classmethod
    def own(cls, issuer: str, audience: str) -> TrustedIssuer:
        """Returns the issuer of the platform: `aud` names the tenant, and scopes count as far as roles have them."""
        return cls(issuer, audience, Roles.declared())

    @classmethod
    def foreign(cls, issuer: str, audience: str) -> TrustedIssuer:
        """Returns an issuer that is not ours: `aud` is the audience as it stands, and `roles` are not read."""
        return cls(issuer, audience, None)

    def audience_of(self, tenant_id: str) -> str:
        """Returns what `aud` has to name in a token of a tenant."""
        return self.audience if self.roles is None else tenant_audience(self.audience, tenant_id)


def tenant_audience(audience: str, tenant_id: str) -> str:
    """Returns the audience of the API of one tenant, which its access tokens carry as `aud`."""
    return f"{audience}/{tenant_id}"


def check_times(claims: Mapping[str, Any], now: float) -> float:
    """Checks `exp`, `iat` and `nbf` against our clock, in Unix seconds, and returns when the token expires."""
    expiry, issued = _number(claims, "exp"), _number(claims, "iat")
    if expiry <= now:
        raise token_invalid("has expired")
    if max(issued, _number(claims, "nbf", issued)) > now + LEEWAY:
        raise token_invalid("is not valid yet")
    return expiry


def read_principal(claims: Mapping[str, Any], trusted: TrustedIssuer) -> Principal:
    """Returns whom the claims of a token of the issuer are about. Raises TOKEN_INVALID."""
    if claims.get("iss") != trusted.issuer:
        raise token_invalid("is from another issuer")
    tenant = _text(claims, "tenant_id", MAX_NAME)
    if tenant == SYSTEM_TENANT:
        raise token_invalid("names a reserved tenant")
    if trusted.audience_of(tenant) not in _audiences(claims):
        raise token_invalid("is for another audience")
    roles, named = frozenset[str](), _scopes(claims.get("scope"))
    scopes = named
    if trusted.roles is not None:
        roles = _roles(claims, trusted.roles)
        scopes = named & trusted.roles.permitted(roles)
    return Principal(
        tenant_id=tenant,
        client_id=_text(claims, "client_id", MAX_NAME),
        scopes=scopes,
        rate_limit=_rate(claims.get("rate_limit"), "rate_limit"),
        currency=_currency(claims.get("currency")),
        subject=_text(claims, "sub", MAX_TEXT),
        quota=_quota(claims.get("quota", {})),
        roles=roles,
        token_id=_text(claims, "jti", MAX_TEXT),
        session_id=_text(claims, "sid", MAX_TEXT) if "sid" in claims else "",
        issued_at=_number(claims, "iat"),
        confirmation=_confirmation(claims["cnf"]) if "cnf" in claims else None,
        authenticated_at=_number(claims, "auth_time") if "auth_time" in claims else 0.0,
        named_scopes=named,
    )


def token_invalid(what: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", f"the access token {what}")


def _unusable(name: str) -> MeshError:
    return token_invalid(f"lacks {name}, or carries an unusable one")


def _text(claims: Mapping[str, Any], name: str, longest: int) -> str:
    value = claims.get(name)
    if not (isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()):
        raise _unusable(name)
    return value


def _number(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise _unusable(name)
    return float(value)


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    value = claims.get("aud")
    audiences: list[Any] = value if isinstance(value, list) else [value]
    if len(audiences) > MAX_LIST or not all(isinstance(each, str) for each in audiences):
        raise _unusable("aud")
    return audiences


def _scopes(value: Any) -> frozenset[str]:
    if not (isinstance(value, str) and len(value) <= MAX_SCOPE and _SCOPE.fullmatch(value)):
        raise _unusable("scope")
    return frozenset(value.split())


def _currency(value: Any) -> str:
    if not (isinstance(value, str) and _CURRENCY.fullmatch(value)):
        raise _unusable("currency")
    return value


def _roles(claims: Mapping[str, Any], known: Roles) -> frozenset[str]:
    """Returns the roles that we know, since an issuer may be newer than its verifiers; one of them has to be."""
    value = claims.get("roles")
    if not isinstance(value, list) or len(value) > MAX_LIST or not all(isinstance(each, str) for each in value):
        raise _unusable("roles")
    if not (roles := known.grants.keys() & value):
        raise _unusable("roles")
    return frozenset(roles)


def _confirmation(value: Any) -> Confirmation:
    """Reads `cnf`. A method that we do not know must not turn a bound token into one for any bearer."""
    if not (isinstance(value, dict) and len(value) == 1):
        raise _unusable("cnf")
    ((method, thumbprint),) = value.items()
    if method not in _CONFIRMATIONS or not (isinstance(thumbprint, str) and _THUMBPRINT.fullmatch(thumbprint)):
        raise _unusable("cnf")
    return Confirmation(method, thumbprint)


def _quota(claim: Any) -> Quota:
    """Reads what the clients of a tenant may use together; absent means no limits."""
    if not isinstance(claim, dict) or not isinstance(classes := claim.get("classes", {}), dict):
        raise _unusable("quota")
    if len(classes) > MAX_LIST or not all(0 < len(name) <= MAX_NAME for name in classes):
        raise _unusable("quota")
    return Quota(
        tenant=_rate(claim.get("tenant", 0), "quota"),
        user=_rate(claim.get("user", 0), "quota"),
        classes=tuple((name, _rate(classes[name], "quota")) for name in sorted(classes)),
    )


def _rate(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_RATE:
        raise _unusable(name)
    return value
