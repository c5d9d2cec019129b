"""Services as real processes: started with an environment, waited for, stopped."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Node", "Process", "environment_of", "free_port", "run_module", "running"]

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 20.0


PORTS = range(10_000, 32_768)
"""Below those that connections leave from, on Linux and elsewhere."""
MOST_RESERVED = 500
_reserved: deque[socket.socket] = deque()


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody listens on, and that is given to no other process of tests.

    What keeps it is a datagram socket of the same number, until many others have been given.
    """
    while True:
        port = random.choice(PORTS)
        reserved = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reserved.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            reserved.close()
            continue
        _reserved.append(reserved)
        if len(_reserved) > MOST_RESERVED:
            _reserved.popleft().close()
        return port


class Process:
    """`python -m MODULE` of the tree below `root`, with its admin port and its log."""

    def __init__(
        self,
        module: str,
        environment: Mapping[str, str],
        log: Path,
        *,
        root: Path = ROOT,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.admin = f"127.0.0.1:{free_port()}"
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                env=environment_of({**environment, "RAMPART_ADMIN_LISTEN": self.admin}, root),
                cwd=root,
                stdout=output,
                stderr=output,
                stdin=stdin,
            )

    def say(self, words: bytes) -> None:
        """Writes to its standard input, which must be a pipe, and closes that."""
        assert self._process.stdin is not None
        self._process.stdin.write(words)
        self._process.stdin.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text()

    def readiness(self) -> dict[str, str] | None:
        """Returns what is missing by name, None while the process does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}/ready", timeout=3) as answer:
                missing: dict[str, str] = json.load(answer)["missing"]
        except urllib.error.HTTPError as error:
            missing = json.load(error)["missing"]
        except OSError:
            return None
        return missing

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while self.readiness() != {}:
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Returns the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
            raise AssertionError(f"it does not end: {self.log()}") from None


@dataclass(frozen=True)
class Node:
    """A running service and its gRPC address."""

    address: str
    process: Process


@contextmanager
def running(module: str, environment: Mapping[str, str], log: Path, *, root: Path = ROOT) -> Iterator[Process]:
    """Runs a module until the block ends; it is ready when the block begins."""
    process = Process(module, environment, log, root=root)
    try:
        process.wait_ready()
        yield process
    finally:
        process.stop()


def run_module(
    module: str, *arguments: str, environment: Mapping[str, str], root: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Runs a module to its end and returns what it wrote."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment_of(environment, root),
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment_of(own: Mapping[str, str], root: Path = ROOT) -> dict[str, str]:
    """Returns the environment of a process under test: the settings of the person who runs the tests stay out."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAMPART_")}
    return {**inherited, "PYTHONPATH": os.pathsep.join((str(root), str(root / "gen"))), **own}
