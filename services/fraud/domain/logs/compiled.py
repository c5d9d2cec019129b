"""What is derived from a plan once, for all folds of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.records import RecordLayout
from services.fraud.domain.logs.readers import Reader, stream_readers, table_readers
from services.fraud.domain.logs.stream_plan import StreamPlan, plan_streams
from services.fraud.domain.logs.table import TablePlan

__all__ = ["CompiledPlan", "compile_plan"]

PLANS = 8_192
"""Whose readers are kept."""


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """The layout of the records, the streams they go into, and the readers of each event type."""

    layout: RecordLayout
    table: TablePlan
    streams: Sequence[StreamPlan]
    of_table: Sequence[Reader]
    of_streams: Sequence[Reader]


@lru_cache(maxsize=PLANS)
def compile_plan(plan: KindPlan) -> CompiledPlan:
    streams = plan_streams(plan)
    table = TablePlan(plan, streams)
    of_table, of_streams = table_readers(plan, streams, table), stream_readers(plan, streams)
    return CompiledPlan(RecordLayout(plan), table, streams, of_table, of_streams)
