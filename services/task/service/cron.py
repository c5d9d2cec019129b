"""Evaluates cron expressions in time zones, changes to and from summer time included."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

__all__ = ["next_run", "zone_of"]

FIELDS = 5


def next_run(cron: str, time_zone: str, after: datetime) -> datetime | None:
    """Returns the first time after a moment, in UTC; None if there is none within decades. Raises ValueError.

    As Debian's cron has it: a time that a change to summer time skips runs right after the change, one that occurs
    twice runs once; expressions for every minute or hour follow the clock that goes on.
    """
    if len(cron.split()) != FIELDS:
        raise ValueError("has other than five fields")
    try:
        following = next(CronSim(cron, after.astimezone(zone_of(time_zone))), None)
    except CronSimError as error:
        raise ValueError(str(error)) from error
    return following.astimezone(UTC) if following is not None else None


def zone_of(name: str) -> ZoneInfo:
    """Returns a time zone by its IANA name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError("is not a time zone") from error
