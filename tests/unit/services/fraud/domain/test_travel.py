"""The speed of impossible travel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite

import pytest

from services.fraud.domain.travel import GeoPoint, Sighting, distance_km, is_impossible, speed_kmh

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONDON = GeoPoint(51.5074, -0.1278)
PARIS = GeoPoint(48.8566, 2.3522)
NEW_YORK = GeoPoint(40.7128, -74.0060)


def seen(place: GeoPoint, hours: float = 0.0) -> Sighting:
    return Sighting(place, NOON + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (LONDON, LONDON, 0),
        (LONDON, PARIS, 344),
        (LONDON, NEW_YORK, 5570),
        (GeoPoint(0, 0), GeoPoint(0, 180), 20015),
        (GeoPoint(90, 0), GeoPoint(-90, 0), 20015),
        (GeoPoint(0, 179.5), GeoPoint(0, -179.5), 111),
        (GeoPoint(90, 10), GeoPoint(90, -170), 0),
    ],
)
def test_the_distance_is_that_over_the_surface(one: GeoPoint, other: GeoPoint, km: float) -> None:
    assert distance_km(one, other) == pytest.approx(km, abs=1)
    assert distance_km(other, one) == distance_km(one, other)


def test_a_flight_is_possible_and_a_minute_is_not() -> None:
    assert speed_kmh(seen(LONDON), seen(NEW_YORK, 7)) == pytest.approx(796, abs=1)
    assert is_impossible(seen(LONDON), seen(NEW_YORK, 7)) is False
    assert is_impossible(seen(LONDON), seen(NEW_YORK, 1 / 60)) is True


def test_an_event_that_comes_late_travels_as_fast_as_one_that_does_not() -> None:
    assert speed_kmh(seen(NEW_YORK, 7), seen(LONDON)) == speed_kmh(seen(LONDON), seen(NEW_YORK, 7))


def test_two_places_at_one_time_are_impossible_at_a_finite_speed() -> None:
    speed = speed_kmh(seen(LONDON), seen(NEW_YORK))
    assert speed is not None
    assert isfinite(speed)
    assert is_impossible(seen(LONDON), seen(NEW_YORK)) is True


@pytest.mark.parametrize("hours", [0.0, 0.001])
def test_what_databases_may_be_wrong_by_is_no_travel(hours: float) -> None:
    assert speed_kmh(seen(LONDON), seen(GeoPoint(51.0, -1.0), hours)) == 0
    assert speed_kmh(seen(LONDON), seen(LONDON, hours)) == 0


def test_only_the_distance_between_the_circles_of_the_databases_counts() -> None:
    near, far = PARIS._replace(accuracy_km=200), PARIS._replace(accuracy_km=500)
    assert speed_kmh(seen(LONDON), seen(near, 1)) == pytest.approx(144, abs=1)
    assert speed_kmh(seen(LONDON), seen(far, 1)) == 0


def test_where_a_place_is_missing_nothing_is_said() -> None:
    assert speed_kmh(None, seen(LONDON)) is None
    assert is_impossible(seen(LONDON), None) is None


def test_the_limit_can_be_another() -> None:
    assert is_impossible(seen(LONDON), seen(PARIS, 1), fastest_kmh=300) is True
    assert is_impossible(seen(LONDON), seen(PARIS, 1), fastest_kmh=400) is False
