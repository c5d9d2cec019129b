"""Knows the algorithms that may sign (RFC 7518, section 3; RFC 8037; RFC 9864), each for one type of key.

`none` and those with a shared secret are not among them, so that no list of anybody can allow them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

__all__ = ["ALGORITHMS", "CURVES", "Algorithm", "Primitive", "octets"]

Primitive = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_Check = Callable[[Primitive, bytes, bytes], None]
"""Takes key, signature and what was signed. Raises InvalidSignature."""


CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm and the only type of key that it works with."""

    kty: str
    crv: str
    """Empty for a type without curves."""
    check: _Check

    def verifies(self, key: Primitive, signature: bytes, signed: bytes) -> bool:
        """Tells whether the holder of the key's private half has signed this. The key is of the algorithm's type."""
        try:
            self.check(key, signature, signed)
        except InvalidSignature:
            return False
        return True


def octets(bits: int) -> int:
    """Returns how many octets hold a number of so many bits."""
    return (bits + 7) // 8


def _ecdsa(crv: str, digest: hashes.HashAlgorithm) -> Algorithm:
    """The signature is R and S, each with as many octets as a coordinate and neither zero (RFC 7518, section 3.4)."""
    curve, scheme = CURVES[crv], ec.ECDSA(digest)
    size, order = octets(curve.key_size), curve.group_order

    def check(key: Primitive, signature: bytes, signed: bytes) -> None:
        if len(signature) != 2 * size:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        if not (0 < r < order and 0 < s < order):
            raise InvalidSignature
        cast("ec.EllipticCurvePublicKey", key).verify(encode_dss_signature(r, s), signed, scheme)

    return Algorithm("EC", crv, check)


def _rsa(scheme: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> Algorithm:
    """The signature has as many octets as the modulus (RFC 8017, sections 8.1.2 and 8.2.2)."""

    def check(key: Primitive, signature: bytes, signed: bytes) -> None:
        public = cast("rsa.RSAPublicKey", key)
        if len(signature) != octets(public.key_size):
            raise InvalidSignature
        public.verify(signature, signed, scheme, digest)

    return Algorithm("RSA", "", check)


def _pss(digest: hashes.HashAlgorithm) -> Algorithm:
    """The salt is as long as the hash, and the mask is made with the same one (RFC 7518, section 3.5)."""
    return _rsa(padding.PSS(padding.MGF1(digest), digest.digest_size), digest)


def _eddsa() -> Algorithm:
    def check(key: Primitive, signature: bytes, signed: bytes) -> None:
        cast("ed25519.Ed25519PublicKey", key).verify(signature, signed)

    return Algorithm("OKP", "Ed25519", check)


ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    "ES256": _ecdsa("P-256", hashes.SHA256()),
    "ES384": _ecdsa("P-384", hashes.SHA384()),
    "ES512": _ecdsa("P-521", hashes.SHA512()),
    "PS256": _pss(hashes.SHA256()),
    "PS384": _pss(hashes.SHA384()),
    "PS512": _pss(hashes.SHA512()),
    "RS256": _rsa(padding.PKCS1v15(), hashes.SHA256()),
    "RS384": _rsa(padding.PKCS1v15(), hashes.SHA384()),
    "RS512": _rsa(padding.PKCS1v15(), hashes.SHA512()),
    "Ed25519": _eddsa(),
    "EdDSA": _eddsa(),
}
