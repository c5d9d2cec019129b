"""A replay goes on while the service that decides is killed under it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.steelthread.edge import Edge
from tests.steelthread.platform import Platform, eventually
from tests.steelthread.test_when_killed import RECOVERY_SECONDS, is_whole

COUNT = 1500


async def stored(platform: Platform, service: str, table: str, prefix: str) -> list[str]:
    query = f"SELECT transaction_id FROM {table} WHERE starts_with(transaction_id, $1)"
    return sorted(row[0] for row in await platform.rows(service, query, prefix))


async def test_a_replay_decides_each_payment_once_though_the_fraud_service_is_killed(
    platform: Platform, edge: Edge, tmp_path: Path
) -> None:
    file = tmp_path / "interrupted.csv"
    status, output = await platform.rampart("simulate", "--customers", "200", "--days", "6", "-o", str(file))
    assert status == 0, output
    names = [line.split(",")[0] for line in file.read_text().splitlines()[1 : COUNT + 1]]
    prefix = names[0].rpartition("-")[0]
    assert await stored(platform, "fraud", "decisions", prefix) == [], "no other test replays them"
    home, limit = str(platform.home), str(COUNT)
    replay = asyncio.create_task(
        platform.rampart("replay", str(file), "--home", home, "--limit", limit, "--rate", "400", seconds=120)
    )
    for _ in range(2):
        await asyncio.sleep(1.5)
        assert not replay.done()
        platform.kill_all("fraud")
    status, output = await replay
    assert status == 0, output
    assert await stored(platform, "fraud", "decisions", prefix) == sorted(names)

    async def followed() -> bool:
        return await stored(platform, "data", "transactions", prefix) == sorted(names)

    await eventually(followed, 10)

    async def whole() -> bool:
        return await is_whole(edge)

    await eventually(whole, RECOVERY_SECONDS)
