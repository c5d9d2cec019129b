"""Page tokens continue the request that they were made for and no other."""

from __future__ import annotations

import base64
import json
import random

import pytest
from rampart.fraud.v1.fraud_service_pb2 import ListDecisionsRequest

from meshkit.errors import Kind, MeshError
from meshkit.pages import decode, encode, page_size

REQUEST = ListDecisionsRequest(user_id="u1", outcome="decline")


def refused(request: ListDecisionsRequest, token: str, parts: int = 2) -> bool:
    try:
        decode(request, token, parts)
    except MeshError as error:
        assert (error.kind, error.reason) == (Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
        return True
    return False


def of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_place_comes_back_whatever_it_holds() -> None:
    for place in (["a", "b"], ["", ""], ['"', "ünï\n"], ["x" * 200, "0"]):
        assert decode(REQUEST, encode(REQUEST, place), 2) == place


def test_first_page_has_no_token() -> None:
    assert decode(REQUEST, "", 2) is None


def test_page_and_its_size_may_change_from_page_to_page() -> None:
    token = encode(REQUEST, ["a", "b"])
    following = ListDecisionsRequest(user_id="u1", outcome="decline", page_size=7, page_token=token)
    assert decode(following, token, 2) == ["a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        ListDecisionsRequest(user_id="u2", outcome="decline"),
        ListDecisionsRequest(user_id="u1"),
        ListDecisionsRequest(user_id="u1", outcome="decline", transaction_id="t"),
    ],
)
def test_token_of_another_request_is_refused(other: ListDecisionsRequest) -> None:
    assert refused(other, encode(REQUEST, ["a", "b"]))


@pytest.mark.parametrize(
    "token",
    ["x", "====", "ünïcode", of("text"), of([]), of({"a": 1}), of([1, 2, 3]), of(None), of(["f", "a", "b"]), "[" * 400],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(REQUEST, token)


@pytest.mark.parametrize("text", ["nul \0", "\ud800", "x\udfffy"])
def test_forged_place_that_no_store_can_hold_is_refused(text: str) -> None:
    assert refused(REQUEST, encode(REQUEST, ["a", text]))


def test_token_with_another_number_of_parts_is_refused() -> None:
    assert refused(REQUEST, encode(REQUEST, ["a"]))
    assert refused(REQUEST, encode(REQUEST, ["a", "b", "c"]))


def test_truncated_and_garbled_tokens_are_refused_or_hold_texts() -> None:
    whole, choice = encode(REQUEST, ["a", "b"]), random.Random(1)
    for length in range(1, len(whole)):
        assert refused(REQUEST, whole[:length])
    for _ in range(500):
        place = choice.randrange(len(whole))
        garbled = whole[:place] + choice.choice("ABCabc019-_") + whole[place + 1 :]
        if not refused(REQUEST, garbled):
            assert all(isinstance(part, str) for part in decode(REQUEST, garbled, 2) or [])


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (1000, 1000), (100_000, 1000)])
def test_page_size_is_bounded(asked: int, size: int) -> None:
    assert page_size(asked) == size
