"""What tests of commands share: an edge that answers what a test has it answer, and the state folder that names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.edge import running
from tests.support.task_edge import TaskEdge


@pytest.fixture
def edge() -> Iterator[TaskEdge]:
    with running(TaskEdge()) as edge:
        yield edge


@pytest.fixture
def home(tmp_path: Path, edge: TaskEdge) -> Path:
    (tmp_path / "dev.json").write_text(json.dumps(edge.dev_json()))
    return tmp_path
