"""Takes a JWS in its compact form apart, and verifies it against the keys that may have signed it.

What is refused before any signature is computed (RFC 7515; RFC 8725, section 3):

- more octets than the kind of token may have; other than three segments; octets that are not strict base64url;
- a header that is not one object of strict JSON in UTF-8, or that names a member twice;
- an `alg` that is not on the list of the kind, whatever the key would say;
- a `typ` of another kind of token, and none where the kind has one;
- `crit`, and with it every extension; `b64`, `zip` and `enc`, which change what the payload is;
- `jku`, `x5u`, `x5c` and `jwk`: a token does not say which key it is to be believed by. A proof of possession, whose
  key is in its header, has `jwk` and none of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meshkit.identity.jose import base64url
from meshkit.identity.jose.algorithms import ALGORITHMS
from meshkit.identity.jose.keys import MAX_KID, KeyRefusedError, PublicKey, read_key
from meshkit.json import JsonError, parse

__all__ = ["JwsError", "JwsKind", "UnverifiedJws", "read_object"]

_NEVER = ("crit", "b64", "zip", "enc", "jku", "x5u", "x5c")


class JwsError(ValueError):
    """A signature is not to be believed. The message says why in words that follow those for the token, without it."""


@dataclass(frozen=True, slots=True)
class JwsKind:
    """What a signature of one kind of token looks like. Raises ValueError for an algorithm that is not known here."""

    algorithms: frozenset[str]
    types: frozenset[str]
    """`typ` in lower case, without "application/" (RFC 7515, section 4.1.9)."""
    typ_required: bool = True
    """False for a kind whose specification leaves `typ` away: one that is there has to be of `types` all the same."""
    kid_required: bool = True
    brings_key: bool = False
    """True for a proof of possession: the key is in the header, as `jwk`, and `kid` is of no use."""
    max_octets: int = 8192

    def __post_init__(self) -> None:
        if not self.algorithms or not self.algorithms <= ALGORITHMS.keys():
            raise ValueError("the algorithms must be some of those that are known")

    def read(self, token: str) -> UnverifiedJws:
        """Takes a token of this kind apart. Raises JwsError."""
        # A character is an octet at least.
        if len(token) > self.max_octets:
            raise JwsError("is too long")
        try:
            header, payload, signature = (segments := token.encode("ascii").split(b".", 2))
            members = read_object(base64url.decode(header))
            unverified = UnverifiedJws(
                algorithm=self._algorithm(members),
                kid=self._kid(members),
                key=self._key(members),
                payload=base64url.decode(payload),
                signature=base64url.decode(signature),
                signed=b".".join(segments[:2]),
            )
        except JwsError:
            raise
        except ValueError as error:
            raise JwsError("is malformed") from error
        self._check_type(members)
        return unverified

    def _algorithm(self, header: Mapping[str, Any]) -> str:
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self.algorithms:
            raise JwsError("is signed with another algorithm")
        return algorithm

    def _check_type(self, header: Mapping[str, Any]) -> None:
        typ = header.get("typ")
        if "typ" not in header and not self.typ_required:
            return
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in self.types:
            raise JwsError("is of another type")

    def _kid(self, header: Mapping[str, Any]) -> str | None:
        kid = header.get("kid")
        if "kid" not in header and not self.kid_required:
            return None
        if not isinstance(kid, str) or len(kid) > MAX_KID:
            raise JwsError("has an unusable header")
        return kid

    def _key(self, header: Mapping[str, Any]) -> PublicKey | None:
        """Refuses what may not be in a header, and returns the key that a proof of possession brings along."""
        if any(name in header for name in _NEVER) or ("jwk" in header) != self.brings_key:
            raise JwsError("has an unusable header")
        if not self.brings_key:
            return None
        try:
            return read_key(header["jwk"], self.algorithms)
        except KeyRefusedError as error:
            raise JwsError("brings an unusable key") from error


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """A token of which nothing is known yet but what it says of itself."""

    algorithm: str
    kid: str | None
    key: PublicKey | None
    """The key in the header of a proof of possession; None for other kinds."""
    payload: bytes
    signature: bytes
    signed: bytes

    def verified(self, keys: Iterable[PublicKey]) -> bytes:
        """Returns the payload if one of the keys has signed it, under the algorithm that it is for. Raises JwsError."""
        if not any(key.signed(self.algorithm, self.signature, self.signed) for key in keys):
            raise JwsError("has a wrong signature")
        return self.payload


def read_object(text: bytes) -> dict[str, Any]:
    """Reads an object of strict JSON in UTF-8: a header or claims. Raises JsonError."""
    value = parse(text)
    if not isinstance(value, dict):
        raise JsonError("is not an object")
    return value
