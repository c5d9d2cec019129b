"""How often providers are asked for their documents and keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from meshkit.identity.jose.compact import JwsKind, UnverifiedJws
from services.auth.domain.provider_metadata import ProviderFault
from services.auth.service.federation import catalogue as catalogues
from services.auth.service.federation.catalogue import ID_TOKEN_ALGORITHMS, ProviderCatalogue
from tests.support.clock import Clock
from tests.support.provider import PROVIDER, ProviderTwin
from tests.support.signers import signer

KIND = JwsKind(ID_TOKEN_ALGORITHMS, frozenset({"jwt"}), typ_required=False, kid_required=False)


@pytest.fixture
def clock() -> Clock[float]:
    return Clock(1_800_000_000.0)


@pytest.fixture
def outside(clock: Clock[float]) -> ProviderTwin:
    return ProviderTwin(clock)


@pytest.fixture
def catalogue(outside: ProviderTwin, clock: Clock[float]) -> ProviderCatalogue:
    return ProviderCatalogue(outside, clock)


def token(kid: str) -> UnverifiedJws:
    return KIND.read(signer("ES256").sign({"alg": "ES256", "kid": kid}, json.dumps({}).encode()))


def times(outside: ProviderTwin, end: str) -> int:
    return sum(url.endswith(end) for url, _ in outside.asked)


async def test_document_is_kept_for_a_while(
    outside: ProviderTwin, catalogue: ProviderCatalogue, clock: Clock[float]
) -> None:
    for _ in range(3):
        await catalogue.metadata(PROVIDER, "t")
    assert times(outside, "configuration") == 1
    clock.now += catalogues.LIFE
    await catalogue.metadata(PROVIDER, "t")
    await catalogue.metadata(PROVIDER, "t", anew=True)
    assert times(outside, "configuration") == 3


async def test_documents_that_are_wanted_at_once_are_one(
    outside: ProviderTwin, catalogue: ProviderCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(url: str, whose: str) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        return await get_object(url, whose)

    get_object = outside.get_object
    monkeypatch.setattr(outside, "get_object", slowly)
    monkeypatch.setattr(catalogues, "MOST_WAITING", 9)
    wanted = (catalogue.metadata(PROVIDER, "t") for _ in range(11))
    found = await asyncio.gather(*wanted, return_exceptions=True)
    assert times(outside, "configuration") == 1
    assert [isinstance(each, ProviderFault) for each in found] == [False] * 9 + [True] * 2, "a queue has an end"


async def test_what_is_known_waits_for_no_fetch(
    outside: ProviderTwin, catalogue: ProviderCatalogue, clock: Clock[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: str) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    metadata = await catalogue.metadata(PROVIDER, "t")
    assert await catalogue.keys(metadata, token("key-1"), "t")
    clock.now += catalogues.REFETCH_FLOOR
    monkeypatch.setattr(outside, "get_object", hang)
    fetches = [catalogue.metadata(PROVIDER, "t", anew=True), catalogue.keys(metadata, token("key-2"), "t")]
    hanging = [asyncio.ensure_future(each) for each in fetches]
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        assert await catalogue.metadata(PROVIDER, "t") == metadata
        assert await catalogue.keys(metadata, token("key-1"), "t")
    for each in hanging:
        each.cancel()


async def test_keys_that_cannot_be_fetched_are_no_wrong_signature(
    outside: ProviderTwin, catalogue: ProviderCatalogue, clock: Clock[float]
) -> None:
    metadata = await catalogue.metadata(PROVIDER, "t")
    outside.fault = "tls"
    wanted = (catalogue.keys(metadata, token("key-1"), "t") for _ in range(3))
    assert [str(each) for each in await asyncio.gather(*wanted, return_exceptions=True)] == [
        "the provider cannot be used (tls)"
    ] * 3
    assert times(outside, "keys") == 1
    outside.fault = ""
    clock.now += catalogues.REFETCH_FLOOR
    assert await catalogue.keys(metadata, token("key-1"), "t")


async def test_provider_in_trouble_is_asked_now_and_then(
    outside: ProviderTwin, catalogue: ProviderCatalogue, clock: Clock[float]
) -> None:
    outside.fault = "timeout"
    for _ in range(3):
        with pytest.raises(ProviderFault, match="timeout"):
            await catalogue.metadata(PROVIDER, "t")
    assert times(outside, "configuration") == 1
    outside.fault = ""
    clock.now += catalogues.REFETCH_FLOOR
    await catalogue.metadata(PROVIDER, "t")


async def test_that_others_ask_is_not_held_against_a_provider(
    outside: ProviderTwin, catalogue: ProviderCatalogue
) -> None:
    outside.fault = "busy"
    with pytest.raises(ProviderFault):
        await catalogue.metadata(PROVIDER, "t")
    outside.fault = ""
    await catalogue.metadata(PROVIDER, "t")


async def test_unknown_key_is_fetched_once_in_ten_seconds(
    outside: ProviderTwin, catalogue: ProviderCatalogue, clock: Clock[float]
) -> None:
    metadata = await catalogue.metadata(PROVIDER, "t")
    found: Any = await asyncio.gather(*(catalogue.keys(metadata, token("key-1"), "t") for _ in range(5)))
    assert all(map(len, found)) and times(outside, "keys") == 1
    outside.kid = "key-2"
    assert not await catalogue.keys(metadata, token("key-2"), "t")
    assert times(outside, "keys") == 1
    clock.now += catalogues.REFETCH_FLOOR
    assert await catalogue.keys(metadata, token("key-2"), "t")
    assert not await catalogue.keys(metadata, token("key-1"), "t")
    assert times(outside, "keys") == 2


async def test_key_that_was_taken_back_is_good_no_longer_than_a_while(
    outside: ProviderTwin, catalogue: ProviderCatalogue, clock: Clock[float]
) -> None:
    metadata = await catalogue.metadata(PROVIDER, "t")
    assert await catalogue.keys(metadata, token("key-1"), "t")
    outside.published = []
    clock.now += catalogues.LIFE
    assert not await catalogue.keys(metadata, token("key-1"), "t")


async def test_key_set_that_is_none_is_malformed(outside: ProviderTwin, catalogue: ProviderCatalogue) -> None:
    metadata = await catalogue.metadata(PROVIDER, "t")
    outside.published = "all"  # type: ignore[assignment]
    with pytest.raises(ProviderFault, match="malformed"):
        await catalogue.keys(metadata, token("key-1"), "t")


async def test_what_is_kept_has_a_bound(
    outside: ProviderTwin, catalogue: ProviderCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "MOST", 2)
    for whose in ("a", "b", "c", "a"):
        await catalogue.metadata(PROVIDER, whose)
    assert times(outside, "configuration") == 4


async def test_keys_for_other_ends_are_left_out_without_a_word(
    outside: ProviderTwin, catalogue: ProviderCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    sealing = signer("RS256").jwk | {"kid": "key-2", "use": "enc", "alg": "RSA-OAEP"}
    outside.published = [sealing, signer("ES256").jwk | {"kid": "key-1"}]
    metadata = await catalogue.metadata(PROVIDER, "t")
    assert len(await catalogue.keys(metadata, token("key-1"), "t")) == 1
    assert not await catalogue.keys(metadata, token("key-2"), "t")
    assert caplog.text == ""
