"""Holders of keys of every type for tests, which sign whatever they are told to."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.support.tokens import encode

__all__ = ["SIGNERS", "Signer", "ec_jwk", "number", "rsa_jwk", "rsa_key", "signer"]

_HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES: dict[str, tuple[str, ec.EllipticCurve]] = {
    "ES256": ("P-256", ec.SECP256R1()), "ES384": ("P-384", ec.SECP384R1()), "ES512": ("P-521", ec.SECP521R1())
}  # fmt: skip
SIGNERS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "Ed25519", "EdDSA")
"""Every algorithm that may sign."""


class Signer:
    """A key and the algorithm that it signs with."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self._rsa = rsa_key()
        self._ec = ec.generate_private_key(_CURVES[algorithm][1]) if algorithm in _CURVES else None
        self._ed = ed25519.Ed25519PrivateKey.generate()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key, with what has to be in it and nothing else."""
        if self._ec is not None:
            return ec_jwk(self._ec.public_key(), _CURVES[self.algorithm][0])
        if self.algorithm[:2] in ("RS", "PS"):
            return rsa_jwk(self._rsa.public_key().public_numbers())
        return {"kty": "OKP", "crv": "Ed25519", "x": encode(self._ed.public_key().public_bytes_raw())}

    def signature(self, data: bytes) -> bytes:
        """Returns the signature as JWS has it."""
        digest = _HASHES.get(self.algorithm[2:], hashes.SHA256())
        if self._ec is not None:
            size = (self._ec.curve.key_size + 7) // 8
            r, s = decode_dss_signature(self._ec.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size) + s.to_bytes(size)
        if self.algorithm.startswith("RS"):
            return self._rsa.sign(data, padding.PKCS1v15(), digest)
        if self.algorithm.startswith("PS"):
            return self._rsa.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        return self._ed.sign(data)

    def sign(self, header: dict[str, Any], payload: bytes = b"{}") -> str:
        """Returns a JWS in its compact form. The header is taken as it is."""
        signed = f"{encode(json.dumps(header).encode())}.{encode(payload)}"
        return f"{signed}.{encode(self.signature(signed.encode()))}"


@cache
def signer(algorithm: str) -> Signer:
    """Returns the one signer of an algorithm: some keys take long to make."""
    return Signer(algorithm)


def ec_jwk(key: ec.EllipticCurvePublicKey, crv: str) -> dict[str, Any]:
    numbers, size = key.public_numbers(), (key.curve.key_size + 7) // 8
    return {"kty": "EC", "crv": crv, "x": encode(numbers.x.to_bytes(size)), "y": encode(numbers.y.to_bytes(size))}


def rsa_jwk(numbers: rsa.RSAPublicNumbers) -> dict[str, Any]:
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}


def number(value: int) -> str:
    """Returns a number as JWK has it: in as few octets as it needs."""
    return encode(value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)
