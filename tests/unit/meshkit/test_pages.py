"""Page tokens continue the request of the tenant that they were made for and no other."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from rampart.data.v1.data_service_pb2 import ListTransactionsRequest
from rampart.fraud.v1.fraud_service_pb2 import ListDecisionsRequest
from rampart.user.v1.user_service_pb2 import ListUsersRequest

from meshkit.errors import Kind, MeshError
from meshkit.pages import page_size
from tests.support.continuations import CONTINUATIONS, PAGES

TENANT, OTHER = "01a1fc5a-3c5b-7001-bc8a-22bbe467f00c", "01a1fc5a-3c5b-7001-bc8a-22bbe467f00d"
REQUEST = ListDecisionsRequest(user_id="u1", outcome="decline")


def refused(request: ListDecisionsRequest, token: str, parts: int = 2, tenant: str = TENANT) -> None:
    with pytest.raises(MeshError) as caught:
        PAGES.decode(tenant, request, token, parts)
    assert (caught.value.kind, caught.value.reason) == (Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


def of_an_earlier_version(request: ListDecisionsRequest, *place: str) -> str:
    """A token as it was once: not signed, with a hash of the filters that everybody can compute."""
    fingerprint = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:16]
    return base64.urlsafe_b64encode(json.dumps([fingerprint, *place]).encode()).decode().rstrip("=")


def test_place_comes_back_whatever_it_holds() -> None:
    for place in (["a", "b"], ["", ""], ['"', "ünï\n"], ["x" * 200, "0"], ["\U0001f680" * 128, "\\"]):
        assert PAGES.decode(TENANT, REQUEST, PAGES.encode(TENANT, REQUEST, place), 2) == place


def test_token_of_the_longest_place_is_no_longer_than_a_request_takes() -> None:
    for character in ("\U0001f680", '"', "\\", "\u2028"):
        assert len(PAGES.encode(TENANT, REQUEST, ["1771234567123456", character * 128])) <= 1024


def test_first_page_has_no_token() -> None:
    assert PAGES.decode(TENANT, REQUEST, "", 2) is None


def test_page_and_its_size_may_change_from_page_to_page() -> None:
    token = PAGES.encode(TENANT, REQUEST, ["a", "b"])
    following = ListDecisionsRequest(user_id="u1", outcome="decline", page_size=7, page_token=token)
    assert PAGES.decode(TENANT, following, token, 2) == ["a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        ListDecisionsRequest(user_id="u2", outcome="decline"),
        ListDecisionsRequest(user_id="u1"),
        ListDecisionsRequest(user_id="u1", outcome="decline", transaction_id="t"),
        ListUsersRequest(),
        ListTransactionsRequest(user_id="u1"),
    ],
    ids=repr,
)
def test_token_of_another_request_is_refused(other: ListDecisionsRequest) -> None:
    refused(other, PAGES.encode(TENANT, REQUEST, ["a", "b"]))


def test_token_of_another_list_is_refused_where_neither_has_filters() -> None:
    token = PAGES.encode(TENANT, ListDecisionsRequest(), ["a"])
    with pytest.raises(MeshError):
        PAGES.decode(TENANT, ListUsersRequest(), token, 1)


def test_token_of_another_tenant_is_refused() -> None:
    refused(REQUEST, PAGES.encode(TENANT, REQUEST, ["a", "b"]), tenant=OTHER)


@pytest.mark.parametrize("token", ["x", "====", "ünïcode", "[" * 400, of_an_earlier_version(REQUEST, "a", "b")])
def test_what_is_no_token_is_refused(token: str) -> None:
    refused(REQUEST, token)


def test_token_with_another_number_of_parts_is_refused() -> None:
    refused(REQUEST, PAGES.encode(TENANT, REQUEST, ["a"]))
    refused(REQUEST, PAGES.encode(TENANT, REQUEST, ["a", "b", "c"]))


def test_position_of_a_stream_is_no_token() -> None:
    refused(REQUEST, CONTINUATIONS.seal(TENANT, ListDecisionsRequest(), b"place"))


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (1000, 1000), (100_000, 1000)])
def test_page_size_is_bounded(asked: int, size: int) -> None:
    assert page_size(asked) == size
