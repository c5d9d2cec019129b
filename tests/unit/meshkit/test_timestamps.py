"""Moments survive as timestamps, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from meshkit.timestamps import time_from_proto, time_to_proto

MOMENTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 11, 29, 12, 30, 15, 123_457, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_is_what_the_library_makes_of_it_and_comes_back(moment: datetime) -> None:
    expected = Timestamp()
    expected.FromDatetime(moment)
    made = time_to_proto(moment)
    assert made == expected
    assert time_from_proto(made) == moment


def test_what_lies_between_two_microseconds_is_cut_off() -> None:
    assert time_from_proto(Timestamp(seconds=1, nanos=999_999_999)) == datetime(
        1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC
    )


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        time_to_proto(datetime(2026, 1, 1))  # noqa: DTZ001
