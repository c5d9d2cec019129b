"""Reads proofs that the sender of a request holds a key (DPoP, RFC 9449), for the token endpoint and for resources.

A proof is about one request: its method and address, and the access token if it carries one. Whether it was seen before
is for its reader to know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from meshkit.identity.jose.algorithms import Primitive
from meshkit.identity.jose.compact import JwsError, JwsKind, read_object

__all__ = ["ALGORITHMS", "WINDOW_SECONDS", "PossessionProof", "ProofError", "read_proof", "thumbprint"]

ALGORITHMS: Final = frozenset({"ES256", "Ed25519", "EdDSA"})
"""Of proofs. Keys are the clients' own, so this is what discovery documents offer."""
WINDOW_SECONDS: Final = 60.0
"""By which `iat` may be before or after our clock (RFC 9449, section 11.1)."""
MAX_JTI: Final = 255

_KIND = JwsKind(ALGORITHMS, frozenset({"dpop+jwt"}), kid_required=False, brings_key=True, max_octets=4096)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_COORDINATE = 32


class ProofError(ValueError):
    """A proof is not to be believed. The message says why, in words that follow those for the proof."""


@dataclass(frozen=True, slots=True)
class PossessionProof:
    """A proof that is good, if it was not seen before."""

    thumbprint: str
    """Of its key (RFC 7638), as tokens name it in `cnf`."""
    digest: bytes
    """Names the proof among all others: of its key and its `jti`."""
    until: float
    """When it is too old, in Unix seconds; from then on nobody needs to know that it was seen."""


def read_proof(jwt: str, method: str, url: str, now: float, access_token: str = "") -> PossessionProof:
    """Returns the proof of a request (RFC 9449, section 4.3). Raises ProofError."""
    try:
        unverified = _KIND.read(jwt)
        assert unverified.key is not None, "a kind that brings a key has one"
        claims = read_object(unverified.verified([unverified.key]))
    except JwsError as error:
        raise ProofError(str(error)) from error
    except ValueError as error:
        raise ProofError("carries no claims") from error
    issued = _issued(claims, now)
    if claims.get("htm") != method:
        raise ProofError("is for another method")
    address = claims.get("htu")
    if not isinstance(address, str) or (place := _place(address)) is None or place != _place(url):
        raise ProofError("is for another address")
    _check_token(claims, access_token)
    jti = claims.get("jti")
    if not (isinstance(jti, str) and 0 < len(jti) <= MAX_JTI):
        raise ProofError("has no usable jti")
    name = thumbprint(unverified.key.primitive)
    digest = hashlib.sha256(f"{name} {jti}".encode(errors="surrogatepass")).digest()
    return PossessionProof(name, digest, issued + WINDOW_SECONDS)


def thumbprint(key: Primitive) -> str:
    """Returns the SHA-256 thumbprint of a public key in base64url (RFC 7638, RFC 8037)."""
    members = json.dumps(_required_members(key), sort_keys=True, separators=(",", ":"))
    return _encoded(hashlib.sha256(members.encode()).digest())


def _issued(claims: Mapping[str, Any], now: float) -> float:
    issued = claims.get("iat")
    if not isinstance(issued, int | float) or isinstance(issued, bool):
        raise ProofError("has no usable iat")
    if not abs(now - issued) <= WINDOW_SECONDS:
        raise ProofError("is too old, or of the future")
    return float(issued)


def _check_token(claims: Mapping[str, Any], access_token: str) -> None:
    if not access_token:
        return
    right, ath = _encoded(hashlib.sha256(access_token.encode()).digest()), claims.get("ath")
    if not isinstance(ath, str) or not hmac.compare_digest(right.encode(), ath.encode(errors="surrogatepass")):
        raise ProofError("is for another access token")


def _place(url: str) -> tuple[str, str, int | None, str] | None:
    """Returns what of a URL counts: neither query nor fragment (RFC 9449, section 4.3), the host in any case."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname, port, parts.path or "/"


def _required_members(key: Primitive) -> Mapping[str, str]:
    if isinstance(key, ec.EllipticCurvePublicKey):
        numbers = key.public_numbers()
        x, y = (_encoded(number.to_bytes(_COORDINATE)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": _encoded(key.public_bytes_raw())}
    raise ProofError("brings an unusable key")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
