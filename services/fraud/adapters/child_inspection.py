"""Inspects files in a process of its own: nothing of them gets into this one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

from meshkit.errors import unavailable
from meshkit.tasks import TaskFailure
from services.fraud import errors
from services.fraud.adapters.child_process import told_by_child
from services.fraud.ports.models import InspectedUpload, InspectionOrder

__all__ = [
    "INSPECTION_SECONDS",
    "INSPECTOR",
    "ChildInspection",
    "inspection_order_from_json",
    "inspection_order_to_json",
]

INSPECTOR = (sys.executable, "-m", "services.fraud.app.inspection_process")
INSPECTION_SECONDS = 5.0
"""For the file, once the process is there."""
START_SECONDS = 4.0


class ChildInspection:
    """Implements `ModelInspector`. The process stores what it found; this one learns no more than its features."""

    def __init__(
        self,
        dsn: str,
        program: Sequence[str] = INSPECTOR,
        *,
        start_seconds: float = START_SECONDS,
        seconds: float = INSPECTION_SECONDS,
    ) -> None:
        self._dsn = dsn
        self._program = program
        self._start_seconds = start_seconds
        self._seconds = seconds

    async def inspect(self, order: InspectionOrder) -> InspectedUpload:
        asked = {"dsn": self._dsn, **inspection_order_to_json(order)}
        is_ready = False
        try:
            telling = told_by_child(self._program, asked)
            async with asyncio.timeout(self._start_seconds) as limit, aclosing(telling) as told:
                async for news in told:
                    if news.get("ready"):
                        is_ready = True
                        limit.reschedule(asyncio.get_running_loop().time() + self._seconds)
                        continue
                    return _found(news, order)
        except TimeoutError:
            if is_ready:
                raise errors.model_refused("too_slow", f"took more than {self._seconds:g} seconds to inspect") from None
            raise unavailable("inspection", "the process that inspects files did not start in time") from None
        except (TaskFailure, ValueError, LookupError, TypeError):
            # It fails, or tells what no process of ours would.
            if not is_ready:
                raise unavailable("inspection", "the process that inspects files did not start") from None
            raise errors.model_refused("not_runnable", "ended the process that inspected it") from None
        raise errors.model_refused("not_runnable", "ended the process that inspected it")


def _found(news: Mapping[str, Any], order: InspectionOrder) -> InspectedUpload:
    match news:
        case {"features": features, "takes_missing": takes_missing}:
            return InspectedUpload(tuple(features), takes_missing)
        case {"refused": reason, "words": words}:
            raise errors.model_refused(reason, words)
        case {"incomplete": size}:
            raise errors.upload_incomplete(size, order.size)
        case {"differs": True}:
            raise errors.upload_differs()
        case _:
            raise ValueError("nothing that can be understood")


def inspection_order_to_json(order: InspectionOrder) -> dict[str, Any]:
    return {
        "tenant_id": order.tenant_id,
        "name": order.name,
        "upload_id": str(order.upload_id),
        "size": order.size,
        "sha256": order.sha256,
        "format": order.format,
        "features": order.features,
    }


def inspection_order_from_json(read: Mapping[str, Any]) -> InspectionOrder:
    return InspectionOrder(
        tenant_id=read["tenant_id"],
        name=read["name"],
        upload_id=UUID(read["upload_id"]),
        size=read["size"],
        sha256=read["sha256"],
        format=read["format"],
        features=tuple(read["features"]),
    )
