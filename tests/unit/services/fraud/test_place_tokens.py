"""Places as callers see them."""

from __future__ import annotations

import pytest

from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.domain.outbox import BEGINNING, Place

HIGHEST = (1 << 63) - 1


@pytest.mark.parametrize("place", [BEGINNING, Place(1, 0), Place(740, 12), Place(HIGHEST, HIGHEST)], ids=repr)
def test_place_survives_the_way_to_the_caller_and_back(place: Place) -> None:
    assert convert.place_from_token(convert.place_to_token(place)) == place
    assert len(convert.place_to_token(place)) == 22


@pytest.mark.parametrize(
    "sent",
    ["x", "AAAA", "A" * 21, "A" * 23, "A" * 64, "-" * 22, "__________8AAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "Ü" * 22],
)
def test_anything_else_is_refused_by_name(sent: str) -> None:
    with pytest.raises(MeshError) as caught:
        convert.place_from_token(sent)
    (violation,) = caught.value.violations
    assert (caught.value.reason, violation.field) == ("VALIDATION_FAILED", "after")
