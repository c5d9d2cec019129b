"""Floods of tokens that nobody issued: how much work they cause, and whom they keep out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.describe.openapi import LOCAL_URL
from gateway.edge.address import AddressResolver
from gateway.edge.exchange import Exchange
from gateway.edge.guard import TokenGuard
from gateway.edge.possession import PossessionCheck
from gateway.edge.ratelimit import LimitBook
from meshkit.context import Principal
from meshkit.errors import MeshError
from meshkit.identity.jose.compact import UnverifiedJws
from meshkit.identity.jose.keys import PublicKey
from meshkit.identity.policy import Policy
from meshkit.identity.revocations import RevokedBy, RevokedTokens
from meshkit.identity.tokens import TokenVerifier
from meshkit.limits import MemoryRateLimiter
from tests.support.gateway import Gateway, plan
from tests.support.tokens import TENANT, TRUSTED, Issuer

NOW = 1_800_000_000.0
FAILURES, BURST = 2, 10
FORGED = 200


class CountingVerifier(TokenVerifier):
    """Counts the signatures that are checked."""

    checked = 0

    def _read(self, unverified: UnverifiedJws, keys: Sequence[PublicKey]) -> tuple[float, Principal]:
        self.checked += 1
        return super()._read(unverified, keys)


class World:
    """A guard with a real verifier."""

    def __init__(self) -> None:
        self.now = NOW
        self.issuer, self.forger = Issuer(), Issuer()
        self.fetching: asyncio.Event | None = None
        self.verifier = CountingVerifier(self._keys, TRUSTED, clock=lambda: self.now)
        self.guard = TokenGuard(
            self.verifier,
            MemoryRateLimiter(),
            Gateway().telemetry,
            book=LimitBook(failure_rate=FAILURES),
            addresses=AddressResolver(),
            possession=PossessionCheck(LOCAL_URL),
        )

    async def _keys(self) -> list[dict[str, str]]:
        if self.fetching is not None:
            await self.fetching.wait()
        return [self.issuer.jwk]

    def good(self, number: int = 0) -> str:
        return self.issuer.token(self.now, jti=f"good-{number}", rate_limit=100_000)

    def forged(self, number: int) -> str:
        return self.forger.token(self.now, jti=f"forged-{number}")

    async def call(self, token: str, address: str = "192.0.2.1") -> str:
        """Returns "served" or the reason why not."""
        headers = [(b"authorization", b"Bearer " + token.encode())]
        scope: dict[str, Any] = {
            "type": "http", "method": "POST", "path": "/", "headers": headers, "client": (address, 1)
        }  # fmt: skip
        try:
            await self.guard.admit(Exchange(scope, _silent, _silent), CHECK)
        except MeshError as error:
            return error.reason
        return "served"


async def _silent(*_: Any) -> Any:
    raise AssertionError("admission reads and sends nothing")


def _check() -> Policy:
    (found,) = (method.policy for name, method in plan().methods.items() if name.endswith("/CheckFraud"))
    return found


CHECK = _check()


@pytest.fixture
def world() -> World:
    return World()


async def test_flood_of_forged_tokens_is_refused_without_looking_at_signatures(world: World) -> None:
    await world.call(world.good())
    world.verifier.checked = 0
    reasons = Counter([await world.call(world.forged(number)) for number in range(FORGED)])
    assert world.verifier.checked == reasons["TOKEN_INVALID"]
    assert BURST <= world.verifier.checked <= BURST + 5
    assert reasons["RATE_LIMITED"] == FORGED - reasons["TOKEN_INVALID"]


@pytest.mark.parametrize("junk", ["junk", "a.b.c", "x" * 9_000, "eyJhbGciOiJub25lIn0.e30."])
async def test_flood_of_junk_is_refused_like_forged_tokens(world: World, junk: str) -> None:
    reasons = Counter([await world.call(f"{junk}{number}") for number in range(FORGED)])
    assert BURST <= reasons["TOKEN_INVALID"] <= BURST + 5
    assert world.verifier.checked == 0


async def test_flood_at_once_is_refused_like_one_after_the_other(world: World) -> None:
    # All of them wait for the keys, and have passed the first look at the address by then.
    world.fetching = asyncio.Event()
    calls = [asyncio.create_task(world.call(world.forged(number))) for number in range(FORGED)]
    await asyncio.sleep(0)
    world.fetching.set()
    reasons = Counter(await asyncio.gather(*calls))
    assert world.verifier.checked == reasons["TOKEN_INVALID"]
    assert world.verifier.checked <= BURST + 5


async def test_callers_behind_the_address_of_a_flood_go_on(world: World) -> None:
    neighbours = [world.good(number) for number in range(20)]
    for token in neighbours:
        assert await world.call(token) == "served"
    for number in range(FORGED):
        await world.call(world.forged(number))
    assert {await world.call(token) for token in neighbours} == {"served"}
    # Also when their tokens are due to be verified again.
    world.now += 90
    checked = world.verifier.checked
    assert {await world.call(token) for token in neighbours} == {"served"}
    assert world.verifier.checked == checked + len(neighbours)


async def test_other_addresses_do_not_notice_a_flood(world: World) -> None:
    for number in range(FORGED):
        await world.call(world.forged(number))
    assert await world.call(world.good(), "192.0.2.1") == "RATE_LIMITED"
    assert await world.call(world.good(), "192.0.2.2") == "served"


async def test_address_is_looked_at_again_when_the_flood_is_over(world: World) -> None:
    for number in range(FORGED):
        await world.call(world.forged(number))
    await asyncio.sleep(1.2 / FAILURES)
    assert await world.call(world.good()) == "served"


async def test_good_tokens_are_never_charged_to_the_address(world: World) -> None:
    reasons = Counter([await world.call(world.good(number)) for number in range(FORGED)])
    assert reasons == {"served": FORGED}


async def test_token_that_has_expired_is_refused_without_a_look_at_its_signature_and_free(world: World) -> None:
    token = world.good()
    assert await world.call(token) == "served"
    world.now += 3600
    checked = world.verifier.checked
    assert {await world.call(token) for _ in range(FORGED)} == {"TOKEN_INVALID"}
    assert world.verifier.checked == checked
    assert await world.call(world.good(1)) == "served"


async def test_revoked_token_is_refused_and_not_charged_to_the_address(world: World) -> None:
    tokens = [world.good(number) for number in range(2 * BURST)]
    assert await world.call(tokens[0]) == "served"
    world.verifier.revocations.add([RevokedTokens(TENANT, RevokedBy.CLIENT, "acme-1", issued_before=world.now)])
    for _ in range(3):
        assert {await world.call(token) for token in tokens} == {"TOKEN_REVOKED"}
    assert world.verifier.checked == len(tokens)
    world.now += 1
    assert await world.call(world.good(99)) == "served"


async def test_unreachable_issuer_is_not_charged_to_the_address() -> None:
    world = World()

    async def no_keys() -> list[dict[str, str]]:
        return []

    world.verifier = CountingVerifier(no_keys, TRUSTED, clock=lambda: world.now)
    world.guard._verifier = world.verifier
    assert {await world.call(world.good(number)) for number in range(FORGED)} == {"DEPENDENCY_UNAVAILABLE"}
