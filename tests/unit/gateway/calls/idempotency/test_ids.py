from __future__ import annotations

import itertools
import uuid

import pytest

from gateway.calls.idempotency.ids import KeyIds

SCOPE = ("tenant", "client", "subject", "/p.S/M", "key")


def test_identifiers_are_valid_and_the_same_for_every_retry() -> None:
    first, second = KeyIds(*SCOPE), KeyIds(*SCOPE)
    assert first("request_id") == second("request_id")
    parsed = uuid.UUID(first("request_id"))
    assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)
    assert first.name == second.name


def test_identifiers_do_not_change_between_versions() -> None:
    # A retry may meet another version of the gateway: other identifiers would let it happen twice.
    assert KeyIds(*SCOPE)("transaction_id") == "8e0f42d1-9a34-87a7-848c-554b7a6604ea"


def test_places_of_a_request_have_different_identifiers() -> None:
    ids = KeyIds(*SCOPE)
    places = ["request_id", *(f"requests.{index}.transaction_id" for index in range(1000))]
    given = [ids(place) for place in places]
    assert len(set(given)) == len(places)
    assert ids.given == set(given)


@pytest.mark.parametrize("part", range(len(SCOPE)))
def test_every_part_of_the_scope_counts(part: int) -> None:
    other = [*SCOPE]
    other[part] += "x"
    assert KeyIds(*other)("request_id") != KeyIds(*SCOPE)("request_id")
    assert KeyIds(*other).name != KeyIds(*SCOPE).name


def test_parts_are_told_apart_however_they_are_split() -> None:
    scopes = [
        ("a", "b", "c"),
        ("ab", "", "c"),
        ("a", "bc", ""),
        ("", "abc", ""),
        ("a", "b\0c", ""),
        ("a", "b", "c", ""),
    ]
    for one, other in itertools.combinations(scopes, 2):
        assert KeyIds(*one).name != KeyIds(*other).name
