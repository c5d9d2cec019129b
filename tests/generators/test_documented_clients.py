"""The examples of docs/clients.md make a first call over mutual TLS, as they stand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.generators.toolbox import FULL, HINT
from tests.steelthread.platform import Platform
from tests.support.client_page import BLOCK, SECTIONS, reader_environment, run

PROGRAMS = {"Python": ["python3"], "Go": ["go"], "TypeScript": ["node", "npm"], "Java": ["java", "mvn"]}
FILE = re.compile(r"\A(?://|#|<!--) ([\w./-]+)(?: -->)?\n")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Debian's Maven 3.8 sets them back at its end, also with --batch-mode and into a pipe."""
RUN_SECONDS = 900


def languages() -> list[Any]:
    """Returns all languages. Those that cannot be tried are skipped before a platform starts for them."""
    found = []
    for language, programs in PROGRAMS.items():
        missing = [program for program in programs if shutil.which(program) is None]
        reason = f"{missing[0]} is not on this machine" if missing else HINT
        found.append(pytest.param(language, marks=pytest.mark.skipif(bool(missing) or not FULL, reason=reason)))
    return found


def test_every_language_is_tried() -> None:
    assert set(SECTIONS) - {"What a call needs", "Connect and gRPC-Web"} == set(PROGRAMS)


@pytest.mark.parametrize("language", languages())
async def test_example_makes_a_decision(language: str, platform: Platform, tmp_path: Path) -> None:
    environment = reader_environment(platform.home)
    for kind, text in BLOCK.findall(SECTIONS[language]):
        if kind == "sh":
            script = text
        else:
            named = FILE.match(text)
            assert named is not None, f"a block of {language} does not say which file it is"
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    outcome, decision_id = COLOURS.sub("", run(script, tmp_path, environment, RUN_SECONDS)).split()[-2:]
    stored = await platform.edge().get(f"/api/v1/decisions/{decision_id}")
    assert (stored["outcome"], stored["user_id"]) == (outcome, "ada")
