"""Streams through the typed client: what breaks off goes on, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

import grpc
import pytest
from google.rpc import error_details_pb2
from rampart_client import Config, Rampart, RampartError, _retry
from rampart_client.fraud import WatchDecisionsRequest, WatchDecisionsResponse

from tests.support.platform import Platform, Seen, Trouble

AWAY = Trouble(grpc.StatusCode.UNAVAILABLE)
EXPIRED = Trouble(
    grpc.StatusCode.UNAUTHENTICATED,
    details=(error_details_pb2.ErrorInfo(reason="TOKEN_INVALID", domain="rampart"),),
)
LASTED = Trouble(grpc.StatusCode.DEADLINE_EXCEEDED)
LOST = Trouble(
    grpc.StatusCode.OUT_OF_RANGE,
    details=(error_details_pb2.ErrorInfo(reason="STREAM_POSITION_LOST", domain="rampart"),),
)


def once_at(trouble: Trouble, *numbers: int) -> Callable[[int], Trouble | None]:
    left = set(numbers)

    def cut(number: int) -> Trouble | None:
        if number not in left:
            return None
        left.remove(number)
        return trouble

    return cut


async def decisions(rampart: Rampart, request: WatchDecisionsRequest = WatchDecisionsRequest()) -> list[str]:
    async with aclosing(rampart.fraud.watch_decisions(request, timeout=20)) as answers:
        return [answer.decision.transaction_id async for answer in answers if answer.decision]


async def test_answers_are_yielded_until_the_stream_ends(platform: Platform, rampart: Rampart) -> None:
    platform.watched = 3
    assert await decisions(rampart) == ["t-1", "t-2", "t-3"]
    (seen,) = platform.of("WatchDecisions")
    assert seen.metadata["authorization"] == "Bearer token-1"
    assert await decisions(rampart, WatchDecisionsRequest(after="2")) == ["t-3"]


@pytest.mark.parametrize(
    ("trouble", "tokens"),
    [pytest.param(AWAY, 1, id="stopped"), pytest.param(EXPIRED, 3, id="token"), pytest.param(LASTED, 1, id="lasted")],
)
async def test_stream_that_breaks_off_goes_on_after_its_last_place(
    platform: Platform, rampart: Rampart, trouble: Trouble, tokens: int
) -> None:
    platform.watched, platform.cut = 9, once_at(trouble, 4, 8)
    assert await decisions(rampart) == [f"t-{number}" for number in range(1, 10)]
    assert [seen.request.after for seen in platform.of("WatchDecisions")] == ["", "3", "7"]
    assert platform.tokens == tokens


async def test_stream_whose_place_is_gone_is_an_error(platform: Platform, rampart: Rampart) -> None:
    platform.watched, platform.cut = 9, once_at(LOST, 4)
    seen = []
    with pytest.raises(RampartError) as caught:
        async for answer in rampart.fraud.watch_decisions(WatchDecisionsRequest()):
            seen.append(answer)
    assert caught.value.reason == "STREAM_POSITION_LOST"
    assert len(seen) == 4


async def test_stream_that_cannot_begin_is_tried_again_and_no_longer_than_calls_are(
    platform: Platform, rampart: Rampart
) -> None:
    def away(_: object) -> None:
        raise AWAY

    platform.trouble = lambda seen: away(seen) if seen.method == "WatchDecisions" else None
    with pytest.raises(RampartError) as caught:
        await decisions(rampart)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert len(platform.of("WatchDecisions")) > 1


async def test_stream_outlasts_an_outage_that_takes_more_attempts_than_the_budget_of_calls(
    platform: Platform, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_retry, "LONGEST_BACKOFF", 0.01)
    platform.watched, fails = 2, 3 * int(_retry.BURST)

    def trouble(seen: Seen) -> None:
        nonlocal fails
        if seen.method == "WatchDecisions" and seen.request.after and fails:
            fails -= 1
            raise AWAY

    platform.trouble, platform.cut = trouble, once_at(AWAY, 2)
    async with Rampart(replace(config, max_attempts=100)) as rampart:
        assert await decisions(rampart) == ["t-1", "t-2"]
    assert not fails


async def test_one_stream_lasts_as_long_as_the_method_allows_and_all_together_as_long_as_was_asked(
    platform: Platform, rampart: Rampart
) -> None:
    platform.watched = 1
    await decisions(rampart)
    async for _ in rampart.fraud.watch_decisions(WatchDecisionsRequest()):
        pass
    first, second = platform.of("WatchDecisions")
    assert 15 < first.remaining <= 20
    assert 3_500 < second.remaining <= 3_700


async def test_stream_that_is_left_is_cancelled(platform: Platform, rampart: Rampart) -> None:
    platform.watched = 1_000_000
    async with aclosing(rampart.fraud.watch_decisions(WatchDecisionsRequest())) as answers:
        first: WatchDecisionsResponse = await anext(answers)
        assert first.position == "0"
        assert platform.watching == 1
    async with asyncio.timeout(5):
        while platform.watching:
            await asyncio.sleep(0.01)
