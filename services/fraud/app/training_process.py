"""`python -m services.fraud.app.training_process` does one attempt at training: see `adapters/child_training.py`."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from meshkit.storage import postgres
from meshkit.tasks import TaskFailure
from services.fraud.adapters.child_training import training_order_from_json
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_labelled import PostgresLabelledDecisions
from services.fraud.adapters.postgres_models import PostgresTrainingAttempts
from services.fraud.app.child import cost, do_order, limit_resources, open_store, tell
from services.fraud.app.former_sets import former_sets
from services.fraud.domain.scoring.settings import TrainingSettings
from services.fraud.domain.scoring.version import ModelOutcome
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.failures import (
    CalibrationError,
    ConversionError,
    ModelParameterError,
    TrainingCancelledError,
    TrainingTableError,
)
from services.fraud.models.making import make_model
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.splits import TimeSplit
from services.fraud.models.table_rows import TableCounts, TableRows, counted, split_of
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.training import MadeModel, TrainingNews, TrainingOrder
from services.fraud.service.models.collecting import TrainingCollector
from services.fraud.service.tenants.configuration import compiled

__all__ = ["main"]

_log = logging.getLogger(__name__)

GROWING = "growing trees"
TELL_SECONDS = 0.2
GRACE_SECONDS = 60
"""Of processor time, in which a training that has taken too much says so."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REFUSALS = TrainingTableError, CalibrationError, ConversionError, ModelParameterError


def main() -> None:
    """Reads an order from the standard input, and ends with it."""
    do_order(_main)


async def _main(read: Mapping[str, Any]) -> None:
    limits = read["limits"]
    limit_resources(memory_mb=limits["memory_mb"], cpu_seconds=limits["cpu_seconds"] + GRACE_SECONDS)
    try:
        await _run(read["dsn"], training_order_from_json(read), limits["cpu_seconds"])
    except SupersededError:
        raise TaskFailure("Superseded", "another attempt has begun") from None
    except MemoryError:
        words = "the rows and features need more memory than a training may take: choose fewer"
        raise TaskFailure("OutOfMemory", words, retryable=False) from None


async def _run(dsn: str, order: TrainingOrder, cpu_seconds: int) -> None:
    place = order.tenant_id, order.ref, order.token
    async with open_store(dsn) as pool:
        attempts = PostgresTrainingAttempts(pool)
        if not await attempts.begin(*place):
            return
        rows = TableRows(order.settings.features)
        unreadable = await _collect(pool, order, rows)
        made = await asyncio.to_thread(_learn, order.settings, rows, unreadable, cpu_seconds)
        await attempts.finish(*place, made)
    fields = {"model": str(order.ref), "rows": made.outcome.learned_rows, **cost()}
    _log.info("an attempt at training has ended", extra={"fields": fields})


async def _collect(pool: postgres.Pool, order: TrainingOrder, rows: TableRows) -> int:
    """Collects the rows, and returns how many decisions could not be read."""
    declarations = await PostgresDeclarations(pool).read(order.tenant_id)
    reader = compiled(declarations, compile_pattern).readers.get(order.event_type)
    if reader is None:
        raise TaskFailure("NoEventType", "the tenant has no such event type any more", retryable=False)
    collector = TrainingCollector(
        order,
        rows=PostgresLabelledDecisions(pool),
        sink=rows,
        event_type=reader.event_type,
        sets=await former_sets(pool, order.tenant_id, declarations.features.current.number),
        now=datetime.now(UTC),
    )
    async with aclosing(collector.run()) as news:
        async for each in news:
            tell(asdict(each))
    return collector.unreadable


def _learn(settings: TrainingSettings, rows: TableRows, unreadable: int, cpu_seconds: int) -> MadeModel:
    """Makes the model, in a thread: the process goes on to notice when its input ends."""
    table, split = rows.table(), _split(settings)
    try:
        parameters = TrainingParameters.from_dict(dict(settings.parameters))
        artifact = make_model(table, split, parameters, progress=_progress(cpu_seconds))
    except TrainingCancelledError:
        words = f"the training takes more than {cpu_seconds:,} seconds of processor time: choose fewer rows or trees"
        raise TaskFailure("TooLong", words, retryable=False) from None
    except _REFUSALS as error:
        raise TaskFailure("NotTrainable", str(error), retryable=False) from error
    return _made(artifact, counted(table, split), unreadable)


def _progress(cpu_seconds: int) -> Callable[[int, int], bool]:
    told_at = 0.0

    def progress(done: int, total: int) -> bool:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= TELL_SECONDS or done == total:
            told_at = now
            tell(asdict(TrainingNews(done, total, GROWING)))
        return time.process_time() < cpu_seconds

    return progress


def _split(settings: TrainingSettings) -> TimeSplit:
    borders = settings.since, settings.learned_until, settings.validation_since, settings.test_since, settings.until
    return split_of(*((each - _EPOCH) // timedelta(milliseconds=1) for each in borders))


def _made(artifact: ModelArtifact, counts: TableCounts, unreadable: int) -> MadeModel:
    outcome = ModelOutcome(
        features=artifact.signature.features,
        fingerprint=artifact.fingerprint(),
        libraries=artifact.libraries,
        data_fingerprint=artifact.data_fingerprint,
        learned_rows=counts.rows,
        learned_frauds=counts.frauds,
        unreadable=unreadable,
        evaluation=artifact.evaluation.to_dict() if artifact.evaluation else None,
        validation=artifact.validation.to_dict() if artifact.validation else None,
        onnx_bytes=len(artifact.onnx),
    )
    described = json.dumps(artifact.described(), allow_nan=False)
    return MadeModel(outcome=outcome, described=described, onnx=artifact.onnx, booster=artifact.booster)


if __name__ == "__main__":
    main()
