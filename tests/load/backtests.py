"""What backtests cost and how fast they are: alone, and beside live checks. `python -m tests.load.backtests`.

A platform of its own gets decisions and a version of 250 rules. The backtest is timed alone, in both ways of values;
then checks are sent at a fixed rate, in turns without a backtest and with one that runs all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console.api import Api
from meshkit.storage.postgres import pool
from services.fraud.domain.declared.starter import STARTER_FEATURES
from tests.load.frame import bounded, run_bench, state_folder
from tests.load.history import api_of, cost_of, seed, service_dsn
from tests.load.paced import PacedLoop
from tests.load.platforms import Rampart
from tests.load.workload import Target, fraud_checks

__all__: list[str] = []

LONGEST_SECONDS = 1_500.0
CONNECTIONS = 32
RULES = 250


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=60_000, help="of the period (default %(default)s)")
    parser.add_argument("--rate", type=float, default=120.0, help="live checks a second (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each turn (default %(default)g)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default %(default)s)")
    arguments = parser.parse_args()
    return run_bench(lambda: _bench(arguments))


def _bench(arguments: argparse.Namespace) -> None:
    with state_folder() as folder:
        asyncio.run(bounded(LONGEST_SECONDS, _measure(arguments, folder / "on")))


async def _measure(arguments: argparse.Namespace, home: Path) -> None:
    platform = Rampart("rampart", home, coalesce=True)
    await platform.start()
    try:
        api = api_of(platform)
        begun = datetime.now(UTC) - timedelta(seconds=5)
        await api.call(
            "POST", "/api/v1/fraud-check", {"user_id": "u1", "transaction_amount": 1.0, "channel": "card_present"}
        )
        reader = platform.dev["dsn"]["fraud"]
        async with pool(reader, size=1) as reads, pool(service_dsn(home, reader), seconds=30) as lent:
            tenant = str(await reads.fetchval("SELECT tenant_id FROM decisions"))
            await seed(lent, tenant, arguments.decisions)
        await platform.settle()
        await _version(api)
        for values in ("stored", "recomputed"):
            found = await _backtest(api, begun, values)
            wall = _seconds(found)
            cpu, _ = cost_of(home, found["backtest_id"])
            done = int(found["result"]["decisions"])
            print(f"{values:<11} {done} decisions, {RULES} rules: {done / wall:,.0f}/s with the start of the process,")
            print(
                f"            {cpu / done * 1e6:.0f} us of CPU a decision ({done / cpu:,.0f}/s on a core)", flush=True
            )
        await _beside(arguments, platform, api, begun)
        api.close()
    finally:
        await platform.stop()


async def _beside(arguments: argparse.Namespace, platform: Rampart, api: Api, begun: datetime) -> None:
    target = await platform.target()
    turns: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(arguments.rounds):
        turns["without"].append(await _paced(arguments, target))
        running = asyncio.create_task(_again_and_again(api, begun))
        await asyncio.sleep(2.0)
        turns["with"].append(await _paced(arguments, target))
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await _until_none_runs(api)
    for name, found in turns.items():
        shown = ", ".join(f"{each:.1f}" for each in found)
        print(f"p99 {name} a backtest: {sorted(found)[len(found) // 2]:.1f} ms (turns: {shown})")
    before, after = (sorted(each)[len(each) // 2] for each in turns.values())
    print(f"{after / before:.2f} times")


async def _paced(arguments: argparse.Namespace, target: Target) -> float:
    loop = PacedLoop(target.address, fraud_checks(target, 1), CONNECTIONS, arguments.rate)
    result = await loop.run(2.0, arguments.seconds)
    print(f"  p50 {result.latency_ms.p50:.1f}  p99 {result.latency_ms.p99:.1f}  errors {result.errors}", flush=True)
    return result.latency_ms.p99


async def _again_and_again(api: Api, begun: datetime) -> None:
    while True:
        await _backtest(api, begun, "recomputed")


async def _backtest(api: Api, begun: datetime, values: str) -> dict[str, Any]:
    body = {"scenario_id": "large", "version": 1, "since": begun.isoformat(), "values": values}
    found = await api.call("POST", "/api/v1/backtests", body)
    try:
        while found["state"] not in ("succeeded", "failed", "dead", "cancelled"):
            await asyncio.sleep(0.25)
            found = await api.call("GET", f"/api/v1/backtests/{found['backtest_id']}")
    except asyncio.CancelledError:
        await api.call("POST", f"/api/v1/backtests/{found['backtest_id']}:cancel", {})
        raise
    assert found["state"] == "succeeded", found
    return found


async def _until_none_runs(api: Api) -> None:
    while any(
        each["state"] in ("running", "cancelling") for each in (await api.call("GET", "/api/v1/backtests"))["backtests"]
    ):
        await asyncio.sleep(0.2)
    await asyncio.sleep(1.0)


def _seconds(backtest: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(backtest[name]) for name in ("create_time", "finish_time"))
    return (ended - began).total_seconds()


async def _version(api: Api) -> None:
    choice, names = (
        random.Random(2),
        [each.name for each in STARTER_FEATURES if each.name.endswith(("h", "m")) and not each.converted],
    )
    rules: Sequence[dict[str, object]] = [
        {
            "rule_id": f"r{n}", "code": f"R{n}", "words": "{amount:.2f} is much.", "contribution": 0.05,
            "expression": f"amount > {choice.randrange(590)}.0 && {choice.choice(names)} >= {choice.randrange(5, 60)}"
            f" && {choice.choice(names)} < {choice.randrange(60, 90)}",
        }
        for n in range(RULES)
    ]  # fmt: skip
    draft = {"event_type": "payment", "rules": rules}
    await api.call("POST", "/api/v1/scenarios", {"scenario_id": "large", "draft": draft})
    await api.call("POST", "/api/v1/scenarios/large/versions", {})


if __name__ == "__main__":
    sys.exit(main())
