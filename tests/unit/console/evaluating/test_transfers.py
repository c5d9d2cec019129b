"""Transfers of a simulator: how they are read, and how accounts are ranked."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.evaluating.laundering import rank, written_score
from console.evaluating.transfers import SimulatedTransfers, Transfer, step_length
from console.failure import CommandFailure

HEADER = "sourceNodeId,targetNodeId,value,time\n"
NODES = "nodeid,isFraud,init_balance\n1,1,5\n2,True,5\n3,0,5\n"


def folder(path: Path, transfers: str, nodes: str = NODES) -> Path:
    (path / "nodes.csv").write_text(nodes)
    with gzip.open(path / "transactions.csv.gz", "wt") as file:
        file.write(HEADER + transfers)
    return path


def test_transfers_of_a_step_follow_each_other_by_seconds(tmp_path: Path) -> None:
    read = SimulatedTransfers(folder(tmp_path, "1,2,10.5,1\n2,3,7,1\n3,1,8,4\n"))
    assert (read.steps, read.is_fraud) == (4, {"1": True, "2": True, "3": False})
    start, day = datetime(2026, 1, 1, tzinfo=UTC), step_length(read.steps)
    requests = [json.loads(each.request(start, day).body) for each in read.transfers()]
    assert [each["event_time"] for each in requests] == [
        "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-04T00:00:00Z",
    ]  # fmt: skip
    assert requests[0]["fields"] == {"payer": "1", "payee": "2", "amount": {"amount": 10.5, "currency": "USD"}}
    assert len({each["transaction_id"] for each in requests}) == 3


@pytest.mark.parametrize(("steps", "days"), [(1, 1.0), (150, 1.0), (300, 0.5)])
def test_many_steps_are_shorter_so_that_none_is_too_old_for_the_graph(steps: int, days: float) -> None:
    assert step_length(steps) == timedelta(days=days)


def test_a_step_with_more_transfers_than_seconds_ends_before_the_next() -> None:
    many = Transfer(1, "1", "2", 10.5, step=2, place=100_000)
    told = json.loads(many.request(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=12)).body)
    assert told["event_time"] == "2026-01-01T23:59:59Z"


@pytest.mark.parametrize(
    ("transfers", "words"),
    [("1,2,much,1\n", "line 2"), ("1,2,5,2\n1,2,5,1\n", "line 3"), ("1,2,5,0\n", "line 2"), ("", "no transfers")],
)
def test_what_is_no_transfer_is_said_with_its_line(tmp_path: Path, transfers: str, words: str) -> None:
    with pytest.raises(CommandFailure, match=words):
        SimulatedTransfers(folder(tmp_path, transfers))


def test_a_folder_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailure, match=r"transactions\.csv"):
        SimulatedTransfers(tmp_path)


def test_small_amounts_again_and_again_from_many_score_highest() -> None:
    quiet = {"most_repeats": 1, "fan_in": 2}
    many, again = {**quiet, "fan_in": 9}, {**quiet, "most_repeats": 5, "smallest_repeated": {"amount": 80.0}}
    small = {**again, "smallest_repeated": {"amount": 4.0}}
    scores = [written_score(each) for each in (None, quiet, many, again, small)]
    assert scores == sorted(scores) and scores[0] == 0


def test_a_ranking_says_what_a_score_was_worth() -> None:
    found = rank("all right", [3.0, 2.0, 1.0], [True, True, False])
    assert (found.auc, found.average_precision, found.precision) == (1.0, 1.0, 2 / 3)
