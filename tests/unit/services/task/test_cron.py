"""Cron expressions in time zones: changes to and from summer time, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from services.task.service.cron import next_run


def runs(cron: str, time_zone: str, after: str, count: int) -> list[str]:
    moment: datetime | None = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = []
    for _ in range(count):
        assert moment is not None
        moment = next_run(cron, time_zone, moment)
        assert moment is not None and moment.tzinfo is UTC
        found.append(moment.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", ["01-01 00:01", "01-01 00:02"]),
        ("*/15 * * * *", ["01-01 00:15", "01-01 00:30"]),
        ("0 9-11/2 * * *", ["01-01 09:00", "01-01 11:00"]),
        ("30 2 * * *", ["01-01 02:30", "01-02 02:30"]),
        ("0 0 * * MON", ["01-05 00:00", "01-12 00:00"]),
        ("0 0 1,15 * *", ["01-15 00:00", "02-01 00:00"]),
        ("0 0 L * *", ["01-31 00:00", "02-28 00:00"]),
        ("0 0 * * FRI#2", ["01-09 00:00", "02-13 00:00"]),
        ("0 0 13 * FRI", ["01-02 00:00", "01-09 00:00"]),
    ],
)
def test_expression_names_its_times(cron: str, expected: list[str]) -> None:
    assert runs(cron, "UTC", "2026-01-01 00:00", 2) == expected


def test_time_that_is_now_is_not_the_next() -> None:
    assert runs("0 * * * *", "UTC", "2026-01-01 05:00", 1) == ["01-01 06:00"]


def test_times_are_of_the_zone() -> None:
    assert runs("30 2 * * *", "Asia/Kolkata", "2026-01-01 00:00", 1) == ["01-01 21:00"]
    assert runs("30 2 * * *", "America/New_York", "2026-01-01 00:00", 1) == ["01-01 07:30"]


def test_time_that_summer_time_skips_runs_right_after_the_change() -> None:
    # Berlin, 29 March 2026: after 01:59 CET (00:59 UTC) comes 03:00 CEST.
    assert runs("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00", 3) == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_time_that_occurs_twice_runs_once() -> None:
    # Berlin, 25 October 2026: 02:30 comes at 00:30 UTC and again at 01:30 UTC.
    assert runs("30 2 * * *", "Europe/Berlin", "2026-10-24 00:00", 3) == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


@pytest.mark.parametrize("day", ["2026-03-29 00:00", "2026-10-25 00:00"])
def test_every_hour_stays_every_hour_through_a_change(day: str) -> None:
    moment: datetime | None = datetime.fromisoformat(day).replace(tzinfo=UTC)
    found = []
    for _ in range(5):
        assert moment is not None
        moment = next_run("*/30 * * * *", "Europe/Berlin", moment)
        assert moment is not None
        found.append(moment)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


def test_southern_summer_and_half_hour_changes_are_known() -> None:
    # Lord Howe Island, 4 October 2026: 02:00 becomes 02:30.
    assert runs("15 2 * * *", "Australia/Lord_Howe", "2026-10-02 12:00", 3) == [
        "10-02 15:45",
        "10-03 15:30",
        "10-04 15:15",
    ]


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "@daily"],
)
def test_what_is_no_expression_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        next_run(cron, "UTC", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["", "Nowhere", "../etc/passwd", "/etc/passwd", "Europe/", "Europe"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        next_run("* * * * *", zone, datetime(2026, 1, 1, tzinfo=UTC))
