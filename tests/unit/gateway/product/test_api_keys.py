"""API keys at the edge: exchanged once for a token, refused cheaply, forgotten when they end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from rampart.auth.v1 import auth_service_pb2 as pb

from gateway.calls.upstream import CacheUse
from gateway.compile.plan import MethodPlan
from gateway.edge.ratelimit import LimitSettings
from gateway.product.api_keys import EXCHANGE, REFUSED_SECONDS, ApiKeys
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.identity.api_keys import new_api_key
from tests.support.gateway import PRINCIPAL, Gateway, plan

METHOD = plan().methods[EXCHANGE]
KEY = new_api_key()
CALL = CallContext()


class Auth:
    """Implements `Upstream` for the exchange of keys, whose tokens are numbered."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: MeshError | None = None
        self.expires_in = 300
        self.open = asyncio.Event()
        self.open.set()

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        assert (method, pb.ExchangeApiKeyRequest.FromString(request).api_key) == (METHOD, KEY)
        assert call.deadline is not None
        self.calls += 1
        number = self.calls
        await self.open.wait()
        if self.error is not None:
            raise self.error
        answer = pb.ExchangeApiKeyResponse(access_token=f"token-{number}", expires_in=self.expires_in)
        return answer.SerializeToString()


class KeyWorld:
    """The keys of an edge with a clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.auth = Auth()
        self.keys = ApiKeys(METHOD, self.auth, lambda: self.now)
        self.permits = 0

    def permit(self) -> None:
        self.permits += 1

    async def exchange(self, key: str = KEY) -> str:
        return await self.keys.exchange(key, self.permit, CALL)


@pytest.fixture
def world() -> KeyWorld:
    return KeyWorld()


def wrong() -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "API_KEY_INVALID", "no")


@pytest.mark.parametrize(
    ("headers", "bearer", "shown"),
    [
        ({}, KEY, KEY),
        ({b"x-api-key": KEY.encode()}, "", KEY),
        ({}, "eyJ.a.b", ""),
        ({b"x-api-key": KEY.encode(), b"authorization": b"Bearer eyJ.a.b"}, "eyJ.a.b", ""),
        ({b"x-api-key": KEY.encode(), b"authorization": b"Basic eA=="}, "", ""),
        ({}, "", ""),
    ],
)
def test_key_is_in_its_header_or_the_bearer_token(
    world: KeyWorld, headers: dict[bytes, bytes], bearer: str, shown: str
) -> None:
    assert world.keys.shown(headers, bearer) == shown


async def test_token_is_used_until_shortly_before_its_end(world: KeyWorld) -> None:
    assert world.keys.known(KEY) is None
    assert await world.exchange() == "token-1"
    world.now += 269
    assert world.keys.known(KEY) == "token-1"
    world.now += 2
    assert world.keys.known(KEY) is None
    assert await world.exchange() == "token-2"


async def test_first_uses_at_once_share_one_call_though_the_first_goes_away(world: KeyWorld) -> None:
    world.auth.open.clear()
    first = asyncio.create_task(world.exchange())
    others = [asyncio.create_task(world.exchange()) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    world.auth.open.set()
    assert set(await asyncio.gather(*others)) == {"token-1"}
    assert world.auth.calls == 1


async def test_wrong_checksum_costs_no_call(world: KeyWorld) -> None:
    for key in (KEY[:-1] + ("a" if KEY[-1] != "a" else "b"), "rpk_", "x", "é"):
        with pytest.raises(MeshError, match="unknown"):
            await world.exchange(key)
    assert (world.auth.calls, world.permits) == (0, 4)


async def test_refused_key_is_refused_again_for_some_seconds_without_a_call(world: KeyWorld) -> None:
    world.auth.error = wrong()
    for _ in range(5):
        with pytest.raises(MeshError):
            await world.exchange()
    assert (world.auth.calls, world.permits) == (1, 5)
    world.now += REFUSED_SECONDS
    world.auth.error = None
    assert await world.exchange() == "token-2"


async def test_outage_is_no_refusal(world: KeyWorld) -> None:
    world.auth.error = MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "away")
    for _ in range(2):
        with pytest.raises(MeshError) as caught:
            await world.exchange()
        assert caught.value.kind is Kind.UNAVAILABLE
    assert world.auth.calls == 2


async def test_keys_are_kept_as_hashes_and_their_number_is_bounded(
    world: KeyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.exchange()
    assert KEY not in repr(vars(world.keys))
    monkeypatch.setattr("gateway.product.api_keys.ENTRIES", 1)
    world.keys._keep(b"other", "token", 10)
    assert world.keys.known(KEY) is None


@pytest.fixture
def edge(world: KeyWorld) -> Gateway:
    """A gateway that takes keys, whose verifier knows the tokens of `Auth`."""
    edge = Gateway(limits=LimitSettings(failure_rate=2), keys=world.keys)
    edge.verifier.tokens |= {f"token-{n}": replace(PRINCIPAL, client_id="key-1") for n in (1, 2)}
    return edge


async def get(edge: Gateway, **headers: str) -> Any:
    return await edge.request("GET", "/api/v1/users", token=None, headers=headers)


async def test_call_with_a_key_is_made_with_its_token(edge: Gateway, world: KeyWorld) -> None:
    for headers in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}):
        assert (await get(edge, **headers)).status == 200
    assert world.auth.calls == 1
    assert {call.info.token for call in edge.upstream.calls} == {"token-1"}


async def test_key_that_is_none_is_401_and_uses_up_the_failures_of_the_address(edge: Gateway, world: KeyWorld) -> None:
    world.auth.error = wrong()
    replies = [await get(edge, **{"x-api-key": KEY}) for _ in range(40)]
    assert (replies[0].status, replies[0].json["reason"]) == (401, "API_KEY_INVALID")
    assert replies[-1].status == 429
    assert edge.upstream.calls == []


async def test_revoked_token_of_a_key_is_asked_for_again(edge: Gateway, world: KeyWorld) -> None:
    assert (await get(edge, **{"x-api-key": KEY})).status == 200
    del edge.verifier.tokens["token-1"]
    assert (await get(edge, **{"x-api-key": KEY})).status == 200
    assert world.auth.calls == 2
    del edge.verifier.tokens["token-2"]
    world.auth.error = wrong()
    assert (await get(edge, **{"x-api-key": KEY})).json["reason"] == "API_KEY_INVALID"
