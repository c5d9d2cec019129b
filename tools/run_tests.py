"""Runs all tests in three processes side by side, for most of them wait most of the time.

One has the tests of whole platforms. The others give way, so that what those time does not notice them. The last one
gives way most: it waits for little, and would leave the others to end alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

__all__ = ["run"]

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest")
BESIDE = (
    ("tests/integration",),
    ("tests/conformance", "tests/contract", "tests/generators", "tests/load", "tests/support", "tests/unit"),
)
"""What is not run by the first: all tests of whole platforms, which are the rest."""
GIVE_WAY = 3
"""How much nicer each of the processes with these is than the one before."""


def run(first: Sequence[str], *beside: Sequence[str]) -> int:
    """Runs all commands, and shows what the others have written when all have ended. Returns the worst status."""
    with ExitStack() as stack:
        written = [stack.enter_context(tempfile.TemporaryFile()) for _ in beside]
        running = [subprocess.Popen(first, cwd=ROOT)]
        for place, (command, file) in enumerate(zip(beside, written, strict=True), start=1):
            give_way = partial(os.nice, place * GIVE_WAY)
            running.append(
                subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, preexec_fn=give_way)
            )
        with _left_to(running):
            statuses = [each.wait() for each in running]
        for file in written:
            file.seek(0)
            sys.stdout.write(file.read().decode(errors="replace"))
    return max(statuses, key=abs)


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
    ignored = [f"--ignore={folder}" for folders in BESIDE for folder in folders]
    # The first is the one that remembers what failed, for `--last-failed`.
    return run([*PYTEST, *ignored], *[[*PYTEST, "-p", "no:cacheprovider", *folders] for folders in BESIDE])


if __name__ == "__main__":
    sys.exit(main())
