"""`make bench TASKS=1`: the article's load test of tasks, against Rampart and a twin of the article's stack."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace

from tests.load.arguments import allow_files
from tests.load.frame import OUTPUT, bench_console, bounded, run_bench, state_folder
from tests.load.machine import describe
from tests.load.platforms import Platform
from tests.load.tasks.platforms import RampartTasks, Twin
from tests.load.tasks.report import TaskFigures, show, write
from tests.load.tasks.rounds import DEFAULT, QUICK, TaskPlan, measure
from tests.load.trivial import measure_generator

RAMPART, TWIN = "rampart", "twin"
LONGEST_SECONDS = 900.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench TASKS=1", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: about two minutes")
    parser.add_argument("--rounds", type=int, help="how often each platform takes its turn")
    parser.add_argument("--users", type=int, help="of the article's load test (default 10000)")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else DEFAULT
    plan = replace(plan, rounds=arguments.rounds or plan.rounds, users=arguments.users or plan.users)
    return run_bench(lambda: _bench(plan))


def _bench(plan: TaskPlan) -> None:
    # The gateway and the twin inherit the limit; one process of either may hold all connections.
    allow_files(plan.users)
    console, machine = bench_console(), describe()
    console.print("measuring the generator alone")
    generator = measure_generator(plan.saturating, plan.saturated_warm_up, plan.saturated_seconds)
    with state_folder() as folder:
        platforms: list[Platform] = [
            RampartTasks(RAMPART, folder / "rampart"),
            Twin(TWIN, folder / "twin"),
        ]
        measuring = measure(plan, platforms, lambda text: console.print(text, highlight=False))
        runs, idle = asyncio.run(bounded(LONGEST_SECONDS, measuring))
    figures = TaskFigures(plan, machine, generator, runs, idle)
    show(console, figures)
    console.print(f"All of it is in {write(OUTPUT, figures)}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
