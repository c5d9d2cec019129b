"""Supervises child processes: started with a log file, restarted when they die, stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from console.failure import CommandFailure
from console.up import logfile, proc
from meshkit.standby import STANDBY

STEADY_SECONDS = 10.0
"""A process that lived this long starts with a clean record."""
LONGEST_DELAY = 8.0
FAILURES = 3
KILL_SECONDS = 2.0
SWEPT_SECONDS = 0.01
"""Between two looks for what was killed and has not ended."""
"""Longest wait for the end of a killed process."""
STANDBY_SECONDS = 5.0
"""From the start of a process to that of the one which stands by for it."""


@dataclass(frozen=True)
class Spec:
    """One process: what to run and how to stop it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 4.0
    """Time between the stop signal and SIGKILL."""
    standby: bool = False
    """True keeps another process ready, which takes over at once when this one dies (see meshkit.standby)."""
    before: Callable[[], None] | None = None
    """Runs before each start, the first and every restart. OSError makes it wait and try again."""


class Process:
    """A running `Spec`."""

    def __init__(self, spec: Spec, log: Path, *, changed: Callable[[], None], event: Callable[[str], None]) -> None:
        self.spec = spec
        self.log = log
        self.failures = 0
        """Deaths in a row, each soon after its start."""
        self._changed = changed
        self._event = event
        self._process: asyncio.subprocess.Process | None = None
        self._started = 0.0
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None
        self._spare: asyncio.subprocess.Process | None = None
        self._preparing: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The pid, None between a death and the restart."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def cannot_start(self) -> bool:
        """Tells whether it has died so often in a row that waiting for it is in vain."""
        return self.failures >= FAILURES

    async def start(self) -> None:
        """Starts the process and watches it from then on."""
        logfile.rotate(self.log)
        await self._spawn()
        self._watch = asyncio.create_task(self._keep_alive(), name=f"watch {self.spec.name}")

    async def stop(self, most: float = math.inf) -> None:
        """Ends the process and all of its group, by force if it takes longer than its time or `most` seconds."""
        self._stopping = True
        await self._dismiss()
        process = self._process
        if process is not None and process.returncode is None:
            self._signal(self.spec.stop_signal)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(most, self.spec.stop_seconds)):
                    await process.wait()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch], timeout=KILL_SECONDS)
        await self._sweep()

    async def _spawn(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None and spare.returncode is None and spare.stdin is not None:
            self._process = spare
            spare.stdin.write(b"\n")
            spare.stdin.close()
        else:
            self._process = await self._run({}, subprocess.DEVNULL)
        self._started = time.monotonic()
        if self.spec.standby:
            await self._dismiss()
            self._preparing = asyncio.create_task(self._prepare(), name=f"stand-by of {self.spec.name}")
        self._changed()

    async def _prepare(self) -> None:
        """Starts the process that stands by, once the one that serves has had the machine to itself."""
        await asyncio.sleep(STANDBY_SECONDS)
        self._spare = await self._run({STANDBY: "1"}, subprocess.PIPE)

    async def _dismiss(self) -> None:
        """Ends the process that stands by, or its start."""
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])
        spare, self._spare = self._spare, None
        if spare is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(spare.pid, signal.SIGKILL)
            await spare.wait()

    async def _run(self, more: Mapping[str, str], stdin: int) -> asyncio.subprocess.Process:
        if self.spec.before is not None:
            self.spec.before()
        with open(self.log, "ab") as log:
            return await asyncio.create_subprocess_exec(
                *dies_with_us(self.spec),
                cwd=self.spec.folder,
                env={**self.spec.environment, **more},
                stdin=stdin,
                stdout=log,
                stderr=log,
                # Its own session: Ctrl-C reaches the supervisor alone, and one signal reaches all of its children.
                start_new_session=True,
            )

    async def _keep_alive(self) -> None:
        while not self._stopping:
            assert self._process is not None
            old = self._process
            code = await old.wait()
            if self._stopping:
                return
            await self._sweep()
            self.failures = 0 if time.monotonic() - self._started > STEADY_SECONDS else self.failures + 1
            self._changed()
            await asyncio.sleep(self._delay())
            await self._restart(f"{self.spec.name} (pid {old.pid}) {describe_exit(code)}")

    def _delay(self) -> float:
        """The first restart is at once; each further one waits twice as long."""
        return min(LONGEST_DELAY, 0.25 * 2**self.failures) if self.failures > 1 else 0.0

    async def _restart(self, what_happened: str) -> None:
        while True:
            try:
                await self._spawn()
            except OSError as error:
                self.failures += 1
                self._event(f"{what_happened}; it cannot be restarted ({error}), trying again")
                await asyncio.sleep(self._delay())
            else:
                self._event(f"{what_happened}; restarted as pid {self.pid}")
                return

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _sweep(self) -> None:
        """Kills what is left of the group, so that a restart finds no port taken by a worker without its parent."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILL_SECONDS):
                await self._process.wait()
                while proc.session_members(self._process.pid):  # noqa: ASYNC110 - nobody tells of those
                    await asyncio.sleep(SWEPT_SECONDS)


def dies_with_us(spec: Spec) -> list[str]:
    """Returns a command that also stops when the supervisor is killed, where util-linux can arrange that."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or spec.command[0].endswith(("setpriv", "unshare")):
        return list(spec.command)
    return [setpriv, "--pdeathsig", spec.stop_signal.name.removeprefix("SIG"), "--", *spec.command]


def cannot_start(name: str, log: Path) -> CommandFailure:
    """Returns the failure of a process that keeps ending, with its last words."""
    return CommandFailure(f"{name} does not start: {logfile.last_line(log)} (all of it is in {log}).")


def describe_exit(code: int) -> str:
    """Says how a process ended."""
    if code >= 0:
        return f"exited with status {code}"
    return f"died with signal {-code}"


async def run_once(spec: Spec, log: Path, *, timeout: float) -> None:
    """Runs a command to its end. Raises Failure with its last words if it fails or takes too long."""
    with open(log, "ab") as file:
        process = await asyncio.create_subprocess_exec(
            *dies_with_us(spec),
            cwd=spec.folder,
            env=dict(spec.environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(timeout):
            code = await process.wait()
    except TimeoutError as error:
        raise CommandFailure(f"{spec.name} did not finish within {timeout:g} s; see {log}.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code:
        raise CommandFailure(f"{spec.name} {describe_exit(code)}: {logfile.last_line(log)} (all of it is in {log}).")
