"""Runs a module under a wall clock that is wrong and jumps: `python -m tests.support.shifted_clock SECONDS MODULE`.

Python's wall clock is moved, back and forth every half second around the shift; the monotonic clock is let alone, as it
is when somebody sets the clock of a machine.
"""

from __future__ import annotations

import datetime
import runpy
import sys
import time


def shift_by(seconds: float) -> None:
    real_time, real_ns, real = time.time, time.time_ns, datetime.datetime

    def offset() -> float:
        return seconds if int(time.monotonic() * 2) % 2 else -seconds

    class Shifted(real):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return real.now(tz) + datetime.timedelta(seconds=offset())

    time.time = lambda: real_time() + offset()
    time.time_ns = lambda: real_ns() + int(offset() * 1e9)
    datetime.datetime = Shifted  # type: ignore[misc]


if __name__ == "__main__":
    shift_by(float(sys.argv[1]))
    module = sys.argv[2]
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
