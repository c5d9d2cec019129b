"""Does backtests in processes of their own, which give way to everything that decides.

A child gets its order on its standard input and tells how far it is on its standard output, a JSON object a line. It
ends with its input: that is, with the process that started it, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
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

PROGRAM = (sys.executable, "-m", "services.fraud.app.backtest_process")
LARGEST_LINE = 1 << 20
END_SECONDS = 10.0
SILENCE_SECONDS = 300.0
"""A child that says nothing for so long is stuck: counting the decisions of a period takes the longest."""


class ChildBacktests:
    """Implements `BacktestRunner`. `dsn` is the database of the role that serves within the tenants of a call."""

    def __init__(self, dsn: str, program: Sequence[str] = PROGRAM) -> None:
        self._dsn = dsn
        self._program = program

    async def run(self, order: BacktestOrder) -> AsyncGenerator[BacktestNews, None]:
        child = await asyncio.to_thread(_started, self._program)
        try:
            told = await _reading(child)
            await asyncio.to_thread(_order, child, {"dsn": self._dsn, **order_to_json(order)})
            while line := await _line(told):
                news = json.loads(line)
                if _check(news):
                    return
                yield BacktestNews(news["done"], news["total"], news["message"], news["stored"])
            raise TaskFailure("ProcessEnded", "the process ended before its work")
        finally:
            child.kill()
            # Shielded, for whoever is cancelled again meanwhile would leave a process that nobody waits for.
            await asyncio.shield(asyncio.to_thread(_end, child))


def _started(program: Sequence[str]) -> subprocess.Popen[bytes]:
    # Not by the event loop, which forks: gRPC's handlers of forks break down in a process that is busy with calls.
    # This starts a process without running them, and without a copy of this one's tables of memory.
    # A session of its own, so that it can give way to this one.
    pipe = subprocess.PIPE
    return subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=sys.stderr, bufsize=0, start_new_session=True)


def _order(child: subprocess.Popen[bytes], order: Mapping[str, Any]) -> None:
    """Writes the order; its end stays open, for the child ends with it."""
    assert child.stdin is not None
    left = memoryview(json.dumps(order).encode() + b"\n")
    with contextlib.suppress(BrokenPipeError):
        while left:
            left = left[child.stdin.write(left) :]


async def _reading(child: subprocess.Popen[bytes]) -> asyncio.StreamReader:
    told = asyncio.StreamReader(LARGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), child.stdout)
    return told


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


def _end(child: subprocess.Popen[bytes]) -> None:
    """Waits for a child that was killed: it has nothing to lose that is not stored."""
    assert child.stdin is not None
    child.stdin.close()
    child.wait(END_SECONDS)


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
