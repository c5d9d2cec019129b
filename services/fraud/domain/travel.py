"""How fast somebody must have travelled to be in two places: nobody flies at 5,000 km/h.

Logs keep a place as one whole number that grows from south to north, then from west to east: of several places the
least and the greatest are those that lie furthest apart in that direction.
"""

from __future__ import annotations

from math import asin, ceil, cos, radians, sin, sqrt
from typing import NamedTuple

__all__ = ["GeoPoint", "distance_km", "fastest_kmh", "packed_place", "speed_kmh", "unpacked_place"]

EARTH_RADIUS_KM = 6371.0088
"""The mean radius (IUGG)."""
NO_DISTANCE_KM = 100.0
"""What databases of addresses may be wrong by even where they claim to be exact: a carrier's exit in the next city."""
LEAST_SECONDS = 1.0
"""Places that are closer in time count as this far apart: speeds stay finite where two clocks agree."""
DIGITS = 1
"""Of a speed, after the point. What two machines compute differently lies far beyond."""
STEPS = 1_000
"""Of a degree, to which places are kept: 111 m at most. 52 bits hold one, so that no sum of a table is beyond 64."""
NORTH, EAST = 34, 15
"""Bits below the steps north of the South Pole, and below those east of the date line. The rest is the radius."""
LARGEST_RADIUS = (1 << EAST) - 1


class GeoPoint(NamedTuple):
    """Where an address is taken to be, in degrees (WGS 84)."""

    latitude: float
    longitude: float
    accuracy_km: float = 0.0
    """Radius in which the database expects it; 0 if it does not say."""


def distance_km(one: GeoPoint, other: GeoPoint) -> float:
    """Returns the distance over the surface of a sphere (haversine), within 0.6 % of that of the ellipsoid."""
    north = radians(other.latitude - one.latitude)
    east = radians(other.longitude - one.longitude)
    both = cos(radians(one.latitude)) * cos(radians(other.latitude))
    half = sin(north / 2) ** 2 + both * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


def speed_kmh(one: GeoPoint, other: GeoPoint, seconds: float) -> float:
    """Returns the least speed in km/h that explains two places so many seconds apart, to a tenth.

    The distance is that between the circles in which the databases expect the two, and nothing up to `NO_DISTANCE_KM`.
    """
    apart = distance_km(one, other)
    sure = apart - one.accuracy_km - other.accuracy_km
    if apart <= NO_DISTANCE_KM or sure <= 0:
        return 0.0
    return round(sure / max(seconds, LEAST_SECONDS) * 3600, DIGITS)


def packed_place(place: GeoPoint) -> int:
    """Returns the number that logs keep: the degrees to the nearest step, the radius in whole kilometres, not less."""
    north, east = round((place.latitude + 90) * STEPS), round((place.longitude + 180) * STEPS)
    return north << NORTH | east << EAST | min(ceil(place.accuracy_km), LARGEST_RADIUS)


def unpacked_place(packed: int) -> GeoPoint:
    north, east = packed >> NORTH, packed >> EAST & (1 << NORTH - EAST) - 1
    return GeoPoint(north / STEPS - 90, east / STEPS - 180, packed & LARGEST_RADIUS)


def fastest_kmh(place: int, south: int, north: int, milliseconds: int) -> float:
    """Returns the greater of the speeds from two places, the same or not, to a third. All are as logs keep them."""
    here, seconds = unpacked_place(place), milliseconds / 1000
    return max(speed_kmh(unpacked_place(each), here, seconds) for each in {south, north})
