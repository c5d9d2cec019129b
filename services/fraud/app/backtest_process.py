"""`python -m services.fraud.app.backtest_process` does one attempt at a backtest: see `adapters/child_backtests.py`."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import re
import sys
import time
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from meshkit.errors import MeshError
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from meshkit.tasks import TaskFailure
from meshkit.telemetry import logs
from services.fraud.adapters.child_backtests import order_from_json
from services.fraud.adapters.postgres_backtests import PostgresCheckpoints
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_list_contents import PostgresListContents
from services.fraud.adapters.postgres_past import PostgresPast
from services.fraud.domain.backtests.past import BUILT_IN_SETS
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports.backtests import BacktestOrder, SupersededError
from services.fraud.service.backtest_run import BacktestRun
from services.fraud.service.configuration import Configuration, compiled
from services.fraud.service.feature_sets import SETS, DeclaredSets
from services.fraud.service.rejudging import Rejudge
from services.fraud.service.value_lists.catalog import ListCatalog

__all__ = ["main"]

_log = logging.getLogger(__name__)

NICE = 19
AUTOGROUP = Path("/proc/self/autogroup")
"""Where Linux groups processes by session, how nice one is counts within its group alone: the group is to be, too."""
STATEMENT_SECONDS = 120.0
STATUS = Path("/proc/self/status")
ORPHANED = 3
COLLECTOR_THRESHOLDS = 20_000, 50, 100


def main() -> None:
    """Reads an order from the standard input, and ends with it."""
    _give_way()
    logs.configure("fraud", os.environ.get("RAMPART_LOG_LEVEL", "INFO").upper())
    order = sys.stdin.buffer.readline()
    # What is there now stays; what comes goes again page by page, and is not looked through each time.
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    if order:
        uvloop.run(_main(json.loads(order)))


def _give_way() -> None:
    """Leaves the processors to everything that decides: this process gets what time is left."""
    os.nice(NICE)
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError):
        AUTOGROUP.write_text(str(NICE))


async def _main(read: Mapping[str, Any]) -> None:
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _end_with_input)
    try:
        await _run(read["dsn"], order_from_json(read))
    except TaskFailure as failure:
        told = {"end": "failed", "type": failure.type, "message": failure.message, "retryable": failure.retryable}
    except SupersededError:
        told = {"end": "failed", "type": "Superseded", "message": "another attempt has begun", "retryable": True}
    except MeshError as error:
        _log.warning("a backtest is tried again: %s", error.message)
        told = {"end": "unavailable"}
    except Exception as error:
        _log.exception("a backtest failed unexpectedly")
        words = "the process failed; its log says why"
        told = {"end": "failed", "type": type(error).__name__, "message": words, "retryable": True}
    else:
        told = {"end": "done"}
    _tell(told)


async def _run(dsn: str, order: BacktestOrder) -> None:
    async with postgres.pool(dsn, size=3, seconds=STATEMENT_SECONDS) as pool:
        declarations = await PostgresDeclarations(pool).read(order.tenant_id)
        configuration = compiled(declarations, compile_pattern)
        run = BacktestRun(
            order,
            past=PostgresPast(pool),
            checkpoints=PostgresCheckpoints(pool),
            rejudge=await _rejudge(pool, order, configuration),
            features=configuration.features.set,
            sets=await _sets(pool, order.tenant_id, declarations.features.current.number),
        )
        done = 0
        async with aclosing(run.run()) as news:
            async for each in news:
                done = each.done
                _tell(asdict(each))
    cost = {"cpu_seconds": round(time.process_time(), 2), "peak_kb": _peak_kb()}
    fields = {"backtest_id": order.backtest_id, "decisions": done, **cost}
    _log.info("an attempt at a backtest has ended", extra={"fields": fields})


async def _sets(pool: postgres.Pool, tenant_id: str, newest: int) -> Mapping[str, FeatureSet]:
    """Returns the sets that stored values may be of: those of all tenants, and the last ones of this."""
    reads = Reads(pool)
    declared = DeclaredSets(PostgresFeatures(reads), PostgresEventTypes(reads))
    found = dict(BUILT_IN_SETS)
    for number in range(max(1, newest - SETS + 1), newest + 1):
        features = await declared.version(tenant_id, f"t{number}")
        if features is not None:
            found[features.version] = features
    return found


async def _rejudge(pool: postgres.Pool, order: BacktestOrder, configuration: Configuration) -> Rejudge:
    version = order.version
    reader = configuration.readers.get(version.content.event_type)
    if reader is None:
        raise TaskFailure("NoEventType", "the tenant has no such event type any more", retryable=False)
    scenario = CompiledScenario(version.ref, version.content, version.trees, compile_pattern)
    lists = await ListCatalog(PostgresListContents(pool)).of(order.tenant_id)
    return Rejudge(scenario, reader.event_type, lists, order.review_without)


def _peak_kb() -> int:
    """Returns the most memory that this program held; the system's count for a process has that of its parent in it."""
    found = re.search(r"VmHWM:\s+(\d+)", STATUS.read_text())
    return int(found[1]) if found else 0


def _tell(told: Mapping[str, object]) -> None:
    print(json.dumps(told), flush=True)


def _end_with_input() -> None:
    if not os.read(sys.stdin.fileno(), 1):
        os._exit(ORPHANED)


if __name__ == "__main__":
    main()
