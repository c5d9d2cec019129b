"""Reads an access token in its compact form: its header and its claims, both strict JSON in UTF-8 (RFC 8725, 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from meshkit.identity.claims import token_invalid
from meshkit.identity.jwks import ALGORITHM
from meshkit.json import JsonError, parse

__all__ = ["extract", "read_claims"]

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


def _object(text: bytes) -> dict[str, Any]:
    """Parses an object. Raises ValueError."""
    value = parse(text)
    if not isinstance(value, dict):
        raise JsonError("is not an object")
    return value
