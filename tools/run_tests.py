"""Runs all tests in two processes side by side, for most of them wait most of the time.

One has the tests of whole processes and platforms. The other gives way, so that what those time does not notice it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["run"]

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest")
BESIDE = (
    "tests/conformance",
    "tests/contract",
    "tests/generators",
    "tests/integration/services/fraud",
    "tests/integration/test_adding_a_service.py",
    "tests/load",
    "tests/support",
    "tests/unit",
)
GIVE_WAY = 5
"""How much nicer the process with these is."""


def run(first: Sequence[str], beside: Sequence[str]) -> int:
    """Runs both commands, and shows what the second has written when both have ended. Returns the worse status."""
    with tempfile.TemporaryFile() as written:
        both = [
            subprocess.Popen(first, cwd=ROOT),
            subprocess.Popen(beside, cwd=ROOT, stdout=written, stderr=subprocess.STDOUT, preexec_fn=_give_way),
        ]
        with _left_to(both):
            statuses = [each.wait() for each in both]
        written.seek(0)
        sys.stdout.write(written.read().decode(errors="replace"))
    return max(statuses, key=abs)


def _give_way() -> None:
    os.nice(GIVE_WAY)


@contextmanager
def _left_to(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Leaves it to processes to end what they have started: a terminal tells them of SIGINT itself."""

    def forward(number: int, _: object) -> None:
        for process in processes:
            process.send_signal(number)

    before = signal.signal(signal.SIGTERM, forward), signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def main() -> int:
    ignored = [f"--ignore={folder}" for folder in BESIDE]
    # The first is the one that remembers what failed, for `--last-failed`.
    return run([*PYTEST, *ignored], [*PYTEST, "-p", "no:cacheprovider", *BESIDE])


if __name__ == "__main__":
    sys.exit(main())
