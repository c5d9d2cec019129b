"""The table of security requirements names what there is."""

from __future__ import annotations

import re

import pytest

from tests.support.processes import ROOT

LINES = [line for line in (ROOT / "docs/security.md").read_text().splitlines() if line.startswith("| S")]
TESTS = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
FILES = {path.name for folder in ("services", "meshkit", "gateway") for path in (ROOT / folder).rglob("*.py")}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_requirement_has_its_line_in_order() -> None:
    assert [cells(line)[0] for line in LINES] == [f"S{number}" for number in range(1, 36)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: cells(line)[0])
def test_what_a_line_names_is_there(line: str) -> None:
    _, _, state, where, tests = cells(line)
    assert re.match(r"held|partly: |not yet: ", state)
    names = re.findall(r"`([\w./-]+(?:\.py|/|\.proto))`", f"{where} {tests}")
    for name in names:
        known = TESTS | FILES if "/" not in name else set()
        assert name in known or (ROOT / name).exists(), name
    assert state.startswith("not yet") or "test_" in tests or "tests/" in tests or "tools/" in tests
