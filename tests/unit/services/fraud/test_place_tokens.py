"""Places as callers see them."""

from __future__ import annotations

import base64
import struct

import pytest
from rampart.fraud.v1.fraud_service_pb2 import ListDecisionsRequest

from meshkit.errors import MeshError
from services.fraud.convert import Positions
from services.fraud.domain.outbox import BEGINNING, Place
from tests.support.continuations import CONTINUATIONS, PAGES
from tests.support.fraud import new_tenant

HIGHEST = (1 << 63) - 1
FAR = 0x123456789ABCDE
TENANT = new_tenant()
POSITIONS = Positions(CONTINUATIONS, TENANT)


def assert_refused(position: str, positions: Positions = POSITIONS) -> None:
    with pytest.raises(MeshError) as caught:
        positions.read(position)
    (violation,) = caught.value.violations
    assert (caught.value.reason, violation.field) == ("VALIDATION_FAILED", "after")


@pytest.mark.parametrize("place", [BEGINNING, Place(1, 0), Place(740, 12), Place(HIGHEST, HIGHEST)], ids=repr)
def test_place_survives_the_way_to_the_caller_and_back(place: Place) -> None:
    assert POSITIONS.read(POSITIONS.write(place)) == place
    assert len(POSITIONS.write(place)) == 43


def test_positions_tell_nothing_of_how_many_transactions_lie_between_them() -> None:
    """Neighbours have no more in common than strangers, in whatever way a caller puts them in order."""
    sealed = [base64.urlsafe_b64decode(POSITIONS.write(Place(FAR + step, 1)) + "=") for step in range(64)]
    assert len({position[:4] for position in sealed}) == len({position[-4:] for position in sealed}) == 64
    assert sealed != sorted(sealed)
    assert not any(struct.pack(">q", FAR)[:6] in position for position in sealed)


@pytest.mark.parametrize(
    "sent",
    ["x", "AAAA", "A" * 22, "A" * 42, "A" * 43, "A" * 44, "A" * 64, "-" * 43, "__________8AAAAAAAAAAA", "Ü" * 43],
)
def test_anything_else_is_refused_by_name(sent: str) -> None:
    assert_refused(sent)


def test_position_of_an_earlier_version_is_refused() -> None:
    assert_refused(base64.urlsafe_b64encode(struct.pack(">qq", 740, 12)).decode().rstrip("="))


def test_position_of_another_tenant_is_refused() -> None:
    assert_refused(POSITIONS.write(Place(740, 12)), Positions(CONTINUATIONS, new_tenant()))


def test_token_of_a_page_is_no_position() -> None:
    assert_refused(PAGES.encode(TENANT, ListDecisionsRequest(), ["740", "12"]))
