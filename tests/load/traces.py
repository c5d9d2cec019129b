"""What traces cost a fraud check: without an endpoint, one check in a hundred recorded, every check recorded.

`python -m tests.load.traces --quick`, and with `--before FOLDER` also another checkout without an endpoint.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb

from tests.load.frame import OUTPUT, bench_console, bounded, run_bench, state_folder
from tests.load.platforms import Platform, Rampart
from tests.load.report import costs_table, spread
from tests.load.rounds import DEFAULT, QUICK, Plan, Run, measure

BEFORE, OFF, SOME, ALL = "before", "off", "1 in 100", "all"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LONGEST_SECONDS = 900.0
START_SECONDS = 120.0
STOP_SECONDS = 30.0


class Checkout(Rampart):
    """The platform of another checkout, in processes of its own."""

    def __init__(self, name: str, home: Path, folder: Path) -> None:
        super().__init__(name, home, coalesce=True)
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def dev(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._home / "dev.json").read_text())
        return found

    async def start(self) -> None:
        own = {"RAMPART_HOME": str(self._home), "RAMPART_HTTP_PORT": "0"}
        path = {"PYTHONPATH": f"{self._folder}:{self._folder / 'gen'}"}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "console", "up", cwd=self._folder,
            env={**self._environment, **own, **path}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            async for line in self._process.stdout:
                if b"Ready after" in line:
                    return
        raise TimeoutError(f"the platform in {self._folder} did not start")

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            await self._process.communicate()


@contextlib.contextmanager
def sink() -> Iterator[str]:
    """Takes what is exported over gRPC and forgets it unread, so that it costs next to nothing. Yields its endpoint."""

    def take(_: bytes, __: object) -> bytes:
        return pb.ExportTraceServiceResponse().SerializeToString()

    handlers: dict[str, Any] = {EXPORT.rpartition("/")[2]: grpc.unary_unary_rpc_method_handler(take)}
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(EXPORT[1:].rpartition("/")[0], handlers),))
    endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield endpoint
    finally:
        server.stop(None).wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.load.traces", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--rounds", type=int, help="how often each takes its turn")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="another checkout to measure as well")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else DEFAULT
    plan = replace(plan, rounds=arguments.rounds or plan.rounds, connections=plan.connections[-1:])
    return run_bench(lambda: _bench(plan, arguments.before))


def _bench(plan: Plan, before: Path | None) -> None:
    console = bench_console()
    with sink() as endpoint, state_folder() as folder:
        on = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
        platforms: list[Platform] = [
            Rampart(OFF, folder / "off", coalesce=True),
            Rampart(SOME, folder / "some", coalesce=True, settings=on | ratio),
            Rampart(ALL, folder / "all", coalesce=True, settings=on),
        ]
        if before is not None:
            platforms.insert(0, Checkout(BEFORE, folder / "before", before.resolve()))
        measuring = measure(plan, platforms, (), lambda text: console.print(text, highlight=False))
        runs, _ = asyncio.run(bounded(LONGEST_SECONDS, measuring))
    own = {name: [run for run in runs if run.platform == name] for name in dict.fromkeys(run.platform for run in runs)}
    console.print(costs_table(f"CPU per check at {plan.connections[-1]} connections, us", own))
    for line in _ratios(own):
        console.print(line, highlight=False)
    (OUTPUT / "traces.json").write_text(json.dumps({name: list(map(_cpu, each)) for name, each in own.items()}) + "\n")


def _ratios(own: dict[str, list[Run]]) -> list[str]:
    """Compares each round with the same round without an endpoint."""
    lines = []
    for name, runs in own.items():
        cpu = [_cpu(run) / _cpu(plain) for run, plain in zip(runs, own[OFF], strict=True)]
        speed = [run.result.per_second / plain.result.per_second for run, plain in zip(runs, own[OFF], strict=True)]
        lines.append(
            f"{name}: {median(run.result.per_second for run in runs):,.0f} checks/s; against {OFF} "
            f"{spread(cpu, '{:.2f}')} times the CPU per check, {spread(speed, '{:.2f}')} times the checks/s"
        )
    return lines


def _cpu(run: Run) -> float:
    return sum(run.cpu_us.values())


if __name__ == "__main__":
    sys.exit(main())
