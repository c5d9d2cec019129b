"""The examples of docs/clients.md make a first call over mutual TLS, as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.generators.toolbox import FULL, HINT
from tests.steelthread.platform import Platform

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", (ROOT / "docs/clients.md").read_text(), re.M | re.S))
PROGRAMS = {"Python": ["python3"], "Go": ["go"], "TypeScript": ["node", "npm"], "Java": ["java", "mvn"]}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"\A(?://|#|<!--) ([\w./-]+)(?: -->)?\n")
PREPARE_SECONDS = 60
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Debian's Maven 3.8 sets them back at its end, also with --batch-mode and into a pipe."""
RUN_SECONDS = 900


def run(script: str, folder: Path, environment: dict[str, str], seconds: float) -> str:
    """Returns what a script prints, as a person would run it. Fails the test with all of it if the script fails."""
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def environment(platform: Platform) -> dict[str, str]:
    """What the page has its reader export."""
    ((_, script),) = BLOCK.findall(SECTIONS["What a call needs"])
    told = run(
        f"{{\n{script}}} > /dev/null\nenv -0", ROOT, {**os.environ, "RAMPART_HOME": str(platform.home)}, PREPARE_SECONDS
    )
    return dict(line.partition("=")[::2] for line in told.split("\0") if "=" in line)


def test_every_language_is_tried() -> None:
    assert set(SECTIONS) - {"What a call needs", "Connect and gRPC-Web"} == set(PROGRAMS)


@pytest.mark.parametrize("language", PROGRAMS)
async def test_example_makes_a_decision(
    language: str, environment: dict[str, str], platform: Platform, tmp_path: Path
) -> None:
    missing = [program for program in PROGRAMS[language] if shutil.which(program) is None]
    if missing or not FULL:
        pytest.skip(f"{missing[0]} is not on this machine" if missing else HINT)
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


async def test_connect_decides_by_its_grpc_name(
    environment: dict[str, str], platform: Platform, tmp_path: Path
) -> None:
    ((_, script),) = BLOCK.findall(SECTIONS["Connect and gRPC-Web"])
    decision = json.loads(run(script, tmp_path, environment, PREPARE_SECONDS))["decision"]
    stored = await platform.edge().get(f"/api/v1/decisions/{decision['decisionId']}")
    assert (stored["outcome"], stored["user_id"]) == (decision["outcome"], "ada")
