"""Path, body and query each set their own fields (http.proto, rules 2 to 4): none can say what is another's to say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.transcoding import Asked, Edge, Refused

Everything = Callable[[str], str]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/v1/string/a?string_value=b", "string_value"),
        ("/v1/string/a?stringValue=b", "stringValue"),
        ("/v1/string/a?string_value=a", "string_value"),
        ("/v1/shelves/1/books/2?string_value=b", "string_value"),
        ("/v1/tree/a/b?part.part_id=c", "part.part_id"),
        ("/v1/tree/a/b?part.inner.partId=c", "part.inner.partId"),
        ("/v1/choices/a?choice_text=b", "choice_text"),
        ("/v1/choices/a?choice_number=1", "choice_number"),
        ("/v1/choices/a?choiceNumber=1", "choiceNumber"),
        ("/v1/choices/a?choice_part.size=1", "choice_part.size"),
        ("/v1/choices/a?choicePart.size=1", "choicePart.size"),
        ("/v1/choices/a?choice_null=NULL_VALUE", "choice_null"),
    ],
)
async def test_query_does_not_touch_what_the_path_binds(edge: Edge, target: str, name: str) -> None:
    assert await edge.ask("GET", target) == Refused(400, "query", name)


async def test_query_sets_the_neighbours_of_what_the_path_binds(edge: Edge, everything: Everything) -> None:
    found = await edge.ask("GET", "/v1/tree/a/b?part.size=1&part.inner.size=2&part.ean=e&choice_number=3")
    message = 'part { part_id: "b" size: 1 ean: "e" inner { part_id: "a" size: 2 } } choice_number: 3'
    assert found == Asked("GetByPath", everything(message))


@pytest.mark.parametrize(
    "target",
    [
        "/v1/body/part?part.size=1",
        "/v1/body/part?part.inner.part_id=a",
        "/v1/body/part/7?part.part_id=8",
        "/v1/body/string?string_value=a",
        "/v1/body/choice?choice_text=a",
        "/v1/body/choice?choice_number=1",
        "/v1/body/choice?choiceNumber=1",
        "/v1/everything/x?int32_value=1",
        "/v1/everything/x?string_value=y",
        "/v1/everything/x?labels[a]=b",
    ],
)
async def test_query_does_not_touch_what_the_body_holds(edge: Edge, target: str) -> None:
    body = b'"s"' if target.startswith("/v1/body/string") else b"{}"
    found = await edge.ask("PUT", target, body)
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "query")


async def test_query_sets_what_the_body_does_not_hold(edge: Edge, everything: Everything) -> None:
    found = await edge.ask("PUT", "/v1/body/part?int32_value=5&choice_text=a", b'{"size": 3}')
    assert found == Asked("PutField", everything('part { size: 3 } int32_value: 5 choice_text: "a"'))


@pytest.mark.parametrize(
    ("target", "body", "message"),
    [
        ("/v1/everything/x", {"string_value": "y", "int32_value": 1}, 'string_value: "x" int32_value: 1'),
        ("/v1/everything/x", {"stringValue": "y"}, 'string_value: "x"'),
        ("/v1/everything/x", {"stringValue": None}, 'string_value: "x"'),
        ("/v1/body/part/x", {"part_id": "y", "size": 1}, 'part { part_id: "x" size: 1 }'),
        ("/v1/body/part/x", {"partId": "y"}, 'part { part_id: "x" }'),
        ("/v1/body/part/x/inner", {"inner": {"part_id": "y", "size": 2}}, 'part { inner { part_id: "x" size: 2 } }'),
        ("/v1/body/part/x/inner", {"inner": None, "size": 1}, 'part { size: 1 inner { part_id: "x" } }'),
        ("/v1/everything/parts/x", {"part": {"partId": "y", "size": 2}}, 'part { part_id: "x" size: 2 }'),
        ("/v1/everything/parts/x", {}, 'part { part_id: "x" }'),
        ("/v1/choices/x", {"choice_text": "y", "int32_value": 1}, 'choice_text: "x" int32_value: 1'),
        ("/v1/choices/x", {"choice_number": None}, 'choice_text: "x"'),
    ],
)
async def test_path_overwrites_what_the_body_says(
    edge: Edge, everything: Everything, target: str, body: Any, message: str
) -> None:
    found = await edge.ask("PUT", target, json.dumps(body).encode())
    assert isinstance(found, Asked)
    assert found.message == everything(message)


@pytest.mark.parametrize(
    "body",
    [
        {"choice_number": 1},
        {"choiceNumber": "1"},
        {"choice_part": {}},
        {"choicePart": {"size": 1}},
        {"choice_null": None, "choiceNumber": 0},
    ],
)
async def test_body_does_not_set_a_sibling_in_the_oneof_of_a_path_variable(edge: Edge, body: Any) -> None:
    found = await edge.ask("PUT", "/v1/choices/x", json.dumps(body).encode())
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "body")


@pytest.mark.parametrize(
    "body",
    [
        {"string_value": "a", "stringValue": "b"},
        {"part": {"part_id": "a", "partId": "b"}},
        {"parts": [{"part_id": "a", "partId": "b"}]},
        {"parts_by_name": {"k": {"part_id": "a", "partId": "b"}}},
        {"part": {"by_name": {"k": {"part_id": "a", "partId": "b"}}}},
        {"string_value": None, "stringValue": None},
        {"choice_text": "a", "choice_number": 1},
        {"part": {"ean": "a", "number": 1}},
    ],
)
async def test_body_names_no_field_twice_and_no_two_of_a_oneof(edge: Edge, body: Any) -> None:
    found = await edge.ask("POST", "/v1/everything", json.dumps(body).encode())
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "body")


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/v1/everything/parts/x", {"part": 5}),
        ("/v1/everything/parts/x", {"part": []}),
        ("/v1/everything/parts/x", {"part": {"part_id": "a"}, "@type": "x"}),
        ("/v1/body/part/x", []),
        ("/v1/body/part/x", "x"),
        ("/v1/body/part/x/inner", {"inner": "x"}),
        ("/v1/everything/x", {"string_value": "a", "stringValue": "b"}),
        ("/v1/everything/x", {"string_value": 5, "unknown": 1}),
    ],
)
async def test_body_that_is_wrong_stays_wrong_beside_a_path_variable(edge: Edge, target: str, body: Any) -> None:
    found = await edge.ask("PUT", target, json.dumps(body).encode())
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "body")
