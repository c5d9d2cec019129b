"""An evaluation makes nothing known before it was, trains before it tests, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from console.api import Json
from console.evaluating.notes import Notes
from console.evaluating.platform import EvaluatedPlatform
from console.evaluating.run import EvaluationRun, first_day
from console.evaluating.transactions import Transactions, day_of
from console.evaluating.weeks import Week
from console.failure import CommandFailure
from console.replaying.records import Record
from console.replaying.results import Answer, Results
from tests.unit.console.evaluating.test_weeks import FIRST, record

DAYS = 60
WEEKS = [Week(FIRST + timedelta(days=40)), Week(FIRST + timedelta(days=47))]


class Platform:
    """Takes note of what it is asked for, in order."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []
        self.labels: dict[str, str] = {}
        self.state = "ready"

    async def declare_features(self) -> None:
        self.done.append(("features", None))

    async def label(self, transactions: Sequence[tuple[str, str]]) -> None:
        self.labels.update(transactions)
        self.done.append(("labels", [name for name, _ in transactions]))

    async def train(self, week: Week) -> int:
        self.done.append(("train", week.start))
        return sum(what == "train" for what, _ in self.done)

    async def model_version(self, number: int) -> Json:
        return {"state": self.state, "version": number, "error": "no fraud"}

    async def deploy(self, draft: Json, note: str) -> None:
        self.done.append(("deploy", draft.get("model", {}).get("version", "rules")))


class Bench:
    """One payment an hour, of which each tenth is fraud; `fails_on` breaks off on a day."""

    def __init__(self, folder: Path) -> None:
        self.records = [record(row, row // 24, f"c{row % 7}", row % 10 == 0, row % 24) for row in range(24 * DAYS)]
        self.transactions = Transactions.read(self.records)
        self.results = Results([bool(each) for each in self.transactions.fraud])
        self.platform = Platform()
        self.folder = folder
        self.fails_on: date | None = None

    async def run(self, *, by_rules: bool = False) -> None:
        run = EvaluationRun(
            cast("EvaluatedPlatform", self.platform), self.transactions, self.results,
            Notes(self.folder, "test"), self._replay,
        )  # fmt: skip
        async for _ in run.run(self.records, WEEKS, by_rules=by_rules):
            pass

    async def _replay(self, records: Iterable[Record]) -> None:
        for each in records:
            day = day_of(each.event_time)
            if day == self.fails_on:
                raise CommandFailure("it is told to")
            self.platform.done.append(("decide", day))
            self.results.add(Answer(each.row, outcome="approve", score=0.1))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_fraud_is_made_known_seven_days_later_before_the_payments_of_that_day(bench: Bench) -> None:
    await bench.run(by_rules=True)
    decided: set[date] = set()
    told = 0
    for what, about in bench.platform.done:
        if what == "decide":
            decided.add(about)
        if what == "labels":
            told += len(about)
            for name in about:
                row = int(name.removeprefix("t"))
                happened = datetime.fromtimestamp(bench.transactions.times[row], UTC)
                known = datetime.fromisoformat(bench.platform.labels[name].replace("Z", "+00:00"))
                assert bench.transactions.fraud[row] and known - happened == timedelta(days=7)
                assert max(decided) == known.date() - timedelta(days=1)
    assert told == sum(bench.transactions.fraud[: 24 * 47])


async def test_before_each_week_a_version_is_trained_and_decides_from_its_first_payment(bench: Bench) -> None:
    await bench.run()
    steps = [
        (what, about) for what, about in bench.platform.done
        if what in ("train", "deploy") or (what == "decide" and about in {week.start for week in WEEKS})
    ]  # fmt: skip
    first, second = (week.start for week in WEEKS)
    assert [each for at, each in enumerate(steps) if at == 0 or steps[at - 1] != each] == [
        ("train", first), ("deploy", 1), ("decide", first), ("train", second), ("deploy", 2), ("decide", second),
    ]  # fmt: skip


async def test_what_was_done_before_an_interruption_is_not_done_again(bench: Bench) -> None:
    bench.fails_on = WEEKS[0].start + timedelta(days=2)
    with pytest.raises(CommandFailure, match="it is told to"):
        await bench.run()
    decided = bench.results.decided
    before, bench.platform.done = bench.platform.done, []
    bench.fails_on = None
    await bench.run()
    assert ("train", WEEKS[0].start) in before
    assert [about for what, about in bench.platform.done if what == "train"] == [WEEKS[1].start]
    assert [about for what, about in bench.platform.done if what == "deploy"] == [1]
    days = [about for what, about in bench.platform.done if what == "decide"]
    assert min(days) == WEEKS[0].start + timedelta(days=2)
    assert decided + len(days) == 24 * 54


async def test_a_training_that_failed_says_why_and_is_begun_anew_by_the_next_run(bench: Bench) -> None:
    bench.platform.state = "failed"
    with pytest.raises(CommandFailure, match=f"training for {WEEKS[0]} has failed: no fraud"):
        await bench.run()
    bench.platform.state = "ready"
    await bench.run()
    assert [about for what, about in bench.platform.done if what == "train"] == [
        WEEKS[0].start,
        *(w.start for w in WEEKS),
    ]


def test_payments_are_replayed_from_as_far_back_as_features_look_if_the_file_goes_there(bench: Bench) -> None:
    assert first_day(WEEKS, bench.transactions) == FIRST
    assert first_day([Week(date(2018, 12, 1))], bench.transactions) == date(2018, 9, 13)
