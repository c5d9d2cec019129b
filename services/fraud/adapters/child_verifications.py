"""Does verifications in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from services.fraud.adapters.child_process import told_by_child
from services.fraud.domain.verification.recorded import Cause, ValueDifference
from services.fraud.ports.verification import (
    VerificationNews,
    VerificationOrder,
    VerificationProgress,
    VerificationSummary,
)

__all__ = ["ChildVerifications", "news_from_json", "news_to_json", "order_from_json", "order_to_json"]

PROGRAM = (sys.executable, "-m", "services.fraud.app.verify_process")


class ChildVerifications:
    """Implements `VerificationRunner`. `dsn` is that of the role that serves within the tenants of a call."""

    def __init__(self, dsn: str, redis_url: str, program: Sequence[str] = PROGRAM) -> None:
        self._stores = {"dsn": dsn, "redis_url": redis_url}
        self._program = program

    async def run(self, order: VerificationOrder) -> AsyncGenerator[VerificationNews, None]:
        async with aclosing(told_by_child(self._program, {**self._stores, **order_to_json(order)})) as told:
            async for news in told:
                yield news_from_json(news)


def order_to_json(order: VerificationOrder) -> dict[str, Any]:
    return {
        "tenant_id": order.tenant_id,
        "since": order.since.isoformat(),
        "until": order.until.isoformat(),
        "features": list(order.features),
        "kept_days": order.kept_days,
    }


def order_from_json(read: Mapping[str, Any]) -> VerificationOrder:
    return VerificationOrder(
        tenant_id=read["tenant_id"],
        since=datetime.fromisoformat(read["since"]),
        until=datetime.fromisoformat(read["until"]),
        features=tuple(read["features"]),
        kept_days=read["kept_days"],
    )


def news_to_json(news: VerificationNews) -> dict[str, Any]:
    if isinstance(news, VerificationProgress):
        return {"news": "progress", **news._asdict()}
    if isinstance(news, ValueDifference):
        told = {"event_time": news.event_time.isoformat(), "cause": news.cause.value}
        return {"news": "difference", **news._asdict(), **told}
    return {
        "news": "summary",
        "decisions": news.decisions,
        "skipped": news.skipped,
        "values": news.values,
        "different": news.different,
        "causes": news.causes,
        "unlisted": news.unlisted,
    }


def news_from_json(read: Mapping[str, Any]) -> VerificationNews:
    kind, told = read["news"], {name: value for name, value in read.items() if name != "news"}
    if kind == "progress":
        return VerificationProgress(**told)
    if kind == "difference":
        when = datetime.fromisoformat(told.pop("event_time"))
        return ValueDifference(**{**told, "event_time": when, "cause": Cause(told["cause"])})
    return VerificationSummary(**told)
