"""`make bench ENGINE=1`: what a check costs with declared features and many rules, by process and stage.

Beside the platform as it comes there are three whose tenant has 38 features more, to 30 days, and 50 or 250 rules, the
last with a model of 300 trees as well. Each is loaded at two fixed rates and to saturation, in turn. What stages cost
alone: `tests.load.engine`, `.judged`, `.scenarios`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from statistics import median

from rich.console import Console

from tests.load.declared import Declared, StageMedians
from tests.load.frame import OUTPUT, bench_console, bounded, run_bench, state_folder
from tests.load.machine import describe
from tests.load.platforms import Rampart
from tests.load.report import costs_table, errors_of, lost_lines, new_table, spread
from tests.load.rounds import DEFAULT, QUICK, Plan, Run, generate, observe

PLAIN, RULES = "as it comes", (50, 250)
RATES = ("120", "250")
SATURATION = "saturation"
LONGEST_SECONDS = 1_500.0
Figures = dict[str, list[tuple[Run, StageMedians | None]]]
"""By platform and load."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ENGINE=1", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--rounds", type=int, help="how often each platform takes its turn")
    parser.add_argument("--least-rules", type=int, default=0, help="leave out platforms with fewer")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else DEFAULT
    return run_bench(lambda: _bench(replace(plan, rounds=arguments.rounds or plan.rounds), arguments.least_rules))


def _bench(plan: Plan, least_rules: int) -> None:
    console = bench_console()
    with state_folder() as folder:
        platforms: list[Rampart] = [] if least_rules else [Rampart(PLAIN, folder / "plain", coalesce=True)]
        platforms += [Declared(f"{each} rules", folder / str(each), each) for each in RULES if each >= least_rules]
        platforms.append(Declared(f"{RULES[-1]} rules and a model", folder / "model", RULES[-1], model=True))
        figures = asyncio.run(
            bounded(LONGEST_SECONDS, _measure(plan, platforms, partial(console.print, highlight=False)))
        )
    _show(console, figures)
    path = OUTPUT / "engine.json"
    path.write_text(json.dumps({name: [[asdict(run), times] for run, times in own] for name, own in figures.items()}))
    console.print(f"All of it is in {path}", soft_wrap=True)


async def _measure(plan: Plan, platforms: Sequence[Rampart], say: Callable[[str], None]) -> Figures:
    figures: Figures = {}
    async with contextlib.AsyncExitStack() as started:
        for platform in platforms:
            say(f"starting {platform.name}")
            started.push_async_callback(platform.stop)
            await platform.start()
            await _load(plan, platform, 0, SATURATION, plan.first_warm_up / 2)
        for number in range(1, plan.rounds + 1):
            for platform in platforms:
                for name in (*RATES, SATURATION):
                    say(f"round {number} of {plan.rounds}, {platform.name}, {name}")
                    seconds = plan.seconds if name == SATURATION else plan.paced_seconds
                    run = await _load(plan, platform, number, name, seconds)
                    times = await platform.stage_times() if isinstance(platform, Declared) else None
                    figures.setdefault(f"{platform.name}, {name}", []).append((run, times))
    return figures


async def _load(plan: Plan, platform: Rampart, number: int, name: str, seconds: float) -> Run:
    kind, *options = ("closed", "--connections", "128") if name == SATURATION else ("paced", "--rate", name)
    target = await platform.target()
    more = "--users", str(plan.users), "--habits", *options
    return await observe(
        platform, kind, number, lambda: generate(target, kind, plan.warm_up, seconds, number + 1, *more)
    )


def _show(console: Console, figures: Figures) -> None:
    console.print("\n" + ", ".join(f"{name} {value}" for name, value in describe().items()), highlight=False)
    runs: Mapping[str, Sequence[Run]] = {name: [run for run, _ in own] for name, own in figures.items()}
    console.print(_answers(figures), costs_table("CPU per check, us", runs))
    for line in lost_lines([run for own in runs.values() for run in own]):
        console.print(line, highlight=False)


def _answers(figures: Figures) -> object:
    table = new_table("Checks of users with habits", "platform, load", "checks/s", "p50 ms", "p99 ms", "read ms",
                      "judge ms", "taken by others, cores", "errors")  # fmt: skip
    for name, own in figures.items():
        runs, times = [run for run, _ in own], [each for _, each in own if each is not None]
        stages = [f"{median(each[place] for each in times):.2f}" if times else "" for place in (0, 1)]
        table.add_row(
            name,
            spread(run.result.per_second for run in runs),
            spread((run.result.latency_ms.p50 for run in runs), "{:.1f}"),
            spread((run.result.latency_ms.p99 for run in runs), "{:.1f}"),
            *stages,
            spread((run.foreign_cores for run in runs), "{:.2f}"),
            errors_of(runs),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
