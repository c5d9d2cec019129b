"""All tests run in several processes, of which any can fail."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from tools.run_tests import BESIDE, ROOT, Part, run


def command(text: str, status: int = 0) -> list[str]:
    return [sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"]


@pytest.mark.parametrize(
    ("first", "second", "third", "status"),
    [(0, 0, 0, 0), (1, 0, 0, 1), (0, 2, 0, 2), (0, 0, 3, 3), (1, 2, 1, 2), (-9, 1, 0, -9)],
)
def test_any_fails_all(first: int, second: int, third: int, status: int) -> None:
    ended = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {-first})"] if first < 0 else command("a", first)
    assert run(ended, command("b", second), command("c", third)) == status


def test_what_the_others_write_comes_whole_after_the_first(capfd: pytest.CaptureFixture[str]) -> None:
    script = "import time; print('a', flush=True); time.sleep(0.3); print('b')"
    slow = "import time; print('c', flush=True); time.sleep(0.2); print('d')"
    assert run([sys.executable, "-c", script], [sys.executable, "-c", slow], command("e")) == 0
    assert capfd.readouterr().out.split() == ["a", "b", "c", "d", "e"]


def test_every_test_is_run_by_one() -> None:
    def runs(part: Part, file: Path) -> bool:
        """pytest leaves out what a folder holds that it is told to ignore."""
        inside, outside = ([file.is_relative_to(ROOT / each) for each in some] for some in (part.folders, part.without))
        return any(inside) and not any(outside)

    runners = {file: sum(runs(part, file) for part in BESIDE) for file in (ROOT / "tests").rglob("test_*.py")}
    assert set(runners.values()) == {0, 1}
    by_the_first = {file for file, count in runners.items() if not count}
    assert by_the_first == set((ROOT / "tests/steelthread").rglob("test_*.py"))


def test_the_others_give_way_to_the_platforms() -> None:
    for part in BESIDE:
        program, option, by, *_ = part.command()
        assert (program, option) == ("nice", "-n") and int(by) > 0


def test_all_are_told_to_end_and_waited_for() -> None:
    script = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); time.sleep(30)"
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert run([sys.executable, "-c", script], [sys.executable, "-c", script]) == 7


def test_of_an_interrupt_they_hear_themselves_and_are_waited_for() -> None:
    script = "import time; time.sleep(1.0); raise SystemExit(5)"
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert run([sys.executable, "-c", script], command("b")) == 5
