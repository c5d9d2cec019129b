"""kill -9 of each process in turn while checks arrive: what is acknowledged stays, the rest is told, all recovers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.http import HttpError
from console.up import proc
from tests.steelthread.edge import Edge, a_check, refusal
from tests.steelthread.load import Load
from tests.steelthread.platform import Platform, eventually

RATE, SECONDS = 40, 6.0
BEFORE, DOWN = 1.0, 1.5
RECOVERY_SECONDS = 60.0
UNDER_WAY = 3
"""Checks that are in one process at once at this rate, at most."""
BOTH = {"fraud": "decisions", "data": "transactions"}


@pytest.fixture(autouse=True)
async def whole_again(platform: Platform) -> None:
    """Waits for the end of the last test's outage."""
    edge = platform.edge()

    async def whole() -> bool:
        return await is_whole(edge)

    await eventually(whole, RECOVERY_SECONDS)


@pytest.fixture
async def steady(whole_again: None, edge: Edge) -> Edge:
    """A client whose token every process knows."""

    async def known() -> bool:
        return await is_whole(edge)

    await eventually(known, RECOVERY_SECONDS)
    return edge


@dataclass(frozen=True)
class Outage:
    """What callers may see while a process is down. `degraded` is what some decisions must then go without."""

    refuses: bool = False
    breaks: bool = False
    degraded: str = ""


OUTAGES = {
    "auth": Outage(),
    "user": Outage(degraded="user_profile"),
    "data": Outage(),
    "redis": Outage(degraded="features_slow_path"),
    "fraud": Outage(refuses=True),
    "gateway": Outage(breaks=True),
    "postgres": Outage(refuses=True),
}


async def logins_wait(edge: Edge) -> None:
    """Known tokens go on; a new one cannot be had, and the caller is told when to ask again."""
    answer = await edge.bare(
        "POST", "/api/v1/oauth/token", b"grant_type=client_credentials&client_id=a&client_secret=b",
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert (answer.status, answer.json()["error"]) == (503, "temporarily_unavailable"), answer
    assert int(answer.headers["retry-after"]) >= 1


def unavailable(path: str) -> Callable[[Edge], Awaitable[None]]:
    """The service's own resources cannot be had, and the caller is told so at once."""

    async def check(edge: Edge) -> None:
        answer = await edge.send("GET", path)
        assert (answer.status, refusal(answer)["reason"]) == (503, "DEPENDENCY_UNAVAILABLE"), answer
        assert int(answer.headers["retry-after"]) >= 1

    return check


async def nothing_more(edge: Edge) -> None:
    del edge


PROBES = {
    "auth": logins_wait,
    "user": unavailable("/api/v1/users"),
    "data": unavailable("/api/v1/transactions"),
    "fraud": unavailable("/api/v1/decisions"),
    "postgres": unavailable("/api/v1/decisions"),
}


@pytest.mark.parametrize("name", OUTAGES)
async def test_a_killed_process_costs_no_acknowledged_decision(platform: Platform, steady: Edge, name: str) -> None:
    outage, old = OUTAGES[name], platform.pid(name)
    load = Load(steady, f"kill-{name}")
    running = asyncio.create_task(load.run(rate=RATE, seconds=SECONDS))
    await asyncio.sleep(BEFORE)
    async with platform.held_down(name):
        await asyncio.sleep(DOWN / 2)
        await PROBES.get(name, nothing_more)(steady)
        await asyncio.sleep(DOWN / 2)
    await running
    await recovered(platform, steady, name, old)
    check_answers(load, outage)
    await load.send_again()
    await check_stored(platform, load)


def check_answers(load: Load, outage: Outage) -> None:
    """Every check has a decision, or an error that says what to do."""
    assert len(load.acknowledged) + len(load.refused) + len(load.broken) == len(load.sent) == RATE * SECONDS
    assert len(load.acknowledged) > RATE * BEFORE / 2
    # The edge itself may come back before it knows the services again.
    assert outage.breaks or bool(load.refused) is outage.refuses, load.refused[:3]
    assert bool(load.broken) is outage.breaks, load.broken[:3]
    assert not [why for why in load.broken if why.startswith("no answer")]
    for answer, _ in load.refused:
        assert answer.status in (503, 504), answer
        assert refusal(answer)["reason"] in ("DEPENDENCY_UNAVAILABLE", "DEADLINE_EXCEEDED")
        assert answer.status == 504 or int(answer.headers["retry-after"]) >= 1
    check_degraded(load, outage)


def check_degraded(load: Load, outage: Outage) -> None:
    """Some decisions went without what was down, and say so; what was not needed is missed by none."""
    lacking = [decision for decision in load.acknowledged.values() if decision["degraded"]]
    if not outage.degraded:
        assert outage.refuses or outage.breaks or len(lacking) < len(load.acknowledged) / 10
        return
    lacking = [decision for decision in lacking if outage.degraded in decision["degraded"]]
    assert lacking
    if outage.degraded == "user_profile":
        assert {decision["outcome"] for decision in lacking} == {"review"}


async def check_stored(platform: Platform, load: Load) -> None:
    """Every check is stored exactly once in both databases, under the decision that was acknowledged."""
    expected = {name: decision["decision_id"] for name, decision in load.acknowledged.items()}
    assert expected.keys() == load.sent.keys()
    await platform.ledger_caught_up()
    prefix = next(iter(expected)).rpartition("-")[0]
    for service, table in BOTH.items():
        query = f"SELECT transaction_id, decision_id FROM {table} WHERE starts_with(transaction_id, $1)"
        rows = await platform.rows(service, query, f"{prefix}-")
        assert len(rows) == len(expected)
        assert {row["transaction_id"]: str(row["decision_id"]) for row in rows} == expected


async def recovered(platform: Platform, edge: Edge, name: str, old: int | None) -> None:
    """Waits until the process is back by itself, dev.json knows it, everything is ready and decisions are whole."""

    async def whole() -> bool:
        pid = platform.pid(name)
        return pid not in (None, old) and proc.start_time(pid or 0) is not None and await is_whole(edge)

    await eventually(whole, RECOVERY_SECONDS)


async def is_whole(edge: Edge) -> bool:
    """Tells whether everything is ready and decisions lack nothing, whichever worker of the gateway answers."""
    try:
        ready = await edge.bare("GET", "/ready")
        answers = await asyncio.gather(*[edge.post_check(**a_check()) for _ in range(8)])
    except HttpError:
        return False
    return ready.status == 200 and all(each.status == 200 and each.json()["degraded"] == [] for each in answers)


async def test_a_killed_replica_costs_at_most_what_it_was_doing(platform: Platform, steady: Edge) -> None:
    load, old = Load(steady, "kill-replica"), platform.pid("fraud-2")
    running = asyncio.create_task(load.run(rate=RATE, seconds=4))
    await asyncio.sleep(BEFORE)
    platform.kill(old or 0)
    await running
    # The other replica takes over at once; what was under way is tried again while the budget of retries lasts.
    assert len(load.refused) <= UNDER_WAY and not load.broken, (load.refused, load.broken[:3])
    for answer, _ in load.refused:
        assert (answer.status, refusal(answer)["reason"]) == (503, "DEPENDENCY_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) >= 1
    await recovered(platform, steady, "fraud-2", old)
    await load.send_again()
    await check_stored(platform, load)


async def test_a_killed_worker_of_the_gateway_costs_its_own_connections_alone(platform: Platform, steady: Edge) -> None:
    load, old = Load(steady, "kill-worker"), platform.pid("gateway-1")
    running = asyncio.create_task(load.run(rate=RATE, seconds=4))
    await asyncio.sleep(BEFORE)
    platform.kill(old or 0)
    await running
    assert not load.refused
    # At 40 a second few are under way at once, and whoever connects again meets the other worker.
    assert len(load.broken) < RATE / 4, load.broken[:3]
    await recovered(platform, steady, "gateway-1", old)
    await load.send_again()
    await check_stored(platform, load)


@pytest.mark.parametrize("name", ["auth", "user", "data", "redis"])
async def test_a_process_that_hangs_costs_no_decision(platform: Platform, steady: Edge, name: str) -> None:
    load, pid = Load(steady, f"hang-{name}"), platform.pid(name)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        await load.run(rate=20, seconds=3)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert not load.refused and not load.broken, (load.refused[:3], load.broken[:3])
    check_degraded(load, OUTAGES[name])
    await check_stored(platform, load)


async def test_without_postgres_a_check_is_refused_at_once_and_served_again_on_its_return(
    platform: Platform, steady: Edge
) -> None:
    old = platform.pid("postgres")
    load = Load(steady, "no-postgres")
    async with platform.held_down("postgres"):
        await asyncio.sleep(0.3)
        await load.run(rate=20, seconds=1.5)
    assert len(load.refused) > 20 and not load.broken
    took = sorted(seconds for _, seconds in load.refused)
    assert took[len(took) // 2] < 0.25, took
    assert took[-1] < 2.5, took
    await recovered(platform, steady, "postgres", old)
    await load.send_again()
    await check_stored(platform, load)


async def test_a_replay_outlives_the_death_of_every_process(platform: Platform, tmp_path: Path) -> None:
    file, count = tmp_path / "mortal.csv", 2_000
    size = ("--seed", "9", "--customers", "200", "--days", "8")
    status, output = await platform.rampart("simulate", *size, "-o", str(file))
    assert status == 0, output
    names = sorted(line.split(",")[0] for line in file.read_text().splitlines()[1 : count + 1])
    options = ("--home", str(platform.home), "--limit", str(count), "--rate", "400")
    replay = asyncio.create_task(platform.rampart("replay", str(file), *options))
    for victim in ("fraud", "gateway", "postgres", "redis", "fraud"):
        await asyncio.sleep(1)
        async with platform.held_down(victim):
            await asyncio.sleep(0.05)
    status, output = await replay
    assert status == 0, output
    prefix = names[0].rpartition("-")[0]
    await platform.ledger_caught_up(10)
    for service, table in BOTH.items():
        query = f"SELECT transaction_id FROM {table} WHERE starts_with(transaction_id, $1)"
        assert sorted(row[0] for row in await platform.rows(service, query, f"{prefix}-")) == names


async def test_after_all_deaths_the_totals_are_those_of_the_decisions(platform: Platform) -> None:
    await platform.ledger_caught_up()
    currency = "convert_from(event, 'UTF8')::jsonb->'amount'->>1"
    counts = f"SELECT outcome, {currency} AS currency, count(*) AS count FROM decisions"
    query = f"{counts} WHERE event_type = 'payment' GROUP BY 1, 2"
    decided = {(row["outcome"], row["currency"]): row["count"] for row in await platform.rows("fraud", query)}
    query = "SELECT outcome, currency, sum(count)::bigint AS count FROM daily_totals GROUP BY outcome, currency"
    totalled = {(row["outcome"], row["currency"]): row["count"] for row in await platform.rows("data", query)}
    assert totalled == decided
    assert await platform.value("data", "SELECT count(*) FROM dead_letters") == 0


async def test_logs_lost_with_redis_are_filled_again(platform: Platform, steady: Edge) -> None:
    for _ in range(5):
        await steady.check(device_fingerprint="survivor")
    old = platform.pid("redis")
    async with platform.held_down("redis"):
        await asyncio.sleep(0.2)
        # Without Redis features are read from the store, and are no less exact.
        slow = await steady.check(device_fingerprint="survivor")
    await recovered(platform, steady, "redis", old)
    # Each replica may still find at its first look that the log of a key is not known to be whole.
    after: list[dict[str, Any]] = []
    while len(after) < 10 and (not after or after[-1]["degraded"]):
        after.append(await steady.check(device_fingerprint="survivor"))
        await asyncio.sleep(0.1)
    assert slow["degraded"] == ["features_slow_path"] and after[-1]["degraded"] == []
    for count, decision in enumerate((slow, *after), 5):
        inputs = (await steady.get(f"/api/v1/decisions/{decision['decision_id']}"))["inputs"]
        assert inputs["features"]["device_count_1h"] == count
