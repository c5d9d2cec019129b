"""Real input: simulated payments, and the handbook's where they are at hand, replayed through REST."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.steelthread.platform import Platform, eventually

SIMULATED, HANDBOOK = 2_000, 3_000
BOTH = {"fraud": "decisions", "data": "transactions"}


async def stored(platform: Platform, name: str) -> dict[str, list[str]]:
    """Returns the transactions of a data set, row by row, in both databases."""
    found = {}
    for service, table in BOTH.items():
        query = f"SELECT transaction_id FROM {table} WHERE starts_with(transaction_id, $1)"
        found[service] = sorted(row[0] for row in await platform.rows(service, query, name))
    return found


async def replay(platform: Platform, file: Path, limit: int, *options: str) -> str:
    arguments = ("replay", str(file), "--home", str(platform.home), "--limit", str(limit), *options)
    status, output = await platform.rampart(*arguments)
    assert status == 0, output
    return output


async def replay_twice(platform: Platform, file: Path, limit: int, prefix: str, *options: str) -> list[str]:
    """Replays a file, again, and again from the start; returns the identifiers of its one set of decisions."""
    output = await replay(platform, file, limit, *options)
    assert f"{limit:,}" in output

    async def in_both() -> bool:
        found = await stored(platform, prefix)
        return len(found["fraud"]) == limit and found["data"] == found["fraud"]

    await eventually(in_both, 5)
    once = (await stored(platform, prefix))["fraud"]
    assert len(set(once)) == limit
    for again in ("--resume", "--restart"):
        await replay(platform, file, limit, again, *options)
        await platform.ledger_caught_up()
        assert await stored(platform, prefix) == {"fraud": once, "data": once}
    return once


async def test_simulated_payments_are_each_decided_once_however_often_they_are_replayed(
    platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "payments.csv"
    size = ("--seed", "7", "--customers", "200", "--days", "8")
    status, output = await platform.rampart("simulate", *size, "-o", str(file))
    assert status == 0, output
    names = [line.split(",")[0] for line in file.read_text().splitlines()[1 : SIMULATED + 1]]
    prefix = names[0].rpartition("-")[0]
    assert await replay_twice(platform, file, SIMULATED, prefix) == sorted(names)
    # More than a page can hold, whatever size is asked for.
    pages = await platform.edge().pages("/api/v1/decisions", "decisions", page_size=1_000_000)
    assert {len(page) for page in pages[:-1]} == {1000}
    assert {row["transaction_id"] for page in pages for row in page} >= set(names)


async def test_the_handbooks_payments_are_each_decided_once(platform: Platform) -> None:
    file = os.environ.get("RAMPART_HANDBOOK")
    if not file:
        pytest.skip("RAMPART_HANDBOOK does not name a file of the Fraud Detection Handbook")
    await replay_twice(platform, Path(file), HANDBOOK, "steel-handbook", "--name", "steel-handbook")
