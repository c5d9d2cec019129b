"""`rampart status`: shows the processes of the platform on this machine and whether each is ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from console.home import add_home
from console.running import running
from console.tables import output, show, state_text, table
from console.up import proc
from console.up.health import missing

if TYPE_CHECKING:
    from argparse import _SubParsersAction

COLUMNS = ("process", "state", "pid", "up for", "memory", "listens on", "admin", "missing")
DESCRIPTION = """Shows the processes of the platform that `make up` runs on this machine. The exit status is 0 if all
are ready, 3 if not, 1 if none runs."""
NOT_READY = 3


@dataclass(frozen=True)
class ProcessStatus:
    """One process as it is now."""

    process: str
    state: str
    """"ready", "not ready" or "gone"; "running" for one that does not say."""
    pid: int
    seconds: float
    """Since its start."""
    memory_bytes: int
    listens: str
    """host:port of gRPC or REST, "" where it is a unix socket."""
    admin: str
    missing: str
    """What it lacks, in words."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `status` command."""
    parser = subparsers.add_parser(
        "status", help="show what runs here and whether it is ready", description=DESCRIPTION
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts, one object a line")
    add_home(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Shows every process. Raises CommandFailure if there is no platform."""
    found = asyncio.run(_statuses(running(arguments.home)))
    if arguments.json:
        print("".join(f"{json.dumps(asdict(status))}\n" for status in found), end="")
    else:
        show(output(), table(COLUMNS, map(_row, found)), len(found), "processes")
    return 0 if all(status.state in ("ready", "running") for status in found) else NOT_READY


async def _statuses(dev: dict[str, Any]) -> list[ProcessStatus]:
    names = [name for name in dev["pids"] if not name.startswith("gateway-")]
    names += [name for name in dev["admin"] if name not in names]
    lacks = await asyncio.gather(*[_missing(dev["admin"].get(name)) for name in names])
    return [_status(dev, name, lack) for name, lack in zip(names, lacks, strict=True)]


async def _missing(admin: str | None) -> str | None:
    return None if admin is None else await missing(admin)


def _status(dev: dict[str, Any], name: str, lack: str | None) -> ProcessStatus:
    pid = int(dev["pids"].get(name, 0))
    started = proc.start_time(pid) if pid else None
    state = "running" if lack is None else "not ready" if lack else "ready"
    listens = dev["grpc"].get(name) or (dev["base_url"] if name == "gateway" else "")
    pids = [pid, *(other for key, other in dev["pids"].items() if key.startswith(f"{name}-") and name == "gateway")]
    return ProcessStatus(
        process=name,
        state=state if started is not None else "gone",
        pid=pid,
        seconds=_uptime(started),
        memory_bytes=sum(map(proc.memory, pids)),
        listens=listens,
        admin=dev["admin"].get(name, ""),
        missing=(lack or "") if started is not None else "it is not running",
    )


def _uptime(started: int | None) -> float:
    return 0.0 if started is None else time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def _row(status: ProcessStatus) -> tuple[Any, ...]:
    return (
        status.process, state_text(status.state), str(status.pid or ""), _duration(status.seconds),
        f"{status.memory_bytes / (1 << 20):,.0f} MiB", status.listens, status.admin, status.missing,
    )  # fmt: skip


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2]) or "0 s"
