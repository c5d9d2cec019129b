"""Tells moments in UTC, and converts them to `google.protobuf.Timestamp` and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["time_from_proto", "time_to_proto", "utc_now"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Returns the present moment, aware of its zone."""
    return datetime.now(UTC)


def time_to_proto(when: datetime) -> Timestamp:
    """Returns an aware moment to the microsecond."""
    # `Timestamp.FromDatetime` does the same in ten times the time.
    since = when - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def time_from_proto(message: Timestamp) -> datetime:
    """Returns the moment in UTC, to the microsecond. Raises OverflowError beyond the year 9999."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1_000)
