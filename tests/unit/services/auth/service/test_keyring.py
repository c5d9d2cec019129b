"""Keyrings of several replicas on one store."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Sequence

import pytest
from joserfc import jws

from meshkit.errors import Kind, MeshError, unavailable
from meshkit.identity.tokens import TokenVerifier
from meshkit.settings import SettingsError
from services.auth.adapters.memory_keys import MemorySigningKeyStore
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.keys import KeySchedule, SigningKey
from services.auth.ports import KeyChange
from services.auth.service.keyring import Keyring
from tests.support.tokens import TRUSTED, Issuer

START = 1_800_000_000.0
DAY = 86_400.0
SCHEDULE = KeySchedule(publish_ahead=180, use=30 * DAY, token_life=3600)


class World:
    """A store, a clock and the replicas that share them."""

    def __init__(self) -> None:
        self.now = START
        self.store = MemorySigningKeyStore()
        self.sealing_key = secrets.token_bytes(32)

    def replica(self) -> Keyring:
        return Keyring(self.store, AesSealer(self.sealing_key), SCHEDULE, lambda: self.now)

    def claims(self) -> dict[str, object]:
        return Issuer().claims(self.now)


@pytest.fixture
def world() -> World:
    return World()


def kid_of(token: str) -> str:
    kid = jws.extract_compact(token.encode()).headers()["kid"]
    assert isinstance(kid, str)
    return kid


async def kids(keyring: Keyring) -> set[str]:
    return {key["kid"] for key in await keyring.public_keys()}


async def test_replicas_that_start_together_share_one_key(world: World) -> None:
    replicas = [world.replica() for _ in range(3)]
    await asyncio.gather(*[replica.refresh() for replica in replicas])
    assert len({kid_of(replica.sign(world.claims())) for replica in replicas}) == 1
    assert [len(await kids(replica)) for replica in replicas] == [1, 1, 1]


async def test_signed_token_passes_the_verifier(world: World) -> None:
    keyring = world.replica()
    await keyring.refresh()
    verifier = TokenVerifier(keyring.public_keys, TRUSTED, clock=lambda: world.now)
    assert (await verifier.verify(keyring.sign(world.claims()))).client_id == "acme-1"


async def test_published_keys_hold_nothing_private(world: World) -> None:
    keyring = world.replica()
    await keyring.refresh()
    (key,) = await keyring.public_keys()
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    (stored,) = await world.store.revise(lambda _: KeyChange())
    assert b"PRIVATE KEY" not in stored.encrypted_key
    assert "d" not in stored.public_key


async def test_rotation_never_signs_with_a_key_that_verifiers_may_lack(world: World) -> None:
    signer, other = world.replica(), world.replica()
    await signer.refresh()
    await other.refresh()
    first = kid_of(signer.sign(world.claims()))
    verifier = TokenVerifier(other.public_keys, TRUSTED, clock=lambda: world.now)
    used = set()
    for step in range(0, 7200 + 400, 30):
        world.now = START + 30 * DAY - 200 + step
        await signer.refresh()
        if step % 60 == 0:
            await other.refresh()
            await verifier.refresh()
        token = signer.sign(world.claims())
        used.add(kid_of(token))
        assert kid_of(token) in await kids(other)
        assert (await verifier.verify(token)).client_id == "acme-1"
    assert len(used) == 2
    assert first not in await kids(signer), "the old key is gone once its last token has expired"


async def test_old_key_verifies_until_its_last_token_expires(world: World) -> None:
    keyring = world.replica()
    await keyring.refresh()
    first = kid_of(keyring.sign(world.claims()))
    world.now = START + 30 * DAY - 180
    await keyring.refresh()
    assert kid_of(keyring.sign(world.claims())) == first
    assert len(await kids(keyring)) == 2
    world.now += 180
    assert kid_of(keyring.sign(world.claims())) != first
    world.now += 3600
    await keyring.refresh()
    assert first in await kids(keyring)
    world.now += 1
    await keyring.refresh()
    assert first not in await kids(keyring)


async def test_without_keys_the_service_is_unavailable(world: World) -> None:
    keyring = world.replica()
    for attempt in (lambda: keyring.check(), lambda: keyring.public_keys()):
        with pytest.raises(MeshError) as caught:
            await attempt()
        assert caught.value.kind is Kind.UNAVAILABLE
    with pytest.raises(MeshError):
        keyring.sign(world.claims())


async def test_stored_keys_need_the_key_that_they_were_sealed_with(world: World) -> None:
    await world.replica().refresh()
    world.sealing_key = secrets.token_bytes(32)
    with pytest.raises(SettingsError, match="RAMPART_AUTH_KEY_FILE"):
        await world.replica().refresh()


class Flaky(MemorySigningKeyStore):
    """A store that is down for the first calls."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures
        self.back = asyncio.Event()

    async def revise(self, plan: Callable[[Sequence[SigningKey]], KeyChange]) -> list[SigningKey]:
        if self.failures:
            self.failures -= 1
            raise unavailable("postgres")
        self.back.set()
        return await super().revise(plan)


async def test_upkeep_goes_on_when_the_store_comes_back(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.store = store = Flaky(1)
    keyring = world.replica()
    with caplog.at_level(logging.WARNING):
        upkeep = asyncio.create_task(keyring.keep(0.01))
        async with asyncio.timeout(5):
            await store.back.wait()
        upkeep.cancel()
    assert "cannot be refreshed" in caplog.text
    assert json.dumps(await keyring.public_keys())
