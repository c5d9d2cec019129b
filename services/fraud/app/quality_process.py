"""`python -m services.fraud.app.quality_process` does one attempt at a report: see `adapters/child_quality.py`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from meshkit.storage import postgres
from meshkit.tasks import TaskFailure
from services.fraud.adapters.child_quality import quality_order_from_json
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_labelled import PostgresLabelledDecisions
from services.fraud.adapters.postgres_quality import PostgresQualityAttempts
from services.fraud.app.child import cost, do_order, limit_resources, open_store, tell
from services.fraud.app.former_sets import former_sets
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.models.score_quality import ScoreTable
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.quality import QualityOrder
from services.fraud.service.quality.grouping import Grouping
from services.fraud.service.quality.run import QualityRun
from services.fraud.service.tenants.configuration import compiled

__all__ = ["main"]

_log = logging.getLogger(__name__)

MEMORY_MB = 640
"""Two million decisions take half of it."""
CPU_SECONDS = 3_600


def main() -> None:
    """Reads an order from the standard input, and ends with it."""
    do_order(_main)


async def _main(read: Mapping[str, Any]) -> None:
    limit_resources(memory_mb=MEMORY_MB, cpu_seconds=CPU_SECONDS)
    try:
        await _run(read["dsn"], quality_order_from_json(read))
    except SupersededError:
        raise TaskFailure("Superseded", "another attempt has begun, or the report was deleted") from None
    except MemoryError:
        words = "the decisions need more memory than a report may take: choose a shorter period"
        raise TaskFailure("OutOfMemory", words, retryable=False) from None


async def _run(dsn: str, order: QualityOrder) -> None:
    done = 0
    async with open_store(dsn) as pool:
        run = QualityRun(
            order,
            decisions=PostgresLabelledDecisions(pool),
            attempts=PostgresQualityAttempts(pool),
            grouping=await _grouping(pool, order),
            scores=ScoreTable(order.question.review_capacity),
        )
        async with aclosing(run.run()) as news:
            async for each in news:
                done = each.done
                tell(asdict(each))
    fields = {"report_id": order.report_id, "decisions": done, **cost()}
    _log.info("an attempt at a report has ended", extra={"fields": fields})


async def _grouping(pool: postgres.Pool, order: QualityOrder) -> Grouping:
    declarations = await PostgresDeclarations(pool).read(order.tenant_id)
    reader = compiled(declarations, compile_pattern).readers.get(order.question.event_type)
    if reader is None:
        raise TaskFailure("NoEventType", "the tenant has no such event type any more", retryable=False)
    sets = await former_sets(pool, order.tenant_id, declarations.features.current.number)
    return Grouping(order.question.names, reader.event_type, sets)


if __name__ == "__main__":
    main()
