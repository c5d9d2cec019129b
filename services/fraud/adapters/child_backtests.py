"""Does backtests in processes of their own, which give way to everything that decides.

A child gets its order on its standard input and tells how far it is on its standard output, a JSON object a line. It
ends with its input: that is, with the process that started it, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any

from meshkit.errors import unavailable
from meshkit.tasks import TaskFailure
from services.fraud.domain.backtests.backtest import BacktestValues
from services.fraud.domain.scenarios.file import content_of, file_of
from services.fraud.domain.scenarios.scenario import ScenarioVersion
from services.fraud.ports.backtests import BacktestNews, BacktestOrder

__all__ = ["ChildBacktests", "order_from_json", "order_to_json"]

_log = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-m", "services.fraud.app.backtest_process")
LARGEST_LINE = 1 << 20
END_SECONDS = 2.0
SILENCE_SECONDS = 300.0
"""A child that says nothing for so long is stuck: counting the decisions of a period takes the longest."""


class ChildBacktests:
    """Implements `BacktestRunner`. `dsn` is the database of the role that serves within the tenants of a call."""

    def __init__(self, dsn: str, program: Sequence[str] = PROGRAM) -> None:
        self._dsn = dsn
        self._program = program

    async def run(self, order: BacktestOrder) -> AsyncGenerator[BacktestNews, None]:
        child = await asyncio.create_subprocess_exec(
            *self._program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LARGEST_LINE,
        )
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(json.dumps({"dsn": self._dsn, **order_to_json(order)}).encode() + b"\n")
            ended = False
            while line := await _line(child.stdout):
                told = json.loads(line)
                ended = _check(told)
                if not ended:
                    yield BacktestNews(told["done"], told["total"], told["message"], told["stored"])
            if not ended:
                raise TaskFailure("ProcessEnded", f"the process ended with status {await _ended(child)}")
        finally:
            await _end(child)


async def _line(told: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return await told.readline()
    except TimeoutError:
        raise TaskFailure("ProcessStuck", "the process has told nothing for too long") from None


def _check(told: Mapping[str, Any]) -> bool:
    """Tells whether this is the last line, of a backtest that succeeded. Raises what the child could not do."""
    match told.get("end"):
        case None:
            return False
        case "done":
            return True
        case "unavailable":
            raise unavailable("postgres")
        case _:
            raise TaskFailure(told["type"], told["message"], retryable=told["retryable"])


async def _ended(child: asyncio.subprocess.Process) -> int | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            return await child.wait()
    return None


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ends a child that has not: it has nothing to lose that is not stored."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
    # Shielded, for whoever is cancelled again while it waits would leave a process that nobody waits for.
    await asyncio.shield(child.wait())


def order_to_json(order: BacktestOrder) -> dict[str, Any]:
    version = order.version
    return {
        "tenant_id": order.tenant_id,
        "backtest_id": order.backtest_id,
        "token": order.token,
        "since": order.since.isoformat(),
        "until": order.until.isoformat(),
        "values": order.values.value,
        "review_without": sorted(order.review_without),
        "version": {
            "scenario_id": version.scenario_id,
            "number": version.number,
            "content": file_of(version.content),
            "trees": version.trees,
            "created_at": version.created_at.isoformat(),
        },
    }


def order_from_json(read: Mapping[str, Any]) -> BacktestOrder:
    version = read["version"]
    return BacktestOrder(
        tenant_id=read["tenant_id"],
        backtest_id=read["backtest_id"],
        token=read["token"],
        since=datetime.fromisoformat(read["since"]),
        until=datetime.fromisoformat(read["until"]),
        values=BacktestValues(read["values"]),
        review_without=frozenset(read["review_without"]),
        version=ScenarioVersion(
            scenario_id=version["scenario_id"],
            number=version["number"],
            content=content_of(version["content"]),
            note="",
            authors=frozenset(),
            trees=tuple(version["trees"]),
            created_at=datetime.fromisoformat(version["created_at"]),
        ),
    )
