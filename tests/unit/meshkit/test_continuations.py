"""Continuations open for what they were sealed for, under any key of the service, and for nothing else."""

from __future__ import annotations

import base64
import secrets

import pytest
from rampart.fraud.v1.fraud_service_pb2 import ListDecisionsRequest
from rampart.user.v1.user_service_pb2 import ListUsersRequest

from meshkit.continuations import Continuations

OLD, NEW, ALIEN = (secrets.token_bytes(32) for _ in range(3))
REQUEST = ListDecisionsRequest(user_id="u1", outcome="decline")
TENANT = "01a1fc5a-3c5b-7001-bc8a-22bbe467f00c"


@pytest.fixture
def continuations() -> Continuations:
    return Continuations([NEW])


@pytest.mark.parametrize("place", [b"\0", b"place", b"\xff" * 500])
def test_place_comes_back(continuations: Continuations, place: bytes) -> None:
    sealed = continuations.seal(TENANT, REQUEST, place)
    assert continuations.open(TENANT, REQUEST, sealed) == place
    assert place not in base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4)) or place == b"\0"


def test_text_is_short_and_safe_in_addresses(continuations: Continuations) -> None:
    sealed = continuations.seal(TENANT, REQUEST, b"x" * 40)
    assert len(sealed) == 75
    assert sealed.replace("-", "").replace("_", "").isalnum()


def test_equal_places_have_equal_texts_in_every_replica(continuations: Continuations) -> None:
    sealed = continuations.seal(TENANT, REQUEST, b"place")
    assert Continuations([NEW, OLD]).seal(TENANT, REQUEST, b"place") == sealed
    assert continuations.seal(TENANT, REQUEST, b"placf")[:8] != sealed[:8]


@pytest.mark.parametrize(
    ("tenant", "request_"),
    [
        ("01a1fc5a-3c5b-7001-bc8a-22bbe467f00d", REQUEST),
        ("", REQUEST),
        (TENANT, ListDecisionsRequest(user_id="u1")),
        (TENANT, ListDecisionsRequest(outcome="decline")),
        (TENANT, ListDecisionsRequest(user_id="u1", outcome="decline", page_size=1)),
        (TENANT, ListDecisionsRequest()),
        (TENANT, ListUsersRequest()),
    ],
    ids=str,
)
def test_text_of_another_tenant_or_request_is_not_opened(
    continuations: Continuations, tenant: str, request_: ListDecisionsRequest
) -> None:
    assert continuations.open(tenant, request_, continuations.seal(TENANT, REQUEST, b"place")) is None


def test_methods_without_filters_are_told_apart(continuations: Continuations) -> None:
    sealed = continuations.seal(TENANT, ListDecisionsRequest(), b"place")
    assert continuations.open(TENANT, ListUsersRequest(), sealed) is None


def test_keys_are_replaced_one_after_the_other() -> None:
    before, during, after = Continuations([OLD]), Continuations([OLD, NEW]), Continuations([NEW, OLD])
    for sealing in (before, during, after):
        sealed = sealing.seal(TENANT, REQUEST, b"place")
        for opening in (during, after):
            assert opening.open(TENANT, REQUEST, sealed) == b"place"
    assert Continuations([NEW]).open(TENANT, REQUEST, before.seal(TENANT, REQUEST, b"place")) is None
    assert Continuations([ALIEN]).open(TENANT, REQUEST, after.seal(TENANT, REQUEST, b"place")) is None


def test_every_changed_character_is_noticed(continuations: Continuations) -> None:
    sealed = continuations.seal(TENANT, REQUEST, b"place")
    for place in range(len(sealed)):
        for other in "AQgw-_=. \n":
            changed = sealed[:place] + other + sealed[place + 1 :]
            assert changed == sealed or continuations.open(TENANT, REQUEST, changed) is None
        assert continuations.open(TENANT, REQUEST, sealed[:place]) is None
    # What decodes to the same bytes is another text, which no answer has held.
    for alike in (sealed + "=", sealed + "\n", sealed[:9] + "!" + sealed[9:], sealed[:9] + "\n" + sealed[9:]):
        assert continuations.open(TENANT, REQUEST, alike) is None


@pytest.mark.parametrize("text", ["", "A", "AAAA", "A" * 22, "A" * 10_000, "ünïcode", "\ud800", "\0", "==="])
def test_what_is_no_continuation_is_not_opened(continuations: Continuations, text: str) -> None:
    assert continuations.open(TENANT, REQUEST, text) is None
