"""An analyst's morning from the command line alone, while payments go on: from a pattern to a rule and back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.steelthread.analyst import Analyst
from tests.steelthread.edge import Edge, a_check
from tests.steelthread.platform import Platform

PAUSE = 0.05
"""Seconds between two payments of one sender."""
SENDERS = 2


class Payments:
    """Payments that go on all morning, and what was decided. One in 40 is a small one: too few for the breaker."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self.decided: dict[str, dict[str, Any]] = {}
        self._number = 0

    async def send(self) -> None:
        while True:
            self._number += 1
            name = f"p-{self._number}"
            amount = 1.5 if self._number % 40 == 0 else 40.0
            check = a_check(transaction_id=name, user_id=name, transaction_amount=amount)
            assert name not in self.decided
            self.decided[name] = await self._edge.check(**check)
            await asyncio.sleep(PAUSE)

    async def until(self, version: tuple[str, int], count: int = 1) -> list[dict[str, Any]]:
        """Waits until a version has decided so many more payments, and returns its decisions since."""
        before = set(self.decided)
        async with asyncio.timeout(40):
            while (
                len(
                    found := [
                        each for name, each in self.decided.items() if name not in before and _by(each) == version
                    ]
                )
                < count
            ):
                await asyncio.sleep(0.05)
        return found


def _by(decision: dict[str, Any]) -> tuple[str, int]:
    return decision["versions"]["scenario"], decision["versions"]["scenario_version"]


@pytest.fixture
async def payments(edge: Edge) -> AsyncIterator[Payments]:
    payments = Payments(edge)
    sending = [asyncio.create_task(payments.send()) for _ in range(SENDERS)]
    yield payments
    for task in sending:
        task.cancel()
    for ended in await asyncio.gather(*sending, return_exceptions=True):
        assert isinstance(ended, asyncio.CancelledError), ended


async def test_a_pattern_becomes_a_live_rule_a_broad_one_is_stopped_and_no_decision_is_lost(
    platform: Platform, edge: Edge, payments: Payments, tmp_path: Path
) -> None:
    analyst = Analyst(platform, edge, tmp_path / "secret")
    await payments.until(("starter", 2), 100)
    await analyst.does("scenario", "create", "cards", "--like", "starter@2")
    await analyst.does(
        "rules", "add", "cards", "--id", "probe", "--code", "PROBE", "--words", "{amount:.2f} probes a card.",
        "--expression", "amount < 2.0 && channel == 'online'", "--outcome", "review",
    )  # fmt: skip
    (tried,) = (await analyst.reads("backtest", "run", "cards", "--since", "1h"))[-1:]
    (found,) = [each for each in tried["result"]["rules"] if each["rule_id"] == "probe"]
    assert int(found["after"]) >= 2 > int(found["before"]) == 0
    await analyst.does("scenario", "version", "cards", "--note", "probes")
    await analyst.does("scenario", "deploy", "cards", "1", "--to", "shadow")
    await payments.until(("starter", 2), 60)
    await analyst.does("scenario", "deploy", "cards", "1", "--to", "share", "--share", "10")
    await payments.until(("cards", 1), 3)
    await analyst.does("scenario", "deploy", "cards", "1", "--to", "live")
    reviewed = Counter(each["outcome"] for each in await payments.until(("cards", 1), 60))
    assert 0 < reviewed["review"] < 6
    await analyst.does(
        "rules", "add", "cards", "--code", "BROAD", "--words", "Anything.", "--expression", "amount > 0.0",
        "--outcome", "decline",
    )  # fmt: skip
    await analyst.does("scenario", "version", "cards", "--note", "too broad")
    await analyst.does("scenario", "deploy", "cards", "2", "--to", "live")
    assert {each["outcome"] for each in await payments.until(("cards", 2), 5)} == {"decline"}
    await payments.until(("cards", 1), 5)
    deployment = await analyst.deployment()
    assert deployment["breaker"] == "tripped"
    await analyst.does("scenario", "rollback", "cards", "1", "--reason", "enough for today")
    await payments.until(("starter", 2), 5)
    moves = [each["move"] for each in await analyst.reads("scenario", "history", "payment")]
    assert moves == ["roll_back", "trip", "live", "live", "share", "shadow"]
    await _all_stored_once(platform, payments)


async def _all_stored_once(platform: Platform, payments: Payments) -> None:
    answered = dict(payments.decided)
    stored = await platform.rows(
        "fraud", "SELECT transaction_id, decision_id FROM decisions WHERE decision_id = ANY ($1::uuid[])",
        [each["decision_id"] for each in answered.values()],
    )  # fmt: skip
    assert sorted((row["transaction_id"], str(row["decision_id"])) for row in stored) == sorted(
        (name, each["decision_id"]) for name, each in answered.items()
    )
