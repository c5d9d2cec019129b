"""Trains in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from services.fraud.adapters.child_process import told_by_child
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.domain.scoring.settings import settings_from_json, settings_to_json
from services.fraud.ports.training import TrainingNews, TrainingOrder

__all__ = ["TRAINER", "ChildTraining", "TrainingLimits", "training_order_from_json", "training_order_to_json"]

TRAINER = (sys.executable, "-m", "services.fraud.app.training_process")


class TrainingLimits(NamedTuple):
    """What a process may take."""

    memory_mb: int
    cpu_seconds: int


class ChildTraining:
    """Implements `TrainingRunner`. `dsn` is the database of the role that serves within the tenants of a call."""

    def __init__(self, dsn: str, limits: TrainingLimits, program: Sequence[str] = TRAINER) -> None:
        self._dsn = dsn
        self._limits = limits
        self._program = program

    async def run(self, order: TrainingOrder) -> AsyncGenerator[TrainingNews, None]:
        asked = {"dsn": self._dsn, "limits": self._limits._asdict(), **training_order_to_json(order)}
        async with aclosing(told_by_child(self._program, asked)) as told:
            async for news in told:
                yield TrainingNews(news["done"], news["total"], news["message"])


def training_order_to_json(order: TrainingOrder) -> dict[str, Any]:
    return {
        "tenant_id": order.tenant_id,
        "name": order.ref.name,
        "number": order.ref.number,
        "event_type": order.event_type,
        "token": order.token,
        "settings": settings_to_json(order.settings),
    }


def training_order_from_json(read: Mapping[str, Any]) -> TrainingOrder:
    return TrainingOrder(
        tenant_id=read["tenant_id"],
        ref=ModelRef(read["name"], read["number"]),
        event_type=read["event_type"],
        token=read["token"],
        settings=settings_from_json(read["settings"]),
    )
