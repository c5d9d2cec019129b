"""The speed of impossible travel, and places as logs keep them."""

from __future__ import annotations

import random
from math import isfinite

import pytest

from services.fraud.domain.travel import (
    GeoPoint,
    distance_km,
    fastest_kmh,
    packed_place,
    speed_kmh,
    unpacked_place,
)

LONDON = GeoPoint(51.5074, -0.1278)
PARIS = GeoPoint(48.8566, 2.3522)
NEW_YORK = GeoPoint(40.7128, -74.0060)
HOUR = 3_600
IMPOSSIBLE = 1_000


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
    assert speed_kmh(LONDON, NEW_YORK, 7 * HOUR) == pytest.approx(796, abs=1)
    assert speed_kmh(LONDON, NEW_YORK, 60) > IMPOSSIBLE


def test_two_places_at_one_time_are_impossible_at_a_finite_speed() -> None:
    speed = speed_kmh(LONDON, NEW_YORK, 0)
    assert isfinite(speed) and speed == speed_kmh(LONDON, NEW_YORK, 1) > IMPOSSIBLE


@pytest.mark.parametrize("seconds", [0.0, 4.0])
def test_what_databases_may_be_wrong_by_is_no_travel(seconds: float) -> None:
    assert speed_kmh(LONDON, GeoPoint(51.0, -1.0), seconds) == 0
    assert speed_kmh(LONDON, LONDON, seconds) == 0


def test_only_the_distance_between_the_circles_of_the_databases_counts() -> None:
    near, far = PARIS._replace(accuracy_km=200), PARIS._replace(accuracy_km=500)
    assert speed_kmh(LONDON, near, HOUR) == pytest.approx(144, abs=1)
    assert speed_kmh(LONDON, far, HOUR) == 0


def test_speeds_are_told_to_a_tenth() -> None:
    assert (speed_kmh(LONDON, PARIS, HOUR) * 10).is_integer()


@pytest.mark.parametrize("latitude", [-90.0, 90.0, 0.0, -0.0, 51.75])
@pytest.mark.parametrize("longitude", [-180.0, 180.0, 0.0, -1.25])
@pytest.mark.parametrize("radius", [0.0, 1.0, 1_000.0])
def test_a_place_to_a_thousandth_of_a_degree_comes_back_as_it_was(
    latitude: float, longitude: float, radius: float
) -> None:
    place = GeoPoint(latitude, longitude, radius)
    assert unpacked_place(packed_place(place)) == place


def test_a_place_is_moved_by_less_than_its_step_and_its_circle_is_never_smaller() -> None:
    dice = random.Random(3)
    for _ in range(1_000):
        place = GeoPoint(dice.uniform(-90, 90), dice.uniform(-180, 180), dice.uniform(0, 20_000))
        kept = unpacked_place(packed_place(place))
        assert distance_km(place, kept) < 0.08
        assert place.accuracy_km <= kept.accuracy_km < place.accuracy_km + 1
        assert packed_place(kept) == packed_place(place) < 2**52
    assert unpacked_place(packed_place(GeoPoint(1, 2, 1e9))).accuracy_km == 32_767


def test_numbers_of_places_grow_from_south_to_north_and_then_from_west_to_east() -> None:
    places = [GeoPoint(-90, 0, 9), GeoPoint(-1, -180), GeoPoint(-1, 180), GeoPoint(0, -180, 99), GeoPoint(0.001, -180)]
    packed = [packed_place(place) for place in places]
    assert packed == sorted(packed)


def test_of_two_places_the_one_that_is_further_away_says_how_fast_it_was() -> None:
    here, near, far = (packed_place(place) for place in (LONDON, PARIS, NEW_YORK))
    assert fastest_kmh(here, far, near, HOUR * 1_000) == fastest_kmh(here, far, far, HOUR * 1_000)
    assert fastest_kmh(here, near, near, HOUR * 1_000) == pytest.approx(344, abs=1)
