"""Runs `rampart lists` against a real HTTP server, and cuts files into parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console import list_files
from console.__main__ import main
from console.failure import WrongArgument
from console.list_files import parts, read_file
from tests.support.task_edge import Call, TaskEdge, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/lists"


def a_list(**changes: Any) -> dict[str, Any]:
    """A list as the API shows it."""
    return {
        "name": "blocked", "kind": "block", "field": "ip_address", "value_type": "ip", "description": "of October",
        "entry_count": 1234, "revision": "7", "create_time": "2026-01-01T00:00:00Z",
        "update_time": "2026-01-01T00:00:00Z", "etag": '"1"',
    } | changes  # fmt: skip


@pytest.fixture
def edge(edge: TaskEdge) -> TaskEdge:
    edge.answer = lambda call: (200, a_list())
    return edge


def command(home: Path, *arguments: str) -> int:
    return main(["lists", *arguments, "--home", str(home)])


def test_create_sends_what_was_said_under_a_name(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    assert command(home, "create", "blocked", "--kind", "block", "--field", "ip_address") == 0
    (call,) = edge.calls
    assert (call.method, call.path, set(call.query)) == ("POST", PATH, {"request_id"})
    assert call.body == {"name": "blocked", "kind": "block", "field": "ip_address"}
    assert "of October" in capsys.readouterr().out


def test_list_shows_what_each_is_about(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"lists": [a_list()], "next_page_token": ""})
    assert command(home, "list") == 0
    shown = capsys.readouterr().out
    assert all(words in shown for words in ("blocked", "ip_address", "1,234"))


def test_add_and_remove_say_what_became_of_the_values(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"list": a_list(), "added_count": 2, "changed_count": 2})
    assert command(home, "add", "blocked", "203.0.113.7", "a/b", "--note", "why", "--expire-time", "2030-01-01") == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("POST", f"{PATH}/blocked/entries:add")
    assert call.body is not None
    (first, second) = call.body["entries"]
    assert (first["value"], first["note"], second["value"]) == ("203.0.113.7", "why", "a/b")
    assert first["expire_time"].startswith("2030-01-01T00:00:00")
    assert capsys.readouterr().out == "2 added, 2 changed; blocked has 1,234 entries\n"
    edge.answer = lambda call: (200, {"list": a_list(), "removed_count": 1})
    assert command(home, "remove", "blocked", "203.0.113.7") == 0
    assert edge.calls[-1].body == {"values": ["203.0.113.7"]}
    assert capsys.readouterr().out == "1 removed; blocked has 1,234 entries\n"


def test_many_values_are_several_requests(home: Path, edge: TaskEdge) -> None:
    edge.answer = lambda call: (200, {"list": a_list(), "added_count": 1, "changed_count": 1})
    assert command(home, "add", "blocked", *map(str, range(2_001))) == 0
    assert [len((call.body or {})["entries"]) for call in edge.calls] == [1_000, 1_000, 1]


def test_entries_are_filtered_and_shown(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    entry = {"value": "203.0.113.7", "note": "why", "changed_by": "console", "change_time": "2026-01-01T00:00:00Z"}
    edge.answer = lambda call: (200, {"entries": [entry], "next_page_token": ""})
    assert command(home, "entries", "blocked", "--prefix", "203.") == 0
    assert edge.calls[0].query["prefix"] == "203."
    assert "203.0.113.7" in capsys.readouterr().out


def test_a_problem_ends_with_its_words(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(404, "RESOURCE_NOT_FOUND", "there is no such list")
    assert command(home, "show", "blocked") == 1
    assert "there is no such list (RESOURCE_NOT_FOUND)" in capsys.readouterr().err


class Imports:
    """Stands for the service: takes parts of two rows, of which `bad` is at fault."""

    def __init__(self, bad: str = "") -> None:
        self.bad = bad
        self.entered = 0
        self.rows = 0

    def __call__(self, call: Call) -> tuple[int, dict[str, Any]]:
        if call.path.endswith(":commit"):
            assert call.body is not None
            self.entered = min(self.entered + 2, call.body["rows"])
            counts = {"added_count": 2, "changed_count": 2}
            return 200, {"list": a_list(), "rows": call.body["rows"], "entered_rows": self.entered, **counts}
        first = call.query["first_row"]
        if first == self.bad:
            faults = [{"message": f"row {first}: must be an address"}, {"message": "row 9: must be an address"}]
            status, document = problem(400, "VALIDATION_FAILED", "no")
            return status, document | {"errors": faults}
        return 200, {"list": a_list(), "rows": 2, "entered_rows": 0, "added_count": 0, "changed_count": 0}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_files, "PART_ROWS", 2)


@pytest.mark.usefixtures("small_parts")
def test_import_sends_parts_of_one_import_and_commits_until_all_is_entered(
    home: Path, edge: TaskEdge, tmp_path: Path, capsys: Capture
) -> None:
    edge.answer = Imports()
    (tmp_path / "f.csv").write_text("value\na\nb\nc\nd\ne\n")
    assert command(home, "import", "blocked", str(tmp_path / "f.csv")) == 0
    staged, committed = edge.calls[:3], edge.calls[3:]
    assert [call.query["first_row"] for call in staged] == ["2", "4", "6"]
    assert len({call.query["import_id"] for call in staged}) == 1
    assert [call.body for call in committed] == [{"rows": 5}] * 3
    assert capsys.readouterr().out == "6 added, 6 changed; blocked has 1,234 entries\n"


@pytest.mark.usefixtures("small_parts")
def test_import_names_every_row_at_fault_and_commits_nothing(
    home: Path, edge: TaskEdge, tmp_path: Path, capsys: Capture
) -> None:
    edge.answer = Imports(bad="3")
    (tmp_path / "f.csv").write_text("a\nb\nc\nd\ne\n")
    assert command(home, "import", "blocked", str(tmp_path / "f.csv")) == 2
    assert [call.path.rpartition(":")[2] for call in edge.calls] == ["import"] * 3
    said = capsys.readouterr().err
    assert "Nothing was imported" in said
    assert "row 3: must be an address" in said
    assert "row 9: must be an address" in said


def read(path: Path, text: str) -> list[tuple[int, int, str]]:
    path.write_text(text)
    return [(part.first_row, part.rows, part.data.decode()) for part in parts(read_file(str(path)))]


@pytest.mark.usefixtures("small_parts")
def test_parts_keep_the_numbers_of_their_rows(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    assert read(file, "a\nb\nc\n") == [(1, 2, "a\nb\n"), (3, 1, "c\n")]
    assert read(file, "value\na\n\n\nb\nc\n") == [(2, 1, "a,,\n\n"), (5, 2, "b,,\nc,,\n")]
    assert read(file, 'note,value\n"x, y",a\n') == [(2, 1, 'a,,"x, y"\n')]
    assert read(file, "value,note\na,x,too much\n") == [(2, 1, "a,,x,too much\n")]


def test_long_rows_make_shorter_parts(tmp_path: Path) -> None:
    found = read(tmp_path / "f.csv", f"{'é' * 250},,{'é' * 250}\n" * 2_000)
    assert sum(rows for _, rows, _ in found) == 2_000
    assert max(len(data.encode()) for *_, data in found) < 1 << 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no row"),
        ("value\n\n", "has no row"),
        ('"a\n', "is no CSV"),
        ("value,colour\na,red\n", "may name"),
        ("a\n" * 1_000_001, "1,000,001 rows"),
    ],
)
def test_file_that_cannot_be_imported_is_refused_before_anything_is_sent(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(WrongArgument, match=words):
        read(tmp_path / "f.csv", text)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongArgument, match="cannot be read"):
        read_file(str(tmp_path / "none.csv"))
