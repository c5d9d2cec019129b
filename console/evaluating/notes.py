"""Remembers what an evaluation has set up, so that one that was interrupted goes on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from console.up.state import State

__all__ = ["FOLDER", "Notes"]

FOLDER = "evaluations"
"""Of the state folder."""


class Notes:
    """A file in the state folder, readable by the user alone: it holds the secret of a client."""

    def __init__(self, home: Path, name: str, *, restart: bool = False) -> None:
        self._state = State(home)
        self._file = f"{FOLDER}/{name}.json"
        (home / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._content = {} if restart else self._state.read_json(self._file)

    def get(self, name: str) -> dict[str, Any]:
        """Returns what was noted under a name; empty if nothing was."""
        found: dict[str, Any] = self._content.get(name, {})
        return found

    def put(self, name: str, content: dict[str, Any]) -> None:
        """Notes something at once."""
        self._content[name] = content
        self._state.write_json(self._file, self._content)
