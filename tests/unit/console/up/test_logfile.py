"""Logs of child processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.up import logfile


def test_the_log_of_the_last_run_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "fraud.log"
    for text in ("first", "second"):
        logfile.rotate(log)
        log.write_text(text)
    assert (tmp_path / "fraud.log.1").read_text() == "first"
    assert log.read_text() == "second"


def test_a_log_that_grew_large_starts_over_while_its_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "LARGEST_BYTES", 10)
    log = tmp_path / "fraud.log"
    with open(log, "ab", buffering=0) as writer:
        writer.write(b"more than ten bytes\n")
        logfile.bound(log)
        writer.write(b"next\n")
    assert log.read_bytes() == b"next\n"
    assert (tmp_path / "fraud.log.1").read_bytes() == b"more than ten bytes\n"


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "fraud.log"
    log.write_text("short")
    logfile.bound(log)
    assert [path.name for path in tmp_path.iterdir()] == ["fraud.log"]


@pytest.mark.parametrize(
    ("content", "last"),
    [
        ('{"message": "starting"}\n{"message": "cannot listen"}\n\n', "cannot listen"),
        ("Traceback\nValueError: no\n", "ValueError: no"),
        ("", "it said nothing"),
        ("[1]\n", "[1]"),
    ],
)
def test_the_last_words_are_read_from_json_and_from_plain_lines(tmp_path: Path, content: str, last: str) -> None:
    log = tmp_path / "fraud.log"
    log.write_text(content)
    assert logfile.last_line(log) == last
