"""What is derived from a plan once, for all folds of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import RecordLayout
from services.fraud.domain.logs.readers import Reader, readers_of
from services.fraud.domain.logs.stream_plan import StreamPlan, plan_streams

__all__ = ["CompiledPlan", "compile_plan"]

PLANS = 8_192
"""Whose readers are kept."""


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """The layout of the records, the streams they go into, and the readers of each event type."""

    layout: RecordLayout
    streams: Sequence[StreamPlan]
    routes: Mapping[int, Sequence[tuple[int, StreamPlan]]]
    """By the index of the event type: the streams that may have its records, with their numbers."""
    readers: Sequence[Reader]

    def number(self, origin: StreamPlan) -> int:
        """The number of the stream with these records."""
        return [each.origin for each in self.streams].index(origin)


@lru_cache(maxsize=PLANS)
def compile_plan(plan: KindPlan) -> CompiledPlan:
    streams = plan_streams(plan)
    # A log may have records of types that were among the readers once: they are in no stream.
    routes = {
        event_type: [(number, stream) for number, stream in enumerate(streams) if event_type in stream.types]
        for event_type in range(len(plan.types))
    }
    return CompiledPlan(RecordLayout(plan), streams, routes, readers_of(plan))
