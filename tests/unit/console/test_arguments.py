"""Runs the command line with arguments that cannot be meant: each ends with one sentence and status 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rampart.auth.v1.client_pb2 import Client

import console.__main__ as command_line
from console.__main__ import FAULT, main
from console.arguments import MOST_UNITS
from meshkit.errors import MeshError
from meshkit.rpc.interceptors.validation import validate

TASK = "0189d0c0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("client create --tenant acme --rate-limit -1", "--rate-limit: must be a whole number from 1 to 1000000"),
        ("client create --tenant acme --rate-limit 0", "to stop a client, disable it"),
        ("client create --tenant acme --rate-limit 1_000", "not '1_000'"),
        ("client create --tenant acme --rate-limit \u0661", "must be a whole number"),
        ("client create --tenant acme --rate-limit 99999999999999999999", "must be a whole number"),
        ("client create --tenant acme --tenant globex", "--tenant: is given twice"),
        ("tenant create t --rate-limit -1", "--rate-limit: must be"),
        ("tenant create t --rate-limit 0", "to stop a tenant, use `rampart tenant suspend`"),
        ("tenant create t --user-rate-limit -1", "--user-rate-limit: must be"),
        ("tenant plan t --class-limit write=0", "must be a whole number from 1"),
        ("tenant plan t --class-limit write=99999999999", "must be a whole number from 1"),
        ("tenant plan t --class-limit write=-5", "not '-5'"),
        ("tenant plan t --class-limit public=1", "must be CLASS=N with one of decision, read, write"),
        ("task list --limit 0", "--limit: must be a whole number from 1"),
        ("task list --lim 5", "unrecognized arguments"),
        ("task create x --max-attempts 101", "from 1 to 100"),
        ("task create x --due-time 20260101", "must be a time such as"),
        ("task create x --due-time 9999-12-31T23:59:59-23:59", "must be a time such as"),
        ("task create x --arguments [1]", "must be a JSON object"),
        ('task create x --arguments {"a":1,"a":2}', "'a' is there twice"),
        ('task create x --arguments {"a":NaN}', "NaN is no JSON number"),
        ("task create x --arguments " + "[" * 100_000, "must be a JSON object"),
        ("task show {0189d0c0-0000-7000-8000-000000000000}", "must be the identifier of a task"),
        (f"task watch {TASK} --patience nan", "--patience: must be a number"),
        ("simulate --days 1_0", "--days: must be a whole number"),
        ("simulate --start 20260101", "must be a date such as 2026-01-31"),
        ("simulate --start 2026-W01-1", "must be a date such as 2026-01-31"),
        ("simulate --start 9999-12-31 --days 3", "end after the year 9999"),
        ("simulate --online-share nan", "--online-share: must be a number from 0 to 1"),
        ("replay x.csv --rate 1e400", "--rate: must be a number"),
        ("replay x.csv --rate -5", "--rate: must be a number"),
        ("replay x.csv --concurrency 99999999999", "--concurrency: must be"),
        ("replay x.csv --patience inf", "--patience: must be"),
        ("replay x.csv --name \udcff", "is not UTF-8"),
        ("up --replicas fraud", "--replicas: must be a whole number from 1 to 16"),
        ("up --replicas nobody=2", "must be SERVICE=N with one of auth, user, task, fraud, data"),
        ("up --replicas fraud=2 --replicas fraud=3", "names a service twice"),
        ("up --gateway-workers 0", "--gateway-workers: must be a whole number from 1 to 64"),
        ("task list --base-url ftp://x", "--base-url: must be an http or https address"),
        ("task list --base-url http://h:99999", "--base-url: must be an http or https address"),
        ("task list --base-url http://[::1", "--base-url: must be an http or https address"),
        ("task list --base-url https://me@h", "without user, query and fragment"),
        ("replay f.csv --base-url https://h?a=b", "without user, query and fragment"),
        ("task list --base-url https://h", "--base-url needs --client-id and --client-secret-file"),
        ("", "required: COMMAND"),
    ],
)
def test_arguments_that_cannot_be_meant_end_with_one_sentence_and_status_2(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(line.split(" ") if line else [])
    except SystemExit as end:
        status = end.code  # type: ignore[assignment]
    shown = capsys.readouterr().err
    assert status == 2
    assert said in shown
    assert shown.count("\n") == 1
    assert shown.startswith("rampart")


def test_the_largest_limit_is_that_of_the_protos() -> None:
    validate(Client(rate_limit=MOST_UNITS))
    with pytest.raises(MeshError):
        validate(Client(rate_limit=MOST_UNITS + 1))


def test_a_fault_of_a_command_is_a_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(home: Path, environment: object = None) -> tuple[str, object]:
        raise ValueError("what nobody thought of")

    monkeypatch.setattr("console.directory.find_auth", fail)
    assert main(["tenant", "create", "acme"]) == FAULT
    shown = capsys.readouterr().err
    assert shown.startswith("rampart: A fault of this command: ValueError what nobody thought of")
    assert shown.count("\n") == 1


def test_a_fault_shows_where_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(command_line.TRACEBACK, "1")
    monkeypatch.setattr("console.directory.find_auth", lambda home: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["tenant", "create", "acme"])


def test_help_needs_nothing_but_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "console", "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
