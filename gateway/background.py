"""Work beside the requests of one process."""

from __future__ import annotations

import asyncio
import gc

from gateway.edge.metrics import Telemetry

__all__ = ["flush_regularly", "freeze"]

FLUSH_SECONDS = 0.2


def freeze() -> None:
    """Takes what is there now, above all the plan, out of the collector's rounds."""
    gc.collect()
    gc.freeze()


async def flush_regularly(telemetry: Telemetry) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        telemetry.flush()
