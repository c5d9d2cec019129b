"""docs/clients.md, whose examples tests run as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.support.processes import ROOT

__all__ = ["BLOCK", "SECTIONS", "reader_environment", "run"]

SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", (ROOT / "docs/clients.md").read_text(), re.M | re.S))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
PREPARE_SECONDS = 60


def run(script: str, folder: Path, environment: dict[str, str], seconds: float = PREPARE_SECONDS) -> str:
    """Returns what a script prints, as a person would run it. Fails the test with all of it if the script fails."""
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def reader_environment(home: Path) -> dict[str, str]:
    """Returns what the page has its reader export, for the platform of a state folder."""
    ((_, script),) = BLOCK.findall(SECTIONS["What a call needs"])
    told = run(f"{{\n{script}}} > /dev/null\nenv -0", ROOT, {**os.environ, "RAMPART_HOME": str(home)})
    return dict(line.partition("=")[::2] for line in told.split("\0") if "=" in line)
