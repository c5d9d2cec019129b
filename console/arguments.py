"""Reads the values of options. Each reader takes one documented form and refuses others with what it expects.

The parsers of the standard library are wider than that form, and not the same in every Python: `int` takes "1_000"
and digits of other scripts, `float` takes "nan", `date.fromisoformat` takes "2026-W48-5".
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from console.failure import WrongArgument

__all__ = [
    "SECONDS",
    "calendar_date",
    "check_texts",
    "decimal",
    "decision_id",
    "in_utc",
    "json_object",
    "length",
    "past_time",
    "point_in_time",
    "rfc3339",
    "strict_json",
    "task_id",
    "units",
    "whole",
]

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)([Zz]|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_LENGTH = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MICROSECONDS = 6
MOST_UNITS = 1_000_000
"""The most that the protos take as a limit."""


def whole(low: int, high: int, hint: str = "") -> Callable[[str], int]:
    """Returns a reader of whole numbers from `low` to `high`. `hint` says what to do instead."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            also = f"; {hint}" if hint else ""
            raise ArgumentTypeError(f"must be a whole number from {low} to {high}, not {text!r}{also}")
        return int(text)

    return read


def units(hint: str) -> Callable[[str], int]:
    """Returns a reader of rate limits, in units per second. Zero would mean no limit to the protos."""
    return whole(1, MOST_UNITS, hint)


def decimal(low: float, high: float, *, above: bool = False) -> Callable[[str], float]:
    """Returns a reader of decimal numbers from `low` to `high`, or of those `above` low alone."""

    def read(text: str) -> float:
        value = float(text) if _NUMBER.fullmatch(text) else -1.0
        if not low <= value <= high or (above and value == low):
            start = f"above {low:g} and up to" if above else f"from {low:g} to"
            raise ArgumentTypeError(f"must be a number {start} {high:g}, not {text!r}")
        return value

    return read


def calendar_date(text: str) -> date:
    """Reads a date such as 2026-01-31."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ArgumentTypeError(f"must be a date such as 2026-01-31, not {text!r}")


def point_in_time(text: str) -> str:
    """Reads a time for a request; one without an offset is of this machine's time zone, a date alone its midnight."""
    try:
        return rfc3339(f"{text}T00:00" if _DATE.fullmatch(text) else text, seconds=False).astimezone().isoformat()
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"must be a time such as 2026-01-31T08:00, not {text!r}") from None


def length(text: str) -> int:
    """Reads a length of time, in seconds."""
    found = _LENGTH.fullmatch(text)
    if not found:
        raise ArgumentTypeError(f"must be such as 90s, 15m, 24h or 30d, not {text!r}")
    return int(found[1]) * SECONDS[found[2]]


def past_time(text: str) -> str:
    """Reads a time for a request, or how long ago it is, such as 15m, 24h or 7d."""
    if not _LENGTH.fullmatch(text):
        return point_in_time(text)
    try:
        return (datetime.now(UTC) - timedelta(seconds=length(text))).isoformat()
    except OverflowError:
        raise ArgumentTypeError(f"must not be before the year 1, not {text!r}") from None


def rfc3339(text: str, *, seconds: bool = True) -> datetime:
    """Reads a time of RFC 3339, also with a blank for its T and without an offset, which leaves it without a zone.

    A fraction is cut to microseconds. Without `seconds` the time of day may end with its minutes. Raises ValueError.
    """
    found = _TIME.fullmatch(text)
    if found is None or (seconds and found[3] is None):
        raise ValueError("not a time of RFC 3339")
    day, clock, fraction, offset = found[1], found[2], found[4], found[5] or ""
    if fraction is not None:
        clock = clock.removesuffix(fraction) + fraction[: MICROSECONDS + 1].ljust(MICROSECONDS + 1, "0")
    return datetime.fromisoformat(f"{day}T{clock}{offset.upper().replace('Z', '+00:00')}")


def in_utc(moment: datetime) -> datetime:
    """Returns the time in UTC; one without a zone is of UTC. Raises OverflowError beyond the years 1 to 9999."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def task_id(text: str) -> str:
    """Reads the identifier of a task, a UUID in its one written form (RFC 9562, section 4)."""
    if not _UUID.fullmatch(text.lower()):
        raise ArgumentTypeError(f"must be the identifier of a task, as `rampart task list` shows it, not {text!r}")
    return text.lower()


def decision_id(text: str) -> str:
    """Reads the identifier of a decision, a UUID as well."""
    if not _UUID.fullmatch(text.lower()):
        raise ArgumentTypeError(f"must be the identifier of a decision, as its answer has it, not {text!r}")
    return text.lower()


def json_object(text: str) -> dict[str, Any]:
    """Reads an object from the option itself or from the file that it names after an @."""
    try:
        content = Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        value = strict_json(content)
    except OSError as error:
        raise ArgumentTypeError(f"cannot read {text[1:]}: {error.strerror}") from error
    except ValueError as error:
        raise ArgumentTypeError(f"must be a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise ArgumentTypeError("must be a JSON object, in braces")
    return value


def strict_json(content: str) -> Any:
    """Reads JSON as strictly as the platform does. Raises ValueError."""
    try:
        return json.loads(content, object_pairs_hook=_without_doubles, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def check_texts(texts: Sequence[str]) -> None:
    """Raises WrongArgument if what was typed is no text: it could be put into no request."""
    for place, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise WrongArgument(f"Argument {place} ({text!a}) is not UTF-8.") from None
