"""Has a process leave the processors to those that decide."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["NICEST", "give_way"]

NICEST = 19
AUTOGROUP = Path("/proc/self/autogroup")
"""Where Linux groups processes by session, how nice one is counts within its group alone: the group is to be, too."""


def give_way(nice: int) -> None:
    """Makes this process, which has a session of its own, nicer. The nicest gets only what time is left."""
    os.nice(nice)
    if nice == NICEST:
        with suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(OSError):
        AUTOGROUP.write_text(str(nice))
