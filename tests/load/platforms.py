"""The platforms that take part: what a round needs of each, and Rampart itself."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import asyncpg
from prometheus_client.parser import text_string_to_metric_families

from console.http import HttpClient
from console.target import AccessTokens
from console.target import Target as Login
from console.up.stack import Stack
from tests.load.workload import Target

__all__ = ["Batches", "Ledger", "Platform", "Rampart"]

LEDGER_SECONDS = 20.0
POLL_SECONDS = 0.1
COUNT_SECONDS = 10.0


@dataclass(frozen=True)
class Ledger:
    """How far what follows the decisions had come when the load stopped."""

    decisions: int
    behind: int
    """Decisions that were not in the ledger yet."""
    seconds: float | None
    """Until none was missing; None if that took longer than the wait."""


Batches = dict[str, tuple[float, float]]
"""Calls and batches so far, by what is coalesced."""


class Platform(Protocol):
    """One way to answer what is measured: fraud checks, or tasks."""

    name: str

    async def start(self) -> None:
        """Starts everything; returns when it answers."""

    async def stop(self) -> None:
        """Ends every process that `start` began."""

    async def target(self) -> Target:
        """Returns where and as whom to load it."""

    def pids(self) -> Mapping[str, int]:
        """Returns its processes by name, each the root of its descendants."""

    async def stored(self) -> int:
        """Returns how many rows are stored of those that the load makes."""

    async def settle(self) -> Ledger | None:
        """Waits, bounded, until what follows the decisions has caught up; None if nothing does."""

    async def batches(self) -> Batches:
        """Returns what has been coalesced so far."""


class Rampart:
    """This platform, started from its checkout in a state folder of its own."""

    def __init__(
        self,
        name: str,
        home: Path,
        *,
        coalesce: bool,
        gateway_workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._home = home
        # Settings of the person who runs the benchmark must not change what is measured.
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("RAMPART_", "OTEL_"))}
        self._environment = inherited | {
            "RAMPART_COALESCE": "on" if coalesce else "off",
            "RAMPART_GATEWAY_WORKERS": str(gateway_workers),
            # Its start would fall into what is measured.
            "RAMPART_STANDBY": "off",
            **(settings or {}),
        }
        self._stack: Stack | None = None

    @property
    def dev(self) -> dict[str, Any]:
        """What its dev.json says."""
        assert self._stack is not None
        return self._stack.dev

    async def start(self) -> None:
        self._stack = Stack(self._home, environment=self._environment)
        await self._stack.start()

    async def stop(self) -> None:
        if self._stack is not None:
            await self._stack.stop()

    async def target(self) -> Target:
        client = self.dev["client"]
        source = AccessTokens(
            Login(self.dev["base_url"], self.dev["token_url"], client["client_id"], client["client_secret"])
        )
        try:
            return Target(self.dev["base_url"], await source.token())
        finally:
            source.close()

    def pids(self) -> Mapping[str, int]:
        # The gateway's workers are its descendants; the supervisor is this process.
        return {name: pid for name, pid in self.dev["pids"].items() if name != "supervisor" and "-" not in name}

    async def stored(self) -> int:
        return await count_rows(self.dev["dsn"]["fraud"], "decisions")

    async def settle(self) -> Ledger | None:
        begun = time.monotonic()
        decisions = await self.stored()
        entered = first = await count_rows(self.dev["dsn"]["data"], "transactions")
        while entered < decisions and time.monotonic() - begun < LEDGER_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            entered = await count_rows(self.dev["dsn"]["data"], "transactions")
        seconds = round(time.monotonic() - begun, 2) if entered >= decisions else None
        return Ledger(decisions, max(0, decisions - first), seconds)

    async def batches(self) -> Batches:
        found: Batches = {}
        for process, address in self.dev["admin"].items():
            client = HttpClient(f"http://{address}", connections=1)
            answer = await client.request("GET", "/metrics")
            client.close()
            found |= {f"{process}: {name}": sums for name, sums in _batches(answer.body.decode()).items()}
        return found


def _batches(exposition: str) -> Batches:
    values: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            values[sample.name, sample.labels.get("name", "")] = sample.value
    names = [name for metric, name in values if metric == "coalesce_batch_items_sum"]
    return {
        name: (values["coalesce_batch_items_sum", name], values["coalesce_batch_items_count", name]) for name in names
    }


async def count_rows(dsn: str, table: str) -> int:
    """Returns the number of rows. `table` is a name of our own."""
    connection = await asyncpg.connect(dsn, timeout=COUNT_SECONDS, command_timeout=COUNT_SECONDS)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await connection.close(timeout=COUNT_SECONDS)
