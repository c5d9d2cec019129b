"""How fast somebody must have travelled to be in two places: nobody flies at 5,000 km/h."""

from __future__ import annotations

from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

__all__ = ["FASTEST_KMH", "GeoPoint", "Sighting", "distance_km", "is_impossible", "speed_kmh"]

EARTH_RADIUS_KM = 6371.0088
"""The mean radius (IUGG)."""
FASTEST_KMH = 1000.0
"""Faster than an airliner with the wind behind it, door to door."""
NO_DISTANCE_KM = 100.0
"""What databases of addresses may be wrong by even where they claim to be exact: a carrier's exit in the next city."""
LEAST_SECONDS = 1.0
"""Sightings that are closer in time count as this far apart: speeds stay finite where two clocks agree."""


class GeoPoint(NamedTuple):
    """Where an address is taken to be, in degrees (WGS 84)."""

    latitude: float
    longitude: float
    accuracy_km: float = 0.0
    """Radius in which the database expects it; 0 if it does not say."""


class Sighting(NamedTuple):
    """Where somebody was seen, and when."""

    place: GeoPoint
    at: datetime


def distance_km(one: GeoPoint, other: GeoPoint) -> float:
    """Returns the distance over the surface of a sphere (haversine), within 0.6 % of that of the ellipsoid."""
    north = radians(other.latitude - one.latitude)
    east = radians(other.longitude - one.longitude)
    both = cos(radians(one.latitude)) * cos(radians(other.latitude))
    half = sin(north / 2) ** 2 + both * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


def speed_kmh(before: Sighting | None, now: Sighting | None) -> float | None:
    """Returns the least speed in km/h that explains two sightings, whichever was first; None if one is missing.

    The distance is that between the circles in which the databases expect the two, and nothing up to `NO_DISTANCE_KM`.
    """
    if before is None or now is None:
        return None
    apart = distance_km(before.place, now.place)
    sure = apart - before.place.accuracy_km - now.place.accuracy_km
    if apart <= NO_DISTANCE_KM or sure <= 0:
        return 0.0
    seconds = max(abs((now.at - before.at).total_seconds()), LEAST_SECONDS)
    return sure / seconds * 3600


def is_impossible(before: Sighting | None, now: Sighting | None, fastest_kmh: float = FASTEST_KMH) -> bool | None:
    """Tells whether nobody can have travelled so fast; None if a sighting is missing."""
    speed = speed_kmh(before, now)
    return None if speed is None else speed > fastest_kmh
