"""Runs all tests in four processes side by side, for most of them wait most of the time.

One has the tests of whole platforms. The others give way, so that what those time does not notice them. The last one
gives way most: it waits for little, and would leave the others to end alone.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BESIDE", "Part", "run"]

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest")


@dataclass(frozen=True, slots=True)
class Part:
    """The tests of one process."""

    folders: tuple[str, ...]
    without: tuple[str, ...] = ()
    """Folders in these whose tests another process runs."""
    give_way: int = 3
    """How much nicer the process is than that of the platforms."""

    def command(self) -> list[str]:
        # The first process is the one that remembers what failed, for `--last-failed`.
        pytest = ["nice", "-n", str(self.give_way), *PYTEST, "-p", "no:cacheprovider"]
        return [*pytest, *self.folders, *(f"--ignore={folder}" for folder in self.without)]


BESIDE = (
    Part(("tests/integration/services/fraud",)),
    Part(("tests/integration",), without=("tests/integration/services/fraud",)),
    Part(
        ("tests/conformance", "tests/contract", "tests/generators", "tests/load", "tests/support", "tests/unit"),
        give_way=6,
    ),
)
"""What is not run by the first: all tests of whole platforms, which are the rest."""


def run(first: Sequence[str], *beside: Sequence[str]) -> int:
    """Runs all commands, and shows what the others have written when all have ended. Returns the worst status."""
    with ExitStack() as stack:
        written = [stack.enter_context(tempfile.TemporaryFile()) for _ in beside]
        running = [subprocess.Popen(first, cwd=ROOT)]
        for command, file in zip(beside, written, strict=True):
            running.append(subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT))
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
    ignored = [f"--ignore={folder}" for part in BESIDE for folder in part.folders]
    return run([*PYTEST, *ignored], *[part.command() for part in BESIDE])


if __name__ == "__main__":
    sys.exit(main())
