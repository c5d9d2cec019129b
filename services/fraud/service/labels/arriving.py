"""Hands out labels in the order in which they arrived, between the decisions that came before and after them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from services.fraud.domain.backtests.arrived import ArrivedLabel
from services.fraud.ports.labels import LabelArrivals, PlacedLabel

__all__ = ["LabelQueue"]


class LabelQueue:
    """The labels of a period. Nothing is read of them unless they are asked for."""

    def __init__(self, labels: LabelArrivals) -> None:
        self._labels = labels
        self._pages: AsyncGenerator[Sequence[PlacedLabel], None] | None = None
        self._next: deque[PlacedLabel] = deque()

    @asynccontextmanager
    async def open(self, tenant_id: str, since: datetime, until: datetime, *, asked: bool) -> AsyncIterator[None]:
        """Lets labels be taken in the block. Raises MeshError UNAVAILABLE."""
        if not asked:
            yield
            return
        async with aclosing(self._labels.pages(tenant_id, since, until)) as self._pages:
            yield

    async def until(self, arrival: int) -> Sequence[ArrivedLabel]:
        """Takes the labels that arrived up to a place in the order. Raises MeshError UNAVAILABLE."""
        found: list[ArrivedLabel] = []
        while self._next or await self._more():
            if self._next[0].arrival > arrival:
                break
            found.append(self._next.popleft().label)
        return found

    async def _more(self) -> bool:
        if self._pages is None:
            return False
        page = await anext(self._pages, None)
        if page is None:
            self._pages = None
            return False
        self._next.extend(page)
        return True
