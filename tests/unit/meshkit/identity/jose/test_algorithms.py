"""Every algorithm verifies what it has signed, and no signature that is written in another way."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from meshkit.identity.jose.algorithms import ALGORITHMS, CURVES
from meshkit.identity.jose.keys import PublicKey, read_key
from tests.support.signers import SIGNERS, Signer, rsa_jwk, rsa_key, signer

DATA = b"header.payload"
ECDSA = [name for name in SIGNERS if name.startswith("ES")]
RSA = [name for name in SIGNERS if name[:2] in ("RS", "PS")]
every = pytest.mark.parametrize("algorithm", SIGNERS)


class Gullible:
    """A key of a library that believes every signature."""

    key_size = 2048

    def verify(self, *_: object) -> None:
        """Raises nothing."""


GULLIBLE: Any = Gullible()


def key_of(holder: Signer) -> PublicKey:
    return read_key(holder.jwk, [holder.algorithm])


def test_only_asymmetric_algorithms_are_known() -> None:
    assert set(ALGORITHMS) == set(SIGNERS)


@every
def test_signature_of_the_holder_is_good_and_of_any_other_data_is_not(algorithm: str) -> None:
    holder = signer(algorithm)
    key, signature = key_of(holder), holder.signature(DATA)
    assert key.signed(algorithm, signature, DATA)
    assert not key.signed(algorithm, signature, DATA + b".")


@every
def test_signature_of_another_length_is_refused(algorithm: str) -> None:
    holder = signer(algorithm)
    key, good = key_of(holder), holder.signature(DATA)
    half = len(good) // 2
    shapes = [b"", good[:-1], good[1:], good + b"\0", b"\0" + good, good * 2, good[:half],
              good[:half] + b"\0" + good[half:], b"\0" + good[:half] + b"\0" + good[half:]]  # fmt: skip
    assert not any(key.signed(algorithm, shape, DATA) for shape in shapes)


@pytest.mark.parametrize("algorithm", RSA)
def test_library_is_not_asked_about_a_signature_of_another_length(algorithm: str) -> None:
    check = ALGORITHMS[algorithm].verifies
    assert check(GULLIBLE, bytes(256), DATA)
    assert not any(check(GULLIBLE, bytes(size), DATA) for size in (0, 255, 257, 512))


@pytest.mark.parametrize("algorithm", ECDSA)
def test_halves_of_a_signature_are_within_the_order_and_not_zero(algorithm: str) -> None:
    holder = signer(algorithm)
    key, good = key_of(holder), holder.signature(DATA)
    size = len(good) // 2
    order = CURVES[ALGORITHMS[algorithm].crv].group_order
    numbers = [0, order, order + 1, (1 << (8 * size)) - 1]
    check = ALGORITHMS[algorithm].verifies
    assert check(GULLIBLE, good, DATA)
    for wrong in (number.to_bytes(size) for number in numbers):
        assert not key.signed(algorithm, wrong + good[size:], DATA)
        assert not key.signed(algorithm, good[:size] + wrong, DATA)
        assert not key.signed(algorithm, wrong * 2, DATA)
        assert not check(GULLIBLE, wrong + good[size:], DATA)
        assert not check(GULLIBLE, good[:size] + wrong, DATA)


def test_half_of_a_signature_has_no_second_form() -> None:
    """S of P-521 has seven bits to spare: adding the order to it must not make another good signature."""
    holder = signer("ES512")
    key, good = key_of(holder), holder.signature(DATA)
    order = CURVES["P-521"].group_order
    r, s = int.from_bytes(good[:66]), int.from_bytes(good[66:])
    assert not key.signed("ES512", good[:66] + (s + order).to_bytes(66), DATA)
    assert not key.signed("ES512", (r + order).to_bytes(66) + good[66:], DATA)


@pytest.mark.parametrize("algorithm", ECDSA)
def test_signature_in_der_is_refused(algorithm: str) -> None:
    private = ec.generate_private_key(CURVES[ALGORITHMS[algorithm].crv])
    key = PublicKey(None, frozenset({algorithm}), private.public_key())
    assert not key.signed(algorithm, private.sign(DATA, ec.ECDSA(hashes.SHA256())), DATA)


@pytest.mark.parametrize("salt", [0, 20, 31, 33, padding.PSS.MAX_LENGTH])
def test_salt_of_another_length_is_refused(salt: int) -> None:
    private = rsa_key()
    key = read_key(rsa_jwk(private.public_key().public_numbers()), ["PS256"])
    digest = hashes.SHA256()
    good = private.sign(DATA, padding.PSS(padding.MGF1(digest), 32), digest)
    assert key.signed("PS256", good, DATA)
    assert not key.signed("PS256", private.sign(DATA, padding.PSS(padding.MGF1(digest), salt), digest), DATA)


@every
def test_key_is_good_for_the_algorithm_of_its_type_alone(algorithm: str) -> None:
    holder = signer(algorithm)
    key, signature = key_of(holder), holder.signature(DATA)
    assert not any(key.signed(other, signature, DATA) for other in {*SIGNERS, "none", "HS256", ""} - {algorithm})
