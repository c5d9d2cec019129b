"""Shows `rampart up`: progress while it works, a table when it is ready, events afterwards."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from console.home import DEFAULT
from console.up.names import ROOT

WIDTH = 120
SOCKET = "unix socket; see dev.json"
EXAMPLE = (
    '{"user_id": "alice", "transaction_amount": 42.50, "device_fingerprint": "device-1", "ip_address": "203.0.113.7"}'
)


class Screen:
    """A `Reporter` for people: one moving line on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        # Without a terminal there is no width to fit in; rich would take 80 columns and fold every address.
        self._console = console or Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
        self._status: Status | None = None
        self._started = time.monotonic()
        self._last = ""

    def doing(self, text: str) -> None:
        if text == self._last:
            return
        self._last = text
        if not self._console.is_terminal:
            self._line(f"{time.monotonic() - self._started:6.1f} s  {text}")
        elif self._status is None:
            self._status = self._console.status(escape(text))
            self._status.start()
        else:
            self._status.update(escape(text))

    def event(self, text: str) -> None:
        self._line(f"{time.strftime('%H:%M:%S')}  {text}")

    def quiet(self) -> None:
        """Ends the moving line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def ready(self, dev: Mapping[str, Any], home: Path) -> None:
        """Shows what listens where, and what to do next."""
        self.quiet()
        self._console.print(_table(dev))
        self._line(
            f"Ready after {time.monotonic() - self._started:.1f} s. API: {dev['base_url']}/docs   Logs: {home / 'logs'}"
        )
        self._line("Try it, in another terminal:\n")
        self._line(curl(dev["base_url"], home))
        self._line("\nCtrl-C stops everything and keeps the data.")

    def _line(self, text: str) -> None:
        """Prints text as it is: a wrapped command could not be pasted."""
        self._console.print(text, markup=False, soft_wrap=True)


def curl(base_url: str, home: Path) -> str:
    """Returns one line for a shell that sends a first transaction, with a token of the demo client."""
    script = Path(sys.executable).parent / "rampart"
    rampart = shlex.quote(str(script)) if script.exists() else f"{_paths()} {shlex.quote(sys.executable)} -m console"
    token = f"{rampart} token" + (f" --home {shlex.quote(str(home))}" if home != DEFAULT else "")
    # A proxy of the user's shell must not be asked for an address of this machine.
    direct = (
        "--noproxy 127.0.0.1 " if {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"} & os.environ.keys() else ""
    )
    headers = f'-H "Authorization: Bearer $({token})" -H "Content-Type: application/json"'
    return f"curl -sS {direct}{base_url}/api/v1/fraud-check {headers} -d '{EXAMPLE}'"


def _paths() -> str:
    return f"PYTHONPATH={shlex.quote(str(ROOT))}:{shlex.quote(str(ROOT / 'gen'))}"


def _table(dev: Mapping[str, Any]) -> Table:
    table = Table(title="Rampart", title_justify="left")
    for column in ("process", "pid", "listens on", "health, readiness, metrics"):
        table.add_column(column, overflow="fold")
    pids = dev["pids"]
    for name in dev["admin"]:
        listens = f"{dev['grpc'][name]} (gRPC, mTLS)" if name in dev["grpc"] else f"{dev['base_url']} (REST)"
        table.add_row(name, str(pids.get(name, "")), listens, f"http://{dev['admin'][name]}")
    if "postgres" in pids:
        table.add_row("postgres", str(pids["postgres"]), SOCKET, "")
    if "redis" in pids:
        table.add_row("redis", str(pids["redis"]), SOCKET, "")
    return table
