"""Puts histories back into the logs in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from meshkit.tasks import TaskFailure
from services.fraud.adapters.child_process import told_by_child
from services.fraud.ports import FeatureHead, LogProof, LogsUnavailableError
from services.fraud.ports.restoring import RestoreOrder

__all__ = ["ChildRestorer", "restore_order_from_json", "restore_order_to_json"]

PROGRAM = (sys.executable, "-m", "services.fraud.app.restore_process")


class ChildRestorer:
    """Implements `LogRestorer`. `dsn` is that of the role that serves within the tenants of a call."""

    def __init__(self, dsn: str, redis_url: str, program: Sequence[str] = PROGRAM) -> None:
        self._stores = {"dsn": dsn, "redis_url": redis_url}
        self._program = program

    async def restore(self, order: RestoreOrder) -> AsyncGenerator[int, None]:
        try:
            told = told_by_child(self._program, {**self._stores, **restore_order_to_json(order)})
            async with aclosing(told):
                async for news in told:
                    yield news["events"]
        except TaskFailure as failure:
            raise LogsUnavailableError(f"a history is not put back: {failure.message}") from failure


def restore_order_to_json(order: RestoreOrder) -> dict[str, Any]:
    since = {schema: when.isoformat() for schema, when in order.since.items()}
    return {**order._asdict(), "since": since}


def restore_order_from_json(read: Mapping[str, Any]) -> RestoreOrder:
    return RestoreOrder(
        tenant_id=read["tenant_id"],
        head=FeatureHead(*read["head"]),
        since={schema: datetime.fromisoformat(when) for schema, when in read["since"].items()},
        proof=LogProof(*read["proof"]),
    )
