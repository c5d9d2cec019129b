"""Does backtests in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from services.fraud.adapters.child_process import told_by_child
from services.fraud.domain.backtests.backtest import BacktestValues
from services.fraud.domain.scenarios.file import content_of, file_of
from services.fraud.domain.scenarios.scenario import ScenarioVersion
from services.fraud.ports.backtests import BacktestNews, BacktestOrder

__all__ = ["ChildBacktests", "order_from_json", "order_to_json"]

PROGRAM = (sys.executable, "-m", "services.fraud.app.backtest_process")


class ChildBacktests:
    """Implements `BacktestRunner`. `dsn` is the database of the role that serves within the tenants of a call."""

    def __init__(self, dsn: str, program: Sequence[str] = PROGRAM) -> None:
        self._dsn = dsn
        self._program = program

    async def run(self, order: BacktestOrder) -> AsyncGenerator[BacktestNews, None]:
        telling = told_by_child(self._program, {"dsn": self._dsn, **order_to_json(order)})
        async with aclosing(telling) as told:
            async for news in told:
                yield BacktestNews(news["done"], news["total"], news["message"], news["stored"])


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
