"""Reads the keys with which clients sign their assertions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from meshkit.identity.jose.keys import KeyRefusedError, PublicKey, read_key
from services.auth.domain.clients import ClientFault

__all__ = ["ASSERTION_ALGORITHMS", "key_faults", "keys_named"]

ASSERTION_ALGORITHMS: Final = frozenset(
    {"ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "Ed25519", "EdDSA"}
)

_WORDS = {
    "weak": "must be an RSA key of 2048 bits or more with a usual exponent",
    "private": "must have no private member",
    "other_use": "must be for signatures",
    "other_type": "must be of a type and curve with which assertions are signed",
    "other_algorithm": "must be for an algorithm of its type",
}


def key_faults(keys: Sequence[Mapping[str, str]]) -> Iterator[ClientFault]:
    """Yields which of the keys cannot verify assertions, and why."""
    for place, key in enumerate(keys):
        try:
            read_key(key, ASSERTION_ALGORITHMS)
        except KeyRefusedError as error:
            words = _WORDS.get(str(error), "must be a public key as RFC 7517 writes it")
            yield ClientFault(f"jwks.keys[{place}]", "jwks.key", words)


def keys_named(keys: Sequence[Mapping[str, str]], kid: str | None) -> list[PublicKey]:
    """Returns the keys that may have signed an assertion: that of its `kid`, or all if it names none."""
    return [read_key(key, ASSERTION_ALGORITHMS) for key in keys if kid is None or key.get("kid") == kid]
