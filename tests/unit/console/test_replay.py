"""Runs the command against a real HTTP server that can refuse, limit, disconnect and go away."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from console.replaying.records import TransactionFile
from tests.support.edge import DISCONNECT, Edge, Reply, problem, running

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = "transaction_id,event_time,user_id,merchant_id,amount,currency,channel,device_fingerprint,ip_address,is_fraud"


@pytest.fixture
def edge() -> Iterator[Edge]:
    with running(Edge()) as edge:
        yield edge


def command(*arguments: str) -> int:
    return main(["replay", *arguments])


def write_home(folder: Path, edge: Edge) -> Path:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "dev.json").write_text(json.dumps(edge.dev_json()))
    return home


def write_file(folder: Path, count: int, *, users: int = 7, amounts: tuple[float, ...] = (10.0,)) -> Path:
    path = folder / "payments.csv"
    lines = [COLUMNS]
    for row in range(count):
        amount = amounts[row % len(amounts)]
        lines.append(
            f"t-{row},2026-01-01T00:{row // 60 % 60:02}:{row % 60:02}Z,user-{row % users},shop-{row % 5},{amount},"
            f"USD,online,device-{row % users},198.51.100.{row % users},{int(amount > 200)}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def replay(tmp_path: Path, edge: Edge, file: Path, *options: str) -> int:
    return command(str(file), "--home", str(write_home(tmp_path, edge)), *options)


def test_every_row_is_sent_once_as_a_fraud_check(tmp_path: Path, edge: Edge) -> None:
    assert replay(tmp_path, edge, write_file(tmp_path, 50)) == 0
    assert edge.decided == {f"t-{row}": 1 for row in range(50)}
    assert next(one for one in edge.received if one["transaction_id"] == "t-3") == {
        "transaction_id": "t-3",
        "event_time": "2026-01-01T00:00:03Z",
        "user_id": "user-3",
        "transaction_amount": 10.0,
        "merchant_id": "shop-3",
        "currency": "USD",
        "channel": "online",
        "device_fingerprint": "device-3",
        "ip_address": "198.51.100.3",
    }


def test_the_handbooks_columns_become_card_payments_in_utc(tmp_path: Path, edge: Edge) -> None:
    path = tmp_path / "handbook.csv.gz"
    header = "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_TIME_SECONDS,TX_TIME_DAYS,TX_FRAUD"
    path.write_bytes(gzip.compress(f"{header}\n0,2018-04-01 00:00:31,596,3156,57.16,31,0,0\n1,x,,,,,,".encode()))
    assert replay(tmp_path, edge, path, "--limit", "1") == 0
    assert edge.received == [
        {
            "transaction_id": "handbook-0",
            "event_time": "2018-04-01T00:00:31Z",
            "user_id": "596",
            "transaction_amount": 57.16,
            "merchant_id": "3156",
            "channel": "card_present",
        }
    ]


def test_the_tables_count_outcomes_and_compare_them_with_the_labels(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file(tmp_path, 40, amounts=(10.0, 150.0, 250.0, 20.0))
    assert replay(tmp_path, edge, file) == 0
    shown = [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    for line in ("decisions 40", "approve 20", "review 10", "decline 10", "degraded 0", "errors 0"):
        assert line in shown
    assert "declined 1.000 1.000" in shown
    assert "declined or reviewed 0.500 1.000" in shown
    assert "AUC of confidence_score: 1.000" in shown


@pytest.mark.parametrize(
    "reply", [DISCONNECT, problem(503, "DEPENDENCY_UNAVAILABLE"), problem(504, "DEADLINE_EXCEEDED")]
)
def test_what_is_not_answered_is_sent_again_under_its_id(tmp_path: Path, edge: Edge, reply: Reply) -> None:
    edge.trouble = lambda request, attempt: reply if attempt < 3 else None
    assert replay(tmp_path, edge, write_file(tmp_path, 10)) == 0
    assert edge.attempts == {f"t-{row}": 3 for row in range(10)}
    assert edge.decided == {f"t-{row}": 1 for row in range(10)}


def test_everything_pauses_as_long_as_the_limit_asks(tmp_path: Path, edge: Edge) -> None:
    times: list[float] = []

    def limit(request: dict[str, Any], attempt: int) -> Reply | None:
        times.append(time.monotonic())
        return problem(429, "RATE_LIMITED", retry_after="1") if len(times) == 5 else None

    edge.trouble = limit
    assert replay(tmp_path, edge, write_file(tmp_path, 20), "--concurrency", "1") == 0
    assert times[5] - times[4] >= 1
    assert times[-1] - times[5] < 1
    assert sum(edge.decided.values()) == 20


def test_an_error_that_stays_is_counted_by_reason_and_tried_again_by_the_next_run(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    edge.trouble = lambda request, attempt: (
        problem(400, "VALIDATION_FAILED") if request["user_id"] == "user-1" else None
    )
    file = write_file(tmp_path, 14)
    assert replay(tmp_path, edge, file) == 1
    output = capsys.readouterr()
    assert "VALIDATION_FAILED" in output.out
    assert "2 transactions have no decision" in output.err
    edge.trouble = lambda request, attempt: None
    assert replay(tmp_path, edge, file) == 0
    assert edge.decided == {f"t-{row}": 1 for row in range(14)}


def test_a_platform_that_stays_away_ends_the_replay_which_then_goes_on(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    edge.trouble = lambda request, attempt: None if len(edge.decided) < 30 else problem(503, "DEPENDENCY_UNAVAILABLE")
    file = write_file(tmp_path, 50)
    assert replay(tmp_path, edge, file, "--patience", "0.5", "--concurrency", "4") == 1
    said = capsys.readouterr().err
    assert "No answer for 0.5 s: status 503." in said
    assert "20 transactions have no decision; the same command goes on with them." in said
    edge.trouble = lambda request, attempt: None
    assert replay(tmp_path, edge, file) == 0
    assert edge.decided == {f"t-{row}": 1 for row in range(50)}


def test_a_closed_port_is_one_clear_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(Edge()) as gone:
        pass
    assert replay(tmp_path, gone, write_file(tmp_path, 3), "--patience", "0.2") == 1
    assert f"No answer for 0.2 s: cannot connect to 127.0.0.1:{gone.port}" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_an_interrupted_replay_goes_on_where_it_stopped(
    tmp_path: Path, edge: Edge, number: signal.Signals, status: int
) -> None:
    edge.delay = 0.02
    file = write_file(tmp_path, 600)
    arguments = [str(file), "--home", str(write_home(tmp_path, edge)), "--concurrency", "8"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"}
    # A job that a shell put into the background ignores SIGINT, and what it starts would inherit that.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen([sys.executable, "-m", "console", "replay", *arguments], env=environment, cwd=ROOT)
    signal.signal(signal.SIGINT, inherited)
    while len(edge.decided) < 250:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(10) == status
    edge.delay = 0.0
    assert command(*arguments) == 0
    assert len(edge.decided) == 600
    again = [name for name, count in edge.attempts.items() if count > 1]
    # Those under way, and what a kill keeps from the journal: 0.25 s of answers.
    assert len(again) < 200
    sent = len(edge.received)
    assert command(*arguments) == 0
    assert len(edge.received) == sent


def test_half_a_line_at_the_end_of_the_journal_is_dropped(tmp_path: Path, edge: Edge) -> None:
    file = write_file(tmp_path, 10)
    assert replay(tmp_path, edge, file, "--limit", "5") == 0
    journal = tmp_path / "home" / "replays" / "payments.replay.jsonl"
    with journal.open("ab") as broken:
        broken.write(b'{"row": 7, "outco')
    assert replay(tmp_path, edge, file) == 0
    assert edge.decided == {f"t-{row}": 1 for row in range(10)}
    assert sorted(json.loads(line)["row"] for line in journal.read_bytes().splitlines()[1:]) == list(range(10))


def test_a_damaged_journal_is_one_clear_sentence(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file(tmp_path, 10)
    assert replay(tmp_path, edge, file) == 0
    journal = tmp_path / "home" / "replays" / "payments.replay.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'{"row": 0', b"{row"))
    assert replay(tmp_path, edge, file) == 1
    assert f"{journal} is damaged; --restart forgets it." in capsys.readouterr().err
    assert replay(tmp_path, edge, file, "--restart") == 0


def test_two_replays_of_one_file_do_not_run_at_once(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_file(tmp_path, 10)
    home = write_home(tmp_path, edge)
    (home / "replays").mkdir()
    with (home / "replays" / "payments.replay.jsonl").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert replay(tmp_path, edge, file) == 1
    assert "Another replay of this file is running" in capsys.readouterr().err


def test_a_restart_sends_everything_again(tmp_path: Path, edge: Edge) -> None:
    file = write_file(tmp_path, 10)
    assert replay(tmp_path, edge, file) == 0
    assert replay(tmp_path, edge, file, "--restart") == 0
    assert set(edge.attempts.values()) == {2}


def test_a_changed_file_is_not_taken_for_the_one_begun(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(tmp_path, edge, write_file(tmp_path, 10)) == 0
    assert replay(tmp_path, edge, write_file(tmp_path, 11)) == 1
    assert "--restart" in capsys.readouterr().err
    assert replay(tmp_path, edge, write_file(tmp_path, 11), "--name", "second") == 0
    assert "second-t-10" in edge.decided


def test_ordered_events_of_one_key_never_overlap_and_keep_their_order(tmp_path: Path, edge: Edge) -> None:
    edge.delay = 0.002
    file = write_file(tmp_path, 300, users=40)
    assert replay(tmp_path, edge, file, "--ordered") == 0
    assert edge.overlaps == []
    for key in ("user_id", "merchant_id", "device_fingerprint", "ip_address"):
        rows: dict[str, list[int]] = {}
        for request in edge.received:
            rows.setdefault(request[key], []).append(int(request["transaction_id"].removeprefix("t-")))
        assert all(seen == sorted(seen) for seen in rows.values())


def test_spellings_of_one_address_keep_their_order_as_one(tmp_path: Path) -> None:
    file = write_file(tmp_path, 3)
    text = file.read_text()
    for row, ip in enumerate(("2001:db8::7", "2001:DB8:0::7", "::ffff:198.51.100.2")):
        text = text.replace(f"198.51.100.{row},", f"{ip},")
    file.write_text(text)
    one, same, other = ([key for key in each.keys if "ip_" in key] for each in TransactionFile(file).records())
    assert (one, same, other) == (["ip_address=2001:db8::7"], ["ip_address=2001:db8::7"], ["ip_address=198.51.100.2"])


def test_unordered_events_run_at_once(tmp_path: Path, edge: Edge) -> None:
    edge.delay = 0.05
    started = time.monotonic()
    assert replay(tmp_path, edge, write_file(tmp_path, 64), "--concurrency", "64") == 0
    assert edge.overlaps
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("speed", [("--rate", "40/s"), ("--time-scale", "40")])
def test_a_pace_is_kept(tmp_path: Path, edge: Edge, speed: tuple[str, str]) -> None:
    started = time.monotonic()
    assert replay(tmp_path, edge, write_file(tmp_path, 41), *speed) == 0
    early = [row for row, at in enumerate(edge.times) if at < started + row / 40]
    assert not early
    assert edge.times[-1] - edge.times[0] < 5


def test_a_refused_token_is_renewed_once_for_all(tmp_path: Path, edge: Edge) -> None:
    def revoke(request: dict[str, Any], attempt: int) -> Reply | None:
        if request["transaction_id"] == "t-20" and attempt == 1:
            edge.tokens += 1
        return None

    edge.trouble = revoke
    edge.delay = 0.005
    assert replay(tmp_path, edge, write_file(tmp_path, 40), "--concurrency", "8") == 0
    assert edge.decided == {f"t-{row}": 1 for row in range(40)}
    assert edge.tokens == 3


def test_a_token_is_renewed_before_it_expires(tmp_path: Path, edge: Edge) -> None:
    edge.token_lifetime = 1
    assert replay(tmp_path, edge, write_file(tmp_path, 50), "--rate", "50", "--concurrency", "1") == 0
    assert edge.tokens == 2


def test_wrong_credentials_are_one_clear_sentence(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    options = ("--base-url", edge.base_url, "--client-id", "client-1", "--client-secret-file", str(secret))
    assert replay(tmp_path, edge, write_file(tmp_path, 3), *options) == 1
    assert "The platform refuses the client credentials (invalid_client)." in capsys.readouterr().err


HEADER = "transaction_id,event_time,user_id,amount,channel"
TIME = "2026-01-01T00:00:00Z"


def wrong_file(header: str, *lines: str) -> str:
    return "\n".join([header, *lines, ""])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "line 1: column transaction_id is missing"),
        (
            wrong_file(HEADER, f"t,{TIME},u,1,card_present", f"t,{TIME},u,-1,card_present"),
            "line 3, column amount: '-1' must be an amount",
        ),
        (wrong_file(HEADER, "t,yesterday,u,1,card_present"), "line 2, column event_time: 'yesterday' must be a time"),
        (wrong_file(HEADER, f"t,{TIME},,1,card_present"), "line 2, column user_id: '' is required"),
        (wrong_file(HEADER, f"t,{TIME},u"), "line 2, has 3 columns; expected 5"),
        (
            wrong_file(f"{HEADER},is_fraud", f"t,{TIME},u,1,card_present,maybe"),
            "line 2, column is_fraud: 'maybe' must be 0 or 1",
        ),
        (
            wrong_file(HEADER, f't,{TIME},"u\nv",1,card_present', f"t,{TIME},u,x,card_present"),
            "line 2, column user_id: 'u\\nv'",
        ),
        (
            wrong_file(HEADER, f't,{TIME},u,1,"card_present"', f"t,{TIME},u,x,card_present"),
            "line 3, column amount: 'x'",
        ),
        (wrong_file(f"{HEADER},currency", f"t,{TIME},u,1,card_present,usd"), "line 2, column currency: 'usd'"),
        (
            wrong_file(f"{HEADER},currency", f"t,{TIME},u,1,card_present,ZZZ"),
            "line 2, column currency: 'ZZZ' must be a",
        ),
        (
            wrong_file(f"{HEADER},currency", f"t,{TIME},u,10.5,card_present,JPY"),
            "line 2, column amount: 10.5 must have at",
        ),
        (wrong_file(HEADER, f"t,{TIME},u,1,CARD_PRESENT"), "line 2, column channel: 'CARD_PRESENT'"),
        (
            wrong_file(f"{HEADER},currency", f"t,{TIME},u,100000000001,card_present,CLF"),
            "line 2, column amount: 100000000001.0 must be at most 100000000000 in CLF",
        ),
        (
            wrong_file(f"{HEADER},ip_address", f"t,{TIME},u,1,card_present,fe80::1%eth0"),
            "line 2, column ip_address: 'fe80::1%eth0' must be an IPv4 or IPv6 address without zone",
        ),
        (
            wrong_file(
                HEADER, f"t,{TIME},u,1,card_present", f"v,{TIME},u,1,card_present", f"t,{TIME},u,2,card_present"
            ),
            "line 4, column transaction_id: 't' stands in an earlier line as well",
        ),
        (wrong_file(HEADER, f"t,{TIME},u\0,1,card_present"), "line 2, column user_id: 'u\\x00'"),
        (wrong_file(HEADER, f"{'t' * 200},{TIME},u,1,card_present"), "line 2, column transaction_id: 'ttt"),
        (wrong_file(HEADER, f"t,{TIME},u,1,online"), "line 2, column device_fingerprint: "),
        (wrong_file(HEADER, f"t,{TIME},u,0.1000000000000000055,card_present"), "digits"),
        (wrong_file(f"{HEADER},amount", f"t,{TIME},u,1,card_present,99"), "line 1: column amount is there 2 times"),
        (wrong_file(f"{HEADER},user_id", f"t,{TIME},u,1,card_present,v"), "line 1: column user_id is there 2 times"),
        (wrong_file(f"{HEADER},is_fraud,is_fraud", f"t,{TIME},u,1,card_present,0,1"), "column is_fraud is there 2"),
        (
            wrong_file(f"{HEADER}, currency", f"t,{TIME},u,1,card_present,EUR"),
            "column ' currency' would not be",
        ),
        (wrong_file(HEADER.replace("amount", "Amount"), f"t,{TIME},u,1,card_present"), "column 'Amount' would not be"),
    ],
)
def test_a_wrong_file_is_refused_by_line_column_and_value_before_anything_is_sent(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(text)
    assert replay(tmp_path, edge, file) == 1
    said = capsys.readouterr().err
    assert f"{file}, {message}" in said or message in said.splitlines()[0]
    assert str(file) in said
    assert "Nothing was sent." in said
    assert edge.received == []


def test_the_first_ten_wrong_lines_are_named_at_once(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(
        wrong_file(HEADER, *[f"t{row},{TIME},u,1,{'card_present' if row % 2 else 'x'}" for row in range(40)])
    )
    assert replay(tmp_path, edge, file) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(", line ")[2].partition(",")[0] for line in said[:10]] == [str(n) for n in range(2, 22, 2)]
    assert said[10] == "and further lines"


@pytest.mark.parametrize(
    "time",
    [
        "20260127", "2026-W48-5", "2026-01-27*01", "2026-01-27", "2026-01-27T01", "2026-01-27T0102",
        "2026-027T01:02:03Z", "2026-01-27T25:00:00Z", "2026-02-30T01:02:03Z", "2026-01-27T01:02:03+0100",
        "2026-01-27T01:02:03,5Z",
        "2026-01-27T01:02:03Z ", "0001-01-01T00:00:00+14:00", "\u0662\u0660\u0662\u0666-01-27T01:02:03Z",
    ],
)  # fmt: skip
def test_a_time_that_is_not_in_the_documented_form_is_refused(tmp_path: Path, edge: Edge, time: str) -> None:
    file = tmp_path / "times.csv"
    file.write_text(wrong_file(HEADER, f"t,{time},u,1,card_present"))
    assert replay(tmp_path, edge, file) == 1
    assert edge.received == []


@pytest.mark.parametrize(
    ("time", "sent"),
    [
        ("2026-01-27t01:06:12z", "2026-01-27T01:06:12Z"),
        ("2026-01-27 01:06:12", "2026-01-27T01:06:12Z"),
        ("2026-01-27T01:06:12.123456789+01:00", "2026-01-27T00:06:12.123456Z"),
        ("2026-01-27T01:06:12.5Z", "2026-01-27T01:06:12.500000Z"),
    ],
)
def test_every_form_of_rfc_3339_is_read(tmp_path: Path, edge: Edge, time: str, sent: str) -> None:
    file = tmp_path / "times.csv"
    file.write_text(wrong_file(HEADER, f"t,{time},u,1,card_present"))
    assert replay(tmp_path, edge, file) == 0
    assert edge.received[0]["event_time"] == sent


def test_what_the_platform_refuses_is_named_by_line_column_and_value_and_not_promised_to_go_away(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {
        "reason": "VALIDATION_FAILED",
        "errors": [{"field": "transaction_amount", "message": "has too many digits"}],
    }
    edge.trouble = lambda request, attempt: (400, {}, json.dumps(refused).encode())
    assert replay(tmp_path, edge, write_file(tmp_path, 20), "--concurrency", "1") == 1
    said = capsys.readouterr()
    for line in (2, 3, 4):
        assert f"VALIDATION_FAILED: line {line}, column amount: 10.0 has too many digits" in said.out
    assert "line 5" not in said.out
    assert "20 were refused as shown above, and will be again until the cause is mended" in said.err
    assert "goes on" not in said.err


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (f"{HEADER}\nt,{TIME},m\u00fcller,1,card_present\n".encode("latin-1"), "line 2: byte 25 of it is 0xfc"),
        (f"{HEADER}\n".encode("utf-16"), "line 1: byte 1 of it is 0xff"),
        (gzip.compress(f"{HEADER}\nt,{TIME},\xff".encode("latin-1")), "line 2: byte 24 of it is 0xff"),
    ],
)
def test_a_file_in_another_encoding_is_refused_by_line_and_byte(
    tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str], content: bytes, place: str
) -> None:
    file = tmp_path / ("wrong.csv.gz" if content.startswith(b"\x1f") else "wrong.csv")
    file.write_bytes(content)
    assert replay(tmp_path, edge, file) == 1
    assert f"{file}, {place}; expected text in UTF-8. Nothing was sent." in capsys.readouterr().err
    assert edge.received == []


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path, edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path, edge, tmp_path / "none.csv") == 1
    assert "No such file or directory" in capsys.readouterr().err
