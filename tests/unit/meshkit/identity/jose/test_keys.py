"""Keys that cannot verify, or should not, are refused one by one."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from meshkit.identity.jose.algorithms import ALGORITHMS
from meshkit.identity.jose.keys import KeyRefusedError, read_key
from tests.support.signers import SIGNERS, ec_jwk, number, signer
from tests.support.tokens import encode

EC, RSA, OKP = (signer(name).jwk for name in ("ES256", "RS256", "Ed25519"))
BIG = number((1 << 8192) | 1)


def refusal(jwk: Any, algorithms: tuple[str, ...] = SIGNERS) -> str:
    with pytest.raises(KeyRefusedError) as caught:
        read_key(jwk, algorithms)
    return str(caught.value)


def modulus(bits: int) -> str:
    """Returns an odd number of so many bits: nothing looks for its factors."""
    return number((1 << (bits - 1)) | 1)


def off_curve(jwk: dict[str, Any]) -> dict[str, Any]:
    y = bytearray(base64.urlsafe_b64decode(jwk["y"] + "=="))
    y[-1] ^= 1
    return jwk | {"y": encode(bytes(y))}


@pytest.mark.parametrize("algorithm", SIGNERS)
def test_key_verifies_the_algorithms_of_its_type(algorithm: str) -> None:
    kind = (ALGORITHMS[algorithm].kty, ALGORITHMS[algorithm].crv)
    key = read_key(signer(algorithm).jwk | {"kid": "one"}, SIGNERS)
    assert key.kid == "one"
    assert key.algorithms == {name for name in SIGNERS if (ALGORITHMS[name].kty, ALGORITHMS[name].crv) == kind}
    assert read_key(signer(algorithm).jwk | {"alg": algorithm}, SIGNERS).algorithms == {algorithm}


def test_key_is_for_no_algorithm_that_the_caller_does_not_allow() -> None:
    assert read_key(RSA, ("RS256", "ES256")).algorithms == {"RS256"}
    assert refusal(RSA, ("ES256",)) == "other_type"
    assert refusal(signer("ES384").jwk, ("ES256",)) == "other_type"
    assert refusal(RSA | {"alg": "PS256"}, ("RS256",)) == "other_algorithm"


@pytest.mark.parametrize("alg", ["ES384", "RS256", "HS256", "none", "es256", "", None, ["ES256"], "ECDH-ES"])
def test_key_of_another_algorithm_than_its_type_has_is_refused(alg: Any) -> None:
    assert refusal(EC | {"alg": alg}) == "other_algorithm"


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
@pytest.mark.parametrize("jwk", [EC, RSA, OKP], ids=["EC", "RSA", "OKP"])
def test_key_that_is_published_with_a_private_member_is_refused(jwk: dict[str, Any], member: str) -> None:
    assert refusal(jwk | {member: "AQAB"}) == "private"


@pytest.mark.parametrize("members", [{"use": "sig"}, {"key_ops": ["verify"]}, {"use": "sig", "key_ops": ["verify"]},
                                     {"key_ops": ["sign", "verify"]}])  # fmt: skip
@pytest.mark.parametrize("jwk", [EC, RSA, OKP], ids=["EC", "RSA", "OKP"])
def test_key_for_signatures_is_read(jwk: dict[str, Any], members: dict[str, Any]) -> None:
    assert read_key(jwk | members, SIGNERS).algorithms == read_key(jwk, SIGNERS).algorithms != frozenset()


@pytest.mark.parametrize(
    "members",
    [{"use": "enc"}, {"use": "tls"}, {"use": ""}, {"use": None}, {"use": ["sig"]}, {"key_ops": []},
     {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"key_ops": None}, {"key_ops": ["verify", "verify"]},
     {"key_ops": ["verify", "encrypt"]}, {"key_ops": ["verify", 7]}, {"key_ops": ["verify", ["sign"]]},
     {"use": "sig", "key_ops": ["encrypt"]}, {"use": "sig", "key_ops": ["verify", "wrapKey"]},
     {"use": "enc", "key_ops": ["verify"]}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("jwk", [EC, RSA, OKP], ids=["EC", "RSA", "OKP"])
def test_key_for_something_else_or_for_two_things_is_refused(jwk: dict[str, Any], members: dict[str, Any]) -> None:
    assert refusal(jwk | members) == "other_use"


@pytest.mark.parametrize("bits", [2048, 2049, 3072, 8192])
def test_rsa_key_of_usual_strength_is_read(bits: int) -> None:
    primitive = read_key(RSA | {"n": modulus(bits)}, SIGNERS).primitive
    assert isinstance(primitive, rsa.RSAPublicKey) and primitive.key_size == bits


@pytest.mark.parametrize(
    "members",
    [{"n": modulus(512)}, {"n": modulus(1024)}, {"n": modulus(2047)}, {"n": number((1 << 2048) + 2)},
     {"e": number(1)}, {"e": number(3)}, {"e": number(17)}, {"e": number(65535)}, {"e": number(65538)},
     {"e": number((1 << 32) + 1)}],
    ids=lambda members: f"{next(iter(members))}={next(iter(members.values()))[:8]}",
)  # fmt: skip
def test_weak_rsa_key_is_refused(members: dict[str, Any]) -> None:
    assert refusal(RSA | members) == "weak"


def test_huge_rsa_key_is_refused() -> None:
    assert refusal(RSA | {"n": BIG}) == "weak"
    assert refusal(RSA | {"n": "A" * 1_000_000}) == "malformed"
    assert refusal(RSA | {"e": number(1 << 4096)}) == "malformed"


@pytest.mark.parametrize(
    "jwk",
    [
        RSA | {"n": encode(b"\0" + base64.urlsafe_b64decode(RSA["n"] + "=="))},
        RSA | {"e": "AAEAAQ"},
        RSA | {"e": ""},
        RSA | {"e": "AQAB="},
        RSA | {"e": 65537},
        RSA | {"n": None},
        {name: value for name, value in RSA.items() if name != "e"},
        {name: value for name, value in EC.items() if name != "y"},
        {name: value for name, value in OKP.items() if name != "x"},
        off_curve(EC),
        off_curve(signer("ES384").jwk),
        off_curve(signer("ES512").jwk),
        EC | {"x": EC["x"] + "="},
        EC | {"x": encode(b"\0" + base64.urlsafe_b64decode(EC["x"] + "="))},
        EC | {"x": encode(base64.urlsafe_b64decode(EC["x"] + "=")[:31])},
        EC | {"x": "A" * 43, "y": "A" * 43},
        EC | {"x": EC["x"][:-1] + "B"},
        EC | {"x": encode(b"\xff" * 32)},
        EC | {"x": "\u00e9" * 43},
        EC | {"y": 7},
        EC | {"x": "A" * 1_000_000},
        ec_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), "P-256"),
        ec_jwk(ec.generate_private_key(ec.SECP256K1()).public_key(), "P-256"),
        OKP | {"x": encode(b"\1" * 31)},
        OKP | {"x": encode(b"\1" * 33)},
        EC | {"kid": 7},
        EC | {"kid": None},
        EC | {"kid": ["a"]},
        EC | {"kid": "x" * 257},
        None,
        7,
        "EC",
        [EC],
    ],
    ids=lambda jwk: str(jwk)[:60],
)
def test_key_that_is_written_in_another_way_is_refused(jwk: Any) -> None:
    assert refusal(jwk) == "malformed"


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "oct", "k": "AAAA"}, {"kty": "oct", "k": "AAAA", "alg": "HS256"}, EC | {"kty": "ec"},
     EC | {"kty": "OKP"}, EC | {"kty": "RSA"}, EC | {"crv": "secp256k1"}, EC | {"crv": "P-192"}, EC | {"crv": "p-256"},
     EC | {"crv": None}, EC | {"crv": ["P-256"]}, OKP | {"crv": "Ed448"}, OKP | {"crv": "X25519"}, {"kty": ["EC"]},
     RSA | {"crv": "P-256"}],
    ids=lambda jwk: f"{jwk.get('kty')} {jwk.get('crv')}",
)  # fmt: skip
def test_key_of_another_type_is_refused(jwk: dict[str, Any]) -> None:
    assert refusal(jwk) == "other_type"


def test_members_that_nobody_knows_do_no_harm() -> None:
    assert read_key(EC | {"x5c": [7], "new": {}}, SIGNERS).kid is None
