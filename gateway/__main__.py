"""Serves the REST edge: `python -m gateway`."""

from __future__ import annotations

import os
import sys

from gateway.app import serve
from gateway.settings import GatewaySettings
from gateway.workers import WORKER, supervise
from meshkit.host import Host, run
from meshkit.settings import Reader


async def main(host: Host, reader: Reader) -> None:
    settings = GatewaySettings.read(reader)
    worker = os.environ.get(WORKER)
    if settings.workers > 1 and worker is None:
        await supervise(host, settings)
    else:
        await serve(host, settings, worker=int(worker or 0))


if __name__ == "__main__":
    sys.exit(run("gateway", main))
