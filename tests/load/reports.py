"""What reports of quality cost and how fast they are. `python -m tests.load.reports`.

A platform of its own gets decisions of the last 30 days, of which some have labels; then a report without groups and
one with five names are made of them.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console.api import Api
from meshkit.storage.postgres import Pool, pool
from services.fraud.adapters.postgres_labels import PostgresLabelWriter
from services.fraud.domain.check import Decided
from tests.load.frame import bounded, run_bench, state_folder
from tests.load.history import api_of, cost_of, seed, service_dsn
from tests.load.platforms import Rampart
from tests.support.labels import label

__all__: list[str] = []

LONGEST_SECONDS = 3_000.0
PATH = "/api/v1/quality-reports"
LABELLED = 0.02
BATCH = 1_000
NAMES = ("rule", "scenario", "model", "merchant_id", "user_new_device")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=100_000, help="of the period (default %(default)s)")
    arguments = parser.parse_args()
    return run_bench(lambda: _bench(arguments.decisions))


def _bench(decisions: int) -> None:
    with state_folder() as folder:
        asyncio.run(bounded(LONGEST_SECONDS, _measure(decisions, folder / "on")))


async def _measure(decisions: int, home: Path) -> None:
    platform = Rampart("rampart", home, coalesce=True)
    await platform.start()
    try:
        api = api_of(platform)
        first = {"user_id": "u1", "transaction_amount": 1.0, "channel": "card_present"}
        await api.call("POST", "/api/v1/fraud-check", first)
        reader = platform.dev["dsn"]["fraud"]
        async with pool(reader, size=1) as reads, pool(service_dsn(home, reader), seconds=30) as lent:
            tenant = str(await reads.fetchval("SELECT tenant_id FROM decisions"))
            await _label(lent, tenant, await seed(lent, tenant, decisions))
        await platform.settle()
        for names in ((), NAMES):
            await _report(api, home, names)
        api.close()
    finally:
        await platform.stop()


async def _label(lent: Pool, tenant: str, made: Sequence[Decided]) -> None:
    """Says of a few that they were fraud, and of as many that they were not."""
    chance, now = random.Random(3), datetime.now(UTC)
    labels = [
        label(
            kind=chance.choice(["fraud", "false_positive"]), known=now, created_at=now,
            transaction_id=each.check.transaction_id, decision_id=each.decision_id,
        )
        for each in made
        if chance.random() < LABELLED
    ]  # fmt: skip
    for start in range(0, len(labels), BATCH):
        async with PostgresLabelWriter(lent).begin(tenant) as changes:
            await changes.add(labels[start : start + BATCH])


async def _report(api: Api, home: Path, names: Sequence[str]) -> None:
    since = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    begun = asyncio.get_running_loop().time()
    found = await api.call("POST", PATH, {"since": since, "group_by": names, "label_delay": f"{10 * 86_400}s"})
    while found["state"] not in ("succeeded", "failed", "dead", "cancelled"):
        await asyncio.sleep(0.1)
        found = await api.call("GET", f"{PATH}/{found['report_id']}")
    assert found["state"] == "succeeded", found
    wall = asyncio.get_running_loop().time() - begun
    total: dict[str, Any] = found["result"]["total"]
    cpu, peak = cost_of(home, found["report_id"])
    done = int(total["decisions"])
    print(f"by {', '.join(names) or 'nothing'}: {done:,} decisions ({total['fraud']} fraud) in {wall:.1f} s,")
    print(f"    {done / wall:,.0f}/s with the start of the process; {cpu / done * 1e6:.0f} us of CPU each, "
          f"{peak / 1024:,.0f} MB at most", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
