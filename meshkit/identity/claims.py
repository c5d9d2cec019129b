"""Reads what an access token says: its header and its claims (RFC 9068), refused unless they are what we know.

Both are strict JSON in UTF-8 (RFC 7515, section 5.2; RFC 7519, section 7.2) without a name that stands twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from meshkit.context import SYSTEM_TENANT, Principal, Quota
from meshkit.errors import Kind, MeshError
from meshkit.identity.jwks import ALGORITHM
from meshkit.json import JsonError, parse

__all__ = ["LEEWAY", "check_times", "extract", "number", "read_claims", "read_principal", "token_invalid"]

LEEWAY = 30.0
"""Seconds by which `iat` and `nbf` may be ahead of our clock (RFC 7519, section 4.1.5). `exp` gets no leeway."""
MAX_RATE = 1_000_000_000
MAX_NAME = 128
# RFC 9068, section 4. Media types are the same in any case (RFC 7515, section 4.1.9).
_TYPES = ("at+jwt", "application/at+jwt")


def extract(token: str) -> tuple[jws.CompactSignature, str]:
    """Splits a token and returns it with its `kid`. Refuses headers that our issuer does not write (RFC 8725, 3)."""
    try:
        segment = token.encode("ascii").partition(b".")[0]
        header = _object(urlsafe_b64decode(segment))
        signed = jws.extract_compact(token.encode("ascii"))
    except (JoseError, ValueError) as error:
        raise token_invalid("is malformed") from error
    kind, kid = header.get("typ"), header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise token_invalid("is not an access token")
    if "crit" in header or not isinstance(kid, str):
        raise token_invalid("has an unusable header")
    return signed, kid


def read_claims(payload: bytes) -> Mapping[str, Any]:
    """Reads the claims of a token whose signature is good."""
    try:
        return _object(payload)
    except ValueError as error:
        raise token_invalid("carries no claims") from error


def check_times(claims: Mapping[str, Any], now: float) -> float:
    """Checks `exp`, `iat` and `nbf` against our clock, in Unix seconds, and returns when the token expires."""
    expiry, issued = number(claims, "exp"), number(claims, "iat")
    if expiry <= now:
        raise token_invalid("has expired")
    if max(issued, number(claims, "nbf", issued)) > now + LEEWAY:
        raise token_invalid("is not valid yet")
    return expiry


def read_principal(claims: Mapping[str, Any]) -> Principal:
    tenant, client, scope = claims.get("tenant_id"), claims.get("client_id"), claims.get("scope")
    rate, currency = claims.get("rate_limit"), claims.get("currency")
    if not (isinstance(tenant, str) and isinstance(client, str) and isinstance(scope, str)):
        raise token_invalid("lacks a required claim")
    if not (isinstance(rate, int) and not isinstance(rate, bool) and isinstance(currency, str)):
        raise token_invalid("lacks a required claim")
    if not (_is_name(tenant) and _is_name(client) and 0 <= rate <= MAX_RATE):
        raise token_invalid("carries an unusable claim")
    if tenant == SYSTEM_TENANT:
        raise token_invalid("names a reserved tenant")
    quota = _quota(claims.get("quota", {}))
    return Principal(tenant, client, frozenset(scope.split()), rate, currency, claims["sub"], quota)


def number(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise token_invalid("lacks a required claim")
    return float(value)


def token_invalid(what: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", f"the access token {what}")


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and text.isprintable()


def _object(text: bytes) -> dict[str, Any]:
    """Parses an object. Raises ValueError."""
    value = parse(text)
    if not isinstance(value, dict):
        raise JsonError("is not an object")
    return value


def _quota(claim: Any) -> Quota:
    """Reads what the clients of a tenant may use together; absent means no limits."""
    if not isinstance(claim, dict):
        raise token_invalid("carries an unusable quota")
    classes = claim.get("classes", {})
    if not isinstance(classes, dict):
        raise token_invalid("carries an unusable quota")
    return Quota(
        tenant=_rate(claim.get("tenant", 0)),
        user=_rate(claim.get("user", 0)),
        classes=tuple((name, _rate(classes[name])) for name in sorted(classes)),
    )


def _rate(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_RATE:
        raise token_invalid("carries an unusable quota")
    return value
