"""What others have written is shown, and obeyed by no terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from console.plain import plain
from tests.support.task_edge import TaskEdge, problem, task

EVIL = "\x1b[2Jx\x9b31m\u202ey"
SHOWN = "�[2Jx�31m�y"


def test_only_what_is_obeyed_is_replaced() -> None:
    assert plain(EVIL) == SHOWN
    assert plain("a\tb\nZoë \u200d\u05d0") == "a\tb\nZoë \u200d\u05d0"


@pytest.mark.parametrize("action", [("list",), ("show", "0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57")])
def test_names_and_errors_of_others_are_shown_harmlessly(
    home: Path, edge: TaskEdge, capsys: pytest.CaptureFixture[str], action: tuple[str, ...]
) -> None:
    lists: dict[str, dict[str, Any]] = {
        "tasks": {"tasks": [task(title=EVIL)], "next_page_token": ""},
        "attempts": {"attempts": [], "next_page_token": ""},
    }
    edge.answer = lambda call: (200, lists.get(call.path.rpartition("/")[2], task(title=EVIL)))
    assert main(["task", *action, "--home", str(home)]) == 0
    assert SHOWN in capsys.readouterr().out
    assert main(["task", *action, "--json", "--home", str(home)]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == EVIL, "scripts get it as it is"
    edge.answer = lambda call: problem(400, "VALIDATION_FAILED", EVIL)
    assert main(["task", *action, "--home", str(home)]) == 2
    assert SHOWN in capsys.readouterr().err
