"""The port by which the parts of a start report what they do."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Shows progress and events."""

    def doing(self, text: str) -> None:
        """Names the step that has begun; naming it again changes nothing."""

    def event(self, text: str) -> None:
        """Tells what happened by itself, such as the death of a process."""


class Silent:
    """Shows nothing."""

    def doing(self, text: str) -> None:
        del text

    def event(self, text: str) -> None:
        del text
