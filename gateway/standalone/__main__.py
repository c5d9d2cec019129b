"""Serves any gRPC service as REST: `python -m gateway.standalone`, which is `rampart gateway`."""

from __future__ import annotations

import sys

from gateway.standalone.app import serve
from gateway.standalone.options import read_options
from meshkit.host import run

if __name__ == "__main__":
    options = read_options()
    sys.exit(run("gateway", lambda host, _: serve(host, options)))
