"""Key sets with keys in them that are of no use: their neighbours go on verifying, and what is left out is counted."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import REGISTRY

from meshkit.errors import Kind, MeshError
from meshkit.identity.tokens import TokenVerifier
from tests.support.tokens import TRUSTED, Issuer, encode

NOW = 1_800_000_000.0
GOOD = Issuer("good")
OTHER = Issuer("other")


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in OTHER.jwk.items() if member != name}


def on_curve(curve: ec.EllipticCurve, crv: str) -> dict[str, Any]:
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = (encode(number.to_bytes(size)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": crv, "x": x, "y": y, "kid": "other"}


def off_curve() -> dict[str, Any]:
    y = bytearray(base64.urlsafe_b64decode(OTHER.jwk["y"] + "="))
    y[-1] ^= 1
    return OTHER.jwk | {"y": encode(bytes(y))}


UNUSABLE: dict[str, tuple[Any, str]] = {
    "no kid": (without("kid"), "no_kid"),
    "kid is a number": (OTHER.jwk | {"kid": 7}, "malformed"),
    "kid is a list": (OTHER.jwk | {"kid": ["other"]}, "malformed"),
    "off its curve": (off_curve(), "malformed"),
    "no x": (without("x"), "malformed"),
    "y is null": (OTHER.jwk | {"y": None}, "malformed"),
    "x is not base64": (OTHER.jwk | {"x": "!" * 43}, "malformed"),
    "x has another alphabet": (OTHER.jwk | {"x": "é" * 43}, "malformed"),
    "x is half a surrogate": (OTHER.jwk | {"x": "\ud800" * 43}, "malformed"),
    "x is short": (OTHER.jwk | {"x": OTHER.jwk["x"][:20]}, "malformed"),
    "x is padded": (OTHER.jwk | {"x": OTHER.jwk["x"] + "="}, "malformed"),
    "x is huge": (OTHER.jwk | {"x": "A" * 1_000_000}, "malformed"),
    "x of zero": (OTHER.jwk | {"x": "A" * 43, "y": "A" * 43}, "malformed"),
    "x above the field": (OTHER.jwk | {"x": encode(b"\xff" * 32)}, "malformed"),
    "kty contradicts crv": (OTHER.jwk | {"kty": "OKP"}, "other_type"),
    "kty RSA with crv": (OTHER.jwk | {"kty": "RSA"}, "other_type"),
    "kty in another case": (OTHER.jwk | {"kty": "ec"}, "other_type"),
    "no kty": (without("kty"), "other_type"),
    "no crv": (without("crv"), "other_type"),
    "crv is a list": (OTHER.jwk | {"crv": ["P-256"]}, "other_type"),
    "P-384": (on_curve(ec.SECP384R1(), "P-384"), "other_type"),
    "P-384 that says P-256": (on_curve(ec.SECP384R1(), "P-256"), "malformed"),
    "shared secret": ({"kty": "oct", "k": "c2VjcmV0", "kid": "other"}, "other_type"),
    "RSA": ({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "other"}, "other_type"),
    "published with its private part": (OTHER.jwk | {"d": "A" * 43}, "private"),
    "for encryption": (OTHER.jwk | {"use": "enc"}, "other_use"),
    "use is a list": (OTHER.jwk | {"use": ["sig"]}, "other_use"),
    "for signing only": (OTHER.jwk | {"key_ops": ["sign"]}, "other_use"),
    "key_ops is no list": (OTHER.jwk | {"key_ops": "verify"}, "other_use"),
    "for another algorithm": (OTHER.jwk | {"alg": "ES384"}, "other_algorithm"),
    "alg is null": (OTHER.jwk | {"alg": None}, "other_algorithm"),
    "a string": ("other", "malformed"),
    "null": (None, "malformed"),
    "a list": ([["kid", "other"]], "malformed"),
}
unusable = pytest.mark.parametrize(("jwk", "reason"), UNUSABLE.values(), ids=UNUSABLE)


def verifier_of(published: Any, clock: Callable[[], float] = lambda: NOW) -> TokenVerifier:
    async def source() -> Any:
        return published

    return TokenVerifier(source, TRUSTED, clock=clock)


async def refusal(verifier: TokenVerifier, token: str) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await verifier.verify(token)
    return caught.value


def skipped(reason: str) -> float:
    return REGISTRY.get_sample_value("verification_keys_skipped_total", {"reason": reason}) or 0.0


@unusable
async def test_unusable_key_is_left_out_and_its_neighbour_verifies(jwk: Any, reason: str) -> None:
    for published in ([jwk, GOOD.jwk], [GOOD.jwk, jwk]):
        before = skipped(reason)
        verifier = verifier_of(published)
        await verifier.refresh()
        assert (await verifier.verify(GOOD.token(NOW))).client_id == "acme-1"
        assert skipped(reason) == before + 1


@unusable
async def test_token_of_an_unusable_key_is_refused_as_one_of_an_unknown_key(jwk: Any, reason: str) -> None:
    error = await refusal(verifier_of([GOOD.jwk, jwk]), OTHER.token(NOW))
    assert (error.kind, error.message) == (Kind.UNAUTHENTICATED, "the access token was signed with an unknown key")


@pytest.mark.parametrize(
    "published", [[], [case[0] for case in UNUSABLE.values()], None, {"keys": []}, "keys"], ids=str
)
async def test_set_without_a_usable_key_makes_the_service_unavailable(
    published: Any, caplog: pytest.LogCaptureFixture
) -> None:
    verifier = verifier_of(published)
    assert (await refusal(verifier, GOOD.token(NOW))).kind is Kind.UNAVAILABLE
    assert not verifier.ready
    assert any(record.levelname == "ERROR" for record in caplog.records)


async def test_usable_key_that_follows_is_taken_within_a_second() -> None:
    now = NOW
    published: list[Any] = [None]
    verifier = verifier_of(published, lambda: now)
    await verifier.refresh()
    published[:] = [GOOD.jwk]
    now += 1
    await verifier.refresh()
    assert (await verifier.verify(GOOD.token(NOW))).client_id == "acme-1"


@pytest.mark.parametrize(
    "members", [{"use": "sig"}, {"key_ops": ["verify"]}, {"alg": "ES256"}, {"x5c": [7], "new": {}}]
)
async def test_members_that_may_be_absent_or_unknown_do_no_harm(members: dict[str, Any]) -> None:
    bare = {name: GOOD.jwk[name] for name in ("kty", "crv", "x", "y", "kid")}
    assert (await verifier_of([bare | members]).verify(GOOD.token(NOW))).client_id == "acme-1"


async def test_keys_that_share_an_identifier_all_verify() -> None:
    twin = Issuer("good")
    verifier = verifier_of([GOOD.jwk, twin.jwk, OTHER.jwk])
    for issuer in (GOOD, twin, OTHER):
        assert (await verifier.verify(issuer.token(NOW))).client_id == "acme-1"
    assert (await refusal(verifier, Issuer("good").token(NOW))).kind is Kind.UNAUTHENTICATED


async def test_no_more_than_a_hundred_keys_are_looked_at() -> None:
    before = skipped("surplus")
    others = [OTHER.jwk | {"kid": str(number)} for number in range(5_000)]
    verifier = verifier_of([GOOD.jwk, *others])
    assert (await verifier.verify(GOOD.token(NOW))).client_id == "acme-1"
    assert skipped("surplus") == before + 4_901


async def test_source_that_fails_in_an_unforeseen_way_costs_no_known_key() -> None:
    now, fails = NOW, False

    async def source() -> Any:
        if fails:
            raise ZeroDivisionError
        return [GOOD.jwk]

    verifier = TokenVerifier(source, TRUSTED, clock=lambda: now)
    await verifier.refresh()
    fails, now = True, NOW + 600
    await verifier.refresh()
    assert (await verifier.verify(GOOD.token(NOW))).client_id == "acme-1"
    assert (await refusal(verifier, OTHER.token(NOW))).kind is Kind.UNAUTHENTICATED
