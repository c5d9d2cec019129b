"""Does reports of quality in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from services.fraud.adapters.child_process import told_by_child
from services.fraud.domain.quality.question import question_from_json, question_to_json
from services.fraud.ports.quality import QualityNews, QualityOrder

__all__ = ["REPORTER", "ChildQuality", "quality_order_from_json", "quality_order_to_json"]

REPORTER = (sys.executable, "-m", "services.fraud.app.quality_process")


class ChildQuality:
    """Implements `QualityRunner`. `dsn` is the database of the role that serves within the tenants of a call."""

    def __init__(self, dsn: str, program: Sequence[str] = REPORTER) -> None:
        self._dsn = dsn
        self._program = program

    async def run(self, order: QualityOrder) -> AsyncGenerator[QualityNews, None]:
        telling = told_by_child(self._program, {"dsn": self._dsn, **quality_order_to_json(order)})
        async with aclosing(telling) as told:
            async for news in told:
                yield QualityNews(news["done"], news["total"], news["message"])


def quality_order_to_json(order: QualityOrder) -> dict[str, Any]:
    return {
        "tenant_id": order.tenant_id,
        "report_id": order.report_id,
        "token": order.token,
        "question": question_to_json(order.question),
    }


def quality_order_from_json(read: Mapping[str, Any]) -> QualityOrder:
    return QualityOrder(
        tenant_id=read["tenant_id"],
        report_id=read["report_id"],
        token=read["token"],
        question=question_from_json(read["question"]),
    )
