"""Whose places are whose: callers of teams' own never take what services and the gateway need."""

from __future__ import annotations

import contextlib

import pytest

from meshkit.errors import Kind, MeshError
from meshkit.rpc.interceptors.places import CallPlaces


def filled(places: CallPlaces, peer: str, most: int = 1_000) -> int:
    """Takes places until one is refused, and returns how many that were."""
    for count in range(most):
        try:
            places.take(peer)
        except MeshError as error:
            assert (error.kind, error.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
            assert error.retry_after == 0.1
            return count
    return most


def of(limit: int = 100) -> CallPlaces:
    return CallPlaces(limit, "much work", retry_after=0.1)


def test_a_caller_of_ones_own_has_a_tenth_and_all_of_them_a_quarter() -> None:
    places = of()
    assert filled(places, "client/orders") == 10
    assert filled(places, "client/other") == 10
    assert filled(places, "client/third") == 5
    assert places.taken == 25


@pytest.mark.parametrize("peer", ["service/gateway", "service/fraud", "operator", "operator/alice"])
def test_the_platform_has_all_that_callers_have_not_taken(peer: str) -> None:
    places = of()
    for number in range(5):
        filled(places, f"client/{number}")
    assert filled(places, peer) == 75
    places = of()
    assert filled(places, peer) == 100
    assert filled(places, "client/orders") == 0


@pytest.mark.parametrize("peer", ["", "client/service/gateway", "services/gateway", "operators", "client/operator"])
def test_whoever_is_not_of_the_platform_has_a_callers_part(peer: str) -> None:
    assert filled(of(), peer) == 10


def test_places_come_back() -> None:
    places = of()
    for _ in range(3):
        assert filled(places, "client/orders") == 10
        for _ in range(10):
            places.leave("client/orders")
    assert places.taken == 0
    assert filled(places, "service/gateway") == 100
    places.leave("service/gateway")
    places.take("service/fraud")


def test_refusals_take_nothing() -> None:
    places = of()
    for _ in range(100):
        with contextlib.suppress(MeshError):
            places.take("client/orders")
    assert places.taken == 10
    assert filled(places, "client/other") == 10


def test_a_process_with_few_places_has_one_for_a_caller() -> None:
    assert filled(of(2), "client/orders") == 1
