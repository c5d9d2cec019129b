"""`make bench`: measures the fraud check through REST, with coalescing on and off, and a peer if one is given."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from console.failure import CommandFailure
from console.http import HttpError
from console.up.account import find_account
from console.up.names import ROOT
from console.up.state import State
from tests.load.edge import measure_edge
from tests.load.machine import describe
from tests.load.peer import Peer, prepare_environment
from tests.load.platforms import Platform, Rampart
from tests.load.report import Figures, show, write
from tests.load.rounds import DEFAULT, QUICK, Plan, Preparation, Run, measure
from tests.load.trivial import measure_generator

OUTPUT = ROOT / "build/bench"
ON, OFF, PEER = "rampart", "rampart, no coalescing", "peer"
LONGEST_SECONDS = 900.0


def main() -> int:
    arguments = _parser().parse_args()
    plan = QUICK if arguments.quick else DEFAULT
    plan = replace(plan, rounds=arguments.rounds or plan.rounds)
    os.umask(0o077)
    try:
        _bench(plan, arguments.peer)
    except (CommandFailure, HttpError, TimeoutError) as error:
        print(f"bench: {str(error) or 'it took too long'}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: at most 90 s")
    parser.add_argument("--rounds", type=int, help="how often each platform takes its turn")
    parser.add_argument("--peer", type=Path, metavar="FOLDER", help="measure the peer in this folder as well")
    return parser


def _bench(plan: Plan, peer: Path | None) -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    console, machine = Console(width=None if sys.stdout.isatty() else 160), describe()
    console.print("measuring the generator alone")
    generator = measure_generator(max(plan.connections), plan.warm_up, plan.seconds)
    console.print("measuring the edge alone")
    edge = measure_edge(plan.edge_rounds, seconds=1.5, calls=100)
    with _state_folder() as folder:
        platforms: list[Platform] = [
            Rampart(ON, folder / "on", coalesce=True),
            Rampart(OFF, folder / "off", coalesce=False),
        ]
        if peer is not None:
            platforms.append(Peer(PEER, peer, prepare_environment(OUTPUT / "peer-venv"), folder / "peer"))
        runs, preparation = asyncio.run(_measure(plan, platforms, console))
    figures = Figures(plan, machine, generator, edge, runs, preparation)
    show(console, figures)
    console.print(f"All of it is in {write(OUTPUT, figures)}", soft_wrap=True)


async def _measure(plan: Plan, platforms: list[Platform], console: Console) -> tuple[list[Run], Preparation]:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.timeout(LONGEST_SECONDS):
        return await measure(plan, platforms, (ON, PEER), lambda text: console.print(text, highlight=False))


@contextlib.contextmanager
def _state_folder() -> Iterator[Path]:
    """Makes a folder for the data of the platforms and removes it when they are done; their logs stay."""
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=OUTPUT))
    try:
        yield folder
    finally:
        for home in folder.iterdir():
            shutil.copytree(home / "logs", OUTPUT / "logs" / home.name, dirs_exist_ok=True)
            _remove(State(home))
        shutil.rmtree(folder, ignore_errors=True)


def _remove(state: State) -> None:
    """Removes what may lie outside the state folder: a cluster that runs as another user, sockets."""
    account = find_account(state)
    outside = [path for path in (account.data.parent, account.sockets) if not path.is_relative_to(state.home)]
    for path in outside:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
