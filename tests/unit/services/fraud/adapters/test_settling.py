"""What is to be settled waits for Redis only up to a bound: the keeper finds the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from unittest.mock import AsyncMock

import pytest

from services.fraud.adapters.logs import settling
from services.fraud.adapters.logs.settling import LogSettling
from services.fraud.domain.declared.records import WITHDRAWAL
from services.fraud.ports import LogWrite, Ticket
from tests.support.log_writes import key_of, record, write

GONE = [write(key_of("t"), [record("gone", kind=WITHDRAWAL)])]


@pytest.mark.parametrize("withdrawn", [[], GONE], ids=["committed", "withdrawn"])
async def test_more_than_is_kept_is_left_to_the_keeper(
    monkeypatch: pytest.MonkeyPatch, withdrawn: Sequence[LogWrite]
) -> None:
    monkeypatch.setattr(settling, "SETTLE_QUEUE", 10)
    redis, withdraw, answers = AsyncMock(), AsyncMock(return_value=b"w"), asyncio.Event()
    redis.hdel.side_effect = lambda *_: answers.wait()
    withdraw.side_effect = lambda _: answers.wait()
    waiting = LogSettling(redis, b"pending", withdraw)
    for number in range(100):
        waiting.settle(Ticket((b"%d" % number,)), withdrawn)
    kept = len(waiting._settled) + len(waiting._withdrawn)
    assert (kept, len(waiting._withdrawing)) == (11, 11 * len(withdrawn))
    assert waiting._task is not None
    waiting._task.cancel()
    await asyncio.wait({waiting._task})


async def test_batches_whose_attempts_were_withdrawn_are_settled_when_nobody_asks_for_them_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settling, "RECALLED_SECONDS", 0.0)
    redis, withdraw = AsyncMock(), AsyncMock(return_value=b"w")
    waiting = LogSettling(redis, b"pending", withdraw)
    for name, withdrawn in ((b"first", GONE), (b"second", [])):
        waiting.settle(Ticket((name,)), withdrawn)
        assert waiting._task is not None
        await waiting._task
    withdraw.assert_awaited_once_with(GONE)
    assert [call.args for call in redis.hdel.await_args_list] == [(b"pending", b"w"), (b"pending", b"second", b"first")]
