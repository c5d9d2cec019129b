"""Keys of services for tests: files for processes, and continuations for servicers that run in the test."""

from __future__ import annotations

import secrets
from pathlib import Path

from meshkit.continuations import Continuations
from meshkit.pages import Pages
from meshkit.topology import load

__all__ = ["CONTINUATIONS", "PAGES", "key_files"]

CONTINUATIONS = Continuations([secrets.token_bytes(32)])
PAGES = Pages(CONTINUATIONS)


def key_files(service: str, folder: Path) -> dict[str, str]:
    """Returns the settings of a service's keys, with files of this folder."""
    found = {}
    for key in load().service(service).keys:
        path = folder / key.file
        if not path.exists():
            path.write_text(secrets.token_hex(32))
        found[key.setting] = str(path)
    return found
