"""News for whoever waits: none is lost between two waits, and nobody waits when the process stops."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.task.service.signals import Signals


async def test_news_wake_who_listens_for_their_topic_and_nobody_else() -> None:
    signals = Signals()
    with signals.listening("a", "b") as first, signals.listening("c") as second:
        waiting = asyncio.gather(first.wait(5), second.wait(0.2))
        await asyncio.sleep(0)
        began = time.monotonic()
        signals.tell("b")
        await first.wait(0)
        await waiting
        assert 0.15 < time.monotonic() - began < 2


async def test_news_between_two_waits_end_the_next_at_once() -> None:
    signals = Signals()
    with signals.listening("a") as signal:
        signals.tell("a")
        began = time.monotonic()
        await signal.wait(5)
        assert time.monotonic() - began < 1
        await signal.wait(0.05)
        assert time.monotonic() - began >= 0.05


async def test_everyone_is_woken_when_news_may_have_been_missed() -> None:
    signals = Signals()
    with signals.listening("a") as first, signals.listening("b") as second:
        signals.tell_all()
        async with asyncio.timeout(1):
            await asyncio.gather(first.wait(5), second.wait(5))


@pytest.mark.parametrize("before", [True, False])
async def test_nobody_waits_when_the_process_stops(before: bool) -> None:
    signals = Signals()
    with signals.listening("a") as signal:
        if before:
            signals.close()
        waiting = asyncio.create_task(signal.wait(5))
        await asyncio.sleep(0)
        signals.close()
        async with asyncio.timeout(1):
            await waiting
    assert signals.closed


async def test_topics_are_forgotten_with_their_listeners() -> None:
    signals = Signals()
    with signals.listening("a"), signals.listening("a"):
        pass
    assert not signals._listeners
