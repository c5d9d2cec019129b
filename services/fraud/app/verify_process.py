"""`python -m services.fraud.app.verify_process` does one verification: see `adapters/child_verifications.py`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from services.fraud.adapters.child_verifications import news_to_json, order_from_json
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_label_arrivals import PostgresLabelArrivals
from services.fraud.adapters.postgres_recorded import PostgresRecorded
from services.fraud.app.child import cost, do_order, open_store, tell
from services.fraud.app.child_logs import open_logs
from services.fraud.domain.declaring import all_types
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports.verification import VerificationOrder
from services.fraud.service.logs.witness import LoggedWitness
from services.fraud.service.tenants.configuration import compiled
from services.fraud.service.verification.run import VerifyRun
from services.fraud.service.verification.sets import verified_sets

__all__ = ["main"]

_log = logging.getLogger(__name__)


def main() -> None:
    """Reads an order from the standard input, and ends with it."""
    do_order(_main)


async def _main(read: Mapping[str, Any]) -> None:
    order = order_from_json(read)
    async with (
        open_store(read["dsn"]) as pool,
        open_logs(read["redis_url"], pool) as logs,
        aclosing((await _run(pool, logs, order)).run()) as news,
    ):
        async for each in news:
            tell(news_to_json(each))
    _log.info("a verification has ended", extra={"fields": cost()})


async def _run(pool: postgres.Pool, logs: RedisLogs, order: VerificationOrder) -> VerifyRun:
    checks = PostgresRecorded(pool, order.kept_days)
    declarations = await PostgresDeclarations(pool).read(order.tenant_id)
    extent = await checks.extent(order.tenant_id, order.since, order.until)
    configuration = compiled(declarations, compile_pattern)
    types = {name: each.event_type for name, each in all_types(declarations.event_types).items()}
    versions = extent.sets, order.features, compile_pattern
    found = await verified_sets(PostgresFeatures(Reads(pool)), order.tenant_id, types, *versions)
    witness = LoggedWitness(logs, order.tenant_id, configuration.features)
    return VerifyRun(
        order,
        checks=checks,
        labels=PostgresLabelArrivals(pool),
        extent=extent,
        sets=found.sets,
        union=found.union,
        witness=witness,
    )


if __name__ == "__main__":
    main()
