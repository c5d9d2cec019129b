"""A clock that stands until a test moves it."""

from __future__ import annotations

from typing import Generic, TypeVar

__all__ = ["Clock"]

Time = TypeVar("Time")


class Clock(Generic[Time]):
    """Tells the time that it was given last."""

    def __init__(self, now: Time) -> None:
        self.now = now

    def __call__(self) -> Time:
        return self.now
