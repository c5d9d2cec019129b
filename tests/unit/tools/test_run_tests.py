"""All tests run in two processes, of which either can fail."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from tools.run_tests import run


def command(text: str, status: int = 0) -> list[str]:
    return [sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"]


@pytest.mark.parametrize(("first", "beside", "status"), [(0, 0, 0), (1, 0, 1), (0, 2, 2), (1, 2, 2), (-9, 1, -9)])
def test_either_fails_all(first: int, beside: int, status: int) -> None:
    ended = [sys.executable, "-c", f"import os; os.kill(os.getpid(), {-first})"] if first < 0 else command("a", first)
    assert run(ended, command("b", beside)) == status


def test_what_the_second_writes_comes_whole_after_the_first(capfd: pytest.CaptureFixture[str]) -> None:
    script = "import time; print('a', flush=True); time.sleep(0.3); print('b')"
    assert run([sys.executable, "-c", script], command("c")) == 0
    assert capfd.readouterr().out.split() == ["a", "b", "c"]


def test_both_are_told_to_end_and_waited_for() -> None:
    script = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); time.sleep(30)"
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert run([sys.executable, "-c", script], [sys.executable, "-c", script]) == 7


def test_of_an_interrupt_they_hear_themselves_and_are_waited_for() -> None:
    script = "import time; time.sleep(1.0); raise SystemExit(5)"
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert run([sys.executable, "-c", script], command("b")) == 5
