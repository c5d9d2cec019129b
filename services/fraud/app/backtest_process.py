"""`python -m services.fraud.app.backtest_process` does one attempt at a backtest: see `adapters/child_backtests.py`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from meshkit.tasks import TaskFailure
from services.fraud.adapters.child_backtests import order_from_json
from services.fraud.adapters.opened_models import StoredModels
from services.fraud.adapters.postgres_backtests import PostgresCheckpoints
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_label_arrivals import PostgresLabelArrivals
from services.fraud.adapters.postgres_list_contents import PostgresListContents
from services.fraud.adapters.postgres_models import PostgresModels
from services.fraud.adapters.postgres_past import PostgresPast
from services.fraud.app.child import cost, do_order, open_store, tell
from services.fraud.app.former_sets import former_sets
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.scenario import ScenarioModel
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports.backtests import BacktestOrder, SupersededError
from services.fraud.ports.scoring import Scorer
from services.fraud.service.backtests.rejudging import Rejudge
from services.fraud.service.backtests.run import BacktestRun
from services.fraud.service.tenants.configuration import Configuration, compiled
from services.fraud.service.value_lists.catalog import ListCatalog

__all__ = ["main"]

_log = logging.getLogger(__name__)


def main() -> None:
    """Reads an order from the standard input, and ends with it."""
    do_order(_main)


async def _main(read: Mapping[str, Any]) -> None:
    try:
        await _run(read["dsn"], order_from_json(read))
    except SupersededError:
        raise TaskFailure("Superseded", "another attempt has begun") from None


async def _run(dsn: str, order: BacktestOrder) -> None:
    async with open_store(dsn) as pool:
        declarations = await PostgresDeclarations(pool).read(order.tenant_id)
        configuration = compiled(declarations, compile_pattern)
        run = BacktestRun(
            order,
            past=PostgresPast(pool),
            labels=PostgresLabelArrivals(pool),
            checkpoints=PostgresCheckpoints(pool),
            rejudge=await _rejudge(pool, order, configuration),
            features=configuration.features.set,
            sets=await former_sets(pool, order.tenant_id, declarations.features.current.number),
        )
        done = 0
        async with aclosing(run.run()) as news:
            async for each in news:
                done = each.done
                tell(asdict(each))
    fields = {"backtest_id": order.backtest_id, "decisions": done, **cost()}
    _log.info("an attempt at a backtest has ended", extra={"fields": fields})


async def _rejudge(pool: postgres.Pool, order: BacktestOrder, configuration: Configuration) -> Rejudge:
    version = order.version
    reader = configuration.readers.get(version.content.event_type)
    if reader is None:
        raise TaskFailure("NoEventType", "the tenant has no such event type any more", retryable=False)
    scenario = CompiledScenario(version.ref, version.content, version.trees, compile_pattern)
    lists = await ListCatalog(PostgresListContents(pool)).of(order.tenant_id)
    scorer = await _scorer(pool, order.tenant_id, version.content.model)
    return Rejudge(scenario, reader.event_type, lists, order.review_without, scorer)


async def _scorer(pool: postgres.Pool, tenant_id: str, model: ScenarioModel | None) -> Scorer | None:
    if model is None:
        return None
    found = await StoredModels(PostgresModels(Reads(pool))).load(tenant_id, model.ref)
    if found is None:
        raise TaskFailure("NoModel", f"the model {model.ref} of the version cannot be used", retryable=False)
    return found


if __name__ == "__main__":
    main()
