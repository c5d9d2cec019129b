"""`python -m services.fraud.app.restore_process` puts one history into the logs: see `adapters/child_restorer.py`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from meshkit.storage.postgres import Pool
from services.fraud.adapters.child_restorer import restore_order_from_json
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.app.child import cost, do_order, open_store, tell
from services.fraud.app.child_logs import open_logs
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.service.logs.restoring import HistoryRestorer
from services.fraud.service.tenants.configuration import Configurations, compiled
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures

__all__ = ["main"]

_log = logging.getLogger(__name__)
PAGE, GATHERED = 2_000, 100_000
"""Events that are read at once, and of which logs are written at once: some 80 MB."""
LANES = 3


def main() -> None:
    """Reads an order from the standard input, and ends with it."""
    do_order(_main)


async def _main(read: Mapping[str, Any]) -> None:
    async with open_store(read["dsn"]) as pool, open_logs(read["redis_url"], pool, size=LANES) as logs:
        restorer = _restorer(pool, logs)
        async with aclosing(restorer.restore(restore_order_from_json(read))) as counts:
            async for count in counts:
                tell({"events": count})
    _log.info("a history was put back", extra={"fields": cost()})


def _restorer(pool: Pool, logs: RedisLogs) -> HistoryRestorer:
    configurations = Configurations(PostgresDeclarations(pool), partial(compiled, patterns=compile_pattern))
    history = PostgresHistory(pool, EventKeys(pool), page=PAGE)
    return HistoryRestorer(logs, history, ConfiguredFeatures(configurations), gathered=GATHERED, lanes=LANES)


if __name__ == "__main__":
    main()
