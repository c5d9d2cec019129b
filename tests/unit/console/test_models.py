"""Runs `rampart model` against a real HTTP server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge

MEASURED: dict[str, Any] = {
    "rows": "500", "frauds": "40", "learned_rows": "4000", "learned_frauds": "310", "unreadable": "0",
    "average_precision": 0.5123, "auc_roc": 0.87, "card_precision": 0.12, "recall_at_1_percent": 0.44,
    "calibration_error": 0.004, "certain": {"threshold": 0.95, "acted": "12", "caught": "11", "precision": 0.917},
    "thresholds": [], "reliability": [],
}  # fmt: skip
VERSION: dict[str, Any] = {
    "name": "cards", "version": 1, "origin": "trained", "state": "ready", "error": "", "features": ["amount"],
    "fingerprint": "f" * 64, "created_by": "ana", "create_time": "2026-01-01T00:00:00Z", "metrics": MEASURED,
}  # fmt: skip


@pytest.mark.parametrize("has_validation", [True, False])
def test_a_version_is_shown_with_what_it_was_worth_on_the_test_and_on_validation(
    home: Path, edge: TaskEdge, capsys: pytest.CaptureFixture[str], has_validation: bool
) -> None:
    told = {"validation_metrics": MEASURED | {"average_precision": 0.4321}} if has_validation else {}
    edge.answer = lambda call: (200, VERSION | told)
    assert main(["model", "version", "cards", "1", "--home", str(home)]) == 0
    said = capsys.readouterr().out
    assert "0.5123" in said and "4,000 rows with 310 frauds" in said
    assert ("0.4321" in said, "validation" in said) == (has_validation, has_validation)
