"""A worker process of the chaos tests: each task has a few steps, each step one effect under the fencing token."""

from __future__ import annotations

import asyncio
import os
import signal

import asyncpg

from meshkit.rpc.channel import open_channel
from meshkit.settings import Reader, TlsFiles
from meshkit.tasks import LeasedTask, Result, Worker, task_policies

STEPS = int(os.environ.get("CHAOS_STEPS", "3"))
STEP_SECONDS = float(os.environ.get("CHAOS_STEP_SECONDS", "0"))

# One statement: a step follows the one before, once, and only for the newest token that the row has seen.
_APPLY = """
INSERT INTO effects AS e (task_id, token, step, applied) SELECT $1, $2, 1, 1 WHERE $3 = 1
ON CONFLICT (task_id) DO UPDATE SET
    token = greatest(e.token, excluded.token),
    applied = e.applied + CASE WHEN e.step = $3 - 1 AND e.token <= $2 THEN 1 ELSE 0 END,
    step = CASE WHEN e.step = $3 - 1 AND e.token <= $2 THEN $3 ELSE e.step END,
    refused = e.refused + CASE WHEN e.token > $2 THEN 1 ELSE 0 END
RETURNING token"""
_FOLLOW = """
UPDATE effects AS e SET
    token = greatest(e.token, $2),
    applied = e.applied + CASE WHEN e.step = $3 - 1 AND e.token <= $2 THEN 1 ELSE 0 END,
    step = CASE WHEN e.step = $3 - 1 AND e.token <= $2 THEN $3 ELSE e.step END,
    refused = e.refused + CASE WHEN e.token > $2 THEN 1 ELSE 0 END
WHERE task_id = $1 RETURNING token"""


async def main() -> None:
    pool = await asyncpg.create_pool(os.environ["CHAOS_EFFECTS"], min_size=1, max_size=8)

    async def handler(task: LeasedTask) -> Result:
        begun = int(task.resumed["step"]) if task.resumed else 0
        for step in range(begun + 1, STEPS + 1):
            await pool.fetchval(_APPLY if step == 1 else _FOLLOW, task.task_id, task.token, step)
            task.progress(step, STEPS)
            await asyncio.sleep(STEP_SECONDS)
            await task.checkpoint({"step": step})
        return {"steps": STEPS, "token": task.token}

    reader = Reader(os.environ)
    channel = open_channel(os.environ["CHAOS_ADDRESS"], TlsFiles.read(reader), task_policies())
    worker = Worker(
        channel,
        {os.environ["CHAOS_KIND"]: handler},
        lease_seconds=int(os.environ.get("CHAOS_LEASE", "3")),
        concurrency=int(os.environ.get("CHAOS_CONCURRENCY", "16")),
    )
    running = asyncio.create_task(worker.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        await channel.close()


if __name__ == "__main__":
    asyncio.run(main())
