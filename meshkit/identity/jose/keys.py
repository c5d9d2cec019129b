"""Reads one public key (JWK, RFC 7517), which is refused unless it can verify what it is wanted for, and nothing else.

"Each key MUST be used with exactly one algorithm" (RFC 8725, section 3.1). The type of a key says which that is, except
for RSA; an RSA key that does not say it with `alg` goes by what the caller's list of algorithms leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from meshkit.identity.jose import base64url
from meshkit.identity.jose.algorithms import ALGORITHMS, CURVES, Primitive, octets

__all__ = ["KeyRefusedError", "PublicKey", "read_key"]

MAX_KID = 256
RSA_BITS = range(2048, 8192 + 1)
"""RFC 7518, section 3.3. Verifying takes longer with the square of the size."""
RSA_EXPONENTS = range(65537, 1 << 32)
"""FIPS 186-5, section 5.4 (e), of which nobody needs the upper part. Small ones invite forgeries of the padding."""

# RFC 7518, sections 6.2.2, 6.3.2 and 6.4. Whoever reads a set with one of them can sign with it.
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_OPERATIONS = frozenset({"sign", "verify"})


class KeyRefusedError(ValueError):
    """A key cannot verify what it is wanted for. The message is one word, good for a metric's label."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies signatures of certain algorithms."""

    kid: str | None
    algorithms: frozenset[str]
    primitive: Primitive

    def signed(self, algorithm: str, signature: bytes, data: bytes) -> bool:
        """Tells whether the holder of the private half has signed the data; False for an algorithm of another key."""
        return algorithm in self.algorithms and ALGORITHMS[algorithm].verifies(self.primitive, signature, data)


def read_key(jwk: Any, algorithms: Collection[str]) -> PublicKey:
    """Reads a key for some of the algorithms. Raises KeyRefusedError, and nothing else, whatever it is given."""
    if not isinstance(jwk, Mapping):
        raise KeyRefusedError("malformed")
    kid = jwk.get("kid")
    if "kid" in jwk and not (isinstance(kid, str) and len(kid) <= MAX_KID):
        raise KeyRefusedError("malformed")
    wanted = _wanted(jwk, algorithms)
    try:
        return PublicKey(kid, wanted, _PRIMITIVES[jwk["kty"]](jwk))
    except KeyRefusedError:
        raise
    except (KeyError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefusedError("malformed") from error


def _wanted(jwk: Mapping[str, Any], algorithms: Collection[str]) -> frozenset[str]:
    """Returns for which algorithms a key is meant. Refuses those of other types, and those for something else."""
    kind = (jwk.get("kty"), jwk.get("crv", ""))
    fitting = frozenset(name for name in algorithms if (ALGORITHMS[name].kty, ALGORITHMS[name].crv) == kind)
    if not fitting:
        raise KeyRefusedError("other_type")
    if any(member in jwk for member in _PRIVATE):
        raise KeyRefusedError("private")
    if jwk.get("use", "sig") != "sig" or not _verifies(jwk.get("key_ops", ["verify"])):
        raise KeyRefusedError("other_use")
    if "alg" in jwk:
        fitting = frozenset(name for name in fitting if name == jwk["alg"])
    if not fitting:
        raise KeyRefusedError("other_algorithm")
    return fitting


def _verifies(operations: Any) -> bool:
    """Tells whether `key_ops` are of a signature and of nothing else, each once (RFC 7517, section 4.3)."""
    if not isinstance(operations, list) or not all(isinstance(each, str) for each in operations):
        return False
    return "verify" in operations and _OPERATIONS.issuperset(operations) and len(operations) == len(set(operations))


def _point(jwk: Mapping[str, Any]) -> Primitive:
    """Reads the coordinates, each of full length (RFC 7518, section 6.2.1.2), of a point on the curve."""
    curve = CURVES[jwk["crv"]]
    size = octets(curve.key_size)
    x, y = (int.from_bytes(_octets(jwk[name], size)) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()


def _edwards(jwk: Mapping[str, Any]) -> Primitive:
    return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk["x"], 32))


def _modulus(jwk: Mapping[str, Any]) -> Primitive:
    n, e = _number(jwk["n"], RSA_BITS[-1]), _number(jwk["e"], 256)
    if n.bit_length() not in RSA_BITS or e not in RSA_EXPONENTS or not (n & e & 1):
        raise KeyRefusedError("weak")
    return rsa.RSAPublicNumbers(e, n).public_key()


def _number(text: Any, bits: int) -> int:
    """Reads a number of as few octets as it needs (RFC 7518, section 2: Base64urlUInt)."""
    if not isinstance(text, str) or len(text) > 2 * octets(bits):
        raise KeyRefusedError("malformed")
    data = base64url.decode(text.encode("ascii"))
    if data[:1] in (b"", b"\0"):
        raise KeyRefusedError("malformed")
    return int.from_bytes(data)


def _octets(text: Any, size: int) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * size:
        raise KeyRefusedError("malformed")
    data = base64url.decode(text.encode("ascii"))
    if len(data) != size:
        raise KeyRefusedError("malformed")
    return data


_PRIMITIVES = {"EC": _point, "OKP": _edwards, "RSA": _modulus}
