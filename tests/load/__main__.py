"""`make bench`: measures the fraud check through REST, with coalescing on and off, and a peer if one is given."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from tests.load.edge import measure_edge
from tests.load.frame import OUTPUT, bench_console, bounded, run_bench, state_folder
from tests.load.machine import describe
from tests.load.peer import Peer, prepare_environment
from tests.load.platforms import Platform, Rampart
from tests.load.report import Figures, show, write
from tests.load.rounds import DEFAULT, QUICK, Plan, measure
from tests.load.trivial import measure_generator

ON, OFF, PEER = "rampart", "rampart, no coalescing", "peer"
LONGEST_SECONDS = 900.0


def main() -> int:
    arguments = _parser().parse_args()
    plan = QUICK if arguments.quick else DEFAULT
    plan = replace(plan, rounds=arguments.rounds or plan.rounds)
    return run_bench(lambda: _bench(plan, arguments.peer))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: at most 90 s")
    parser.add_argument("--rounds", type=int, help="how often each platform takes its turn")
    parser.add_argument("--peer", type=Path, metavar="FOLDER", help="measure the peer in this folder as well")
    return parser


def _bench(plan: Plan, peer: Path | None) -> None:
    console, machine = bench_console(), describe()
    console.print("measuring the generator alone")
    generator = measure_generator(max(plan.connections), plan.warm_up, plan.seconds)
    console.print("measuring the edge alone")
    edge = measure_edge(plan.edge_rounds, seconds=1.5, calls=100)
    with state_folder() as folder:
        platforms: list[Platform] = [
            Rampart(ON, folder / "on", coalesce=True),
            Rampart(OFF, folder / "off", coalesce=False),
        ]
        if peer is not None:
            platforms.append(Peer(PEER, peer, prepare_environment(OUTPUT / "peer-venv"), folder / "peer"))
        measuring = measure(plan, platforms, (ON, PEER), lambda text: console.print(text, highlight=False))
        runs, preparation = asyncio.run(bounded(LONGEST_SECONDS, measuring))
    figures = Figures(plan, machine, generator, edge, runs, preparation)
    show(console, figures)
    console.print(f"All of it is in {write(OUTPUT, figures)}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
