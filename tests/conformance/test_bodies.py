"""Bodies (http.proto, `body`): the whole request, one field of any kind, none, and requests that are no objects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.transcoding import Asked, Edge, PlanEdge, Refused

Everything = Callable[[str], str]

FIELDS = [
    ("part", '{"size": 1}', "part { size: 1 }"),
    ("part", "{}", "part { }"),
    ("part", "null", ""),
    ("parts", '[{"size": 1}, {}]', "parts { size: 1 } parts { }"),
    ("parts", "[]", ""),
    ("numbers", '[1, "2"]', "numbers: [1, 2]"),
    ("labels", '{"a": "b"}', 'labels { key: "a" value: "b" }'),
    ("string", '"a"', 'string_value: "a"'),
    ("string", '""', ""),
    ("int64", '"9007199254740993"', "int64_value: 9007199254740993"),
    ("int64", "5", "int64_value: 5"),
    ("bool", "true", "bool_value: true"),
    ("bytes", '"AQ=="', 'bytes_value: "\\001"'),
    ("colour", '"RED"', "colour: RED"),
    ("timestamp", '"1970-01-01T00:00:01Z"', "timestamp { seconds: 1 }"),
    ("struct", '{"a": null}', 'struct { fields { key: "a" value { null_value: NULL_VALUE } } }'),
    ("value", "null", "value { null_value: NULL_VALUE }"),
    ("value", "[1]", "value { list_value { values { number_value: 1 } } }"),
    ("list", "[null]", "list { values { null_value: NULL_VALUE } }"),
    ("any", '{"@type": "type.googleapis.com/conformance.Part"}', "any { [type.googleapis.com/conformance.Part] { } }"),
    ("string_box", '"a"', 'string_box { value: "a" }'),
    ("choice", '{"size": 1}', "choice_part { size: 1 }"),
]


@pytest.mark.parametrize(("field", "body", "message"), FIELDS, ids=[f"{field}: {body}" for field, body, _ in FIELDS])
async def test_body_is_one_field(edge: Edge, everything: Everything, field: str, body: str, message: str) -> None:
    assert await edge.ask("PUT", f"/v1/body/{field}", body.encode()) == Asked("PutField", everything(message))


@pytest.mark.parametrize(
    ("field", "body", "pointer"),
    [
        ("part", "[]", ""),
        ("part", '"x"', ""),
        ("part", '{"unknown": 1}', "/unknown"),
        ("part", '{"part": {"size": 1}}', "/part"),
        ("part", '{"inner": {"size": "x"}}', "/inner/size"),
        ("parts", "{}", ""),
        ("parts", '[{}, {"size": "x"}]', "/1/size"),
        ("numbers", '[1, "x"]', "/1"),
        ("numbers", "1", ""),
        ("labels", "[]", ""),
        ("labels", '{"a": 1}', "/a"),
        ("string", "1", ""),
        ("string", "{}", ""),
        ("int64", '"x"', ""),
        ("int64", "1.5", ""),
        ("bool", '"true"', ""),
        ("bytes", '"*"', ""),
        ("colour", '"GREEN"', ""),
        ("timestamp", '"x"', ""),
        ("struct", "[]", ""),
        ("value", "1e999", ""),
        ("list", "{}", ""),
        ("any", "{}x", ""),
    ],
)
async def test_wrong_body_is_refused_by_its_pointer(edge: Edge, field: str, body: str, pointer: str) -> None:
    assert await edge.ask("PUT", f"/v1/body/{field}", body.encode()) == Refused(400, "body", pointer)


@pytest.mark.parametrize("field", ["part", "parts", "numbers", "string", "value", "choice"])
async def test_body_that_is_not_sent_leaves_the_field_unset(edge: Edge, everything: Everything, field: str) -> None:
    assert await edge.ask("PUT", f"/v1/body/{field}", None) == Asked("PutField", everything(""))
    assert await edge.ask("PUT", f"/v1/body/{field}", b"") == Asked("PutField", everything(""))


async def test_whole_request_may_be_left_out(edge: Edge, everything: Everything) -> None:
    assert await edge.ask("POST", "/v1/everything", None) == Asked("Post", everything(""))
    assert await edge.ask("PUT", "/v1/everything/a", None) == Asked("Post", everything('string_value: "a"'))


@pytest.mark.parametrize("body", [b'{"string_value": "a"}', b"[]", b"null", b'"a"', b"x", b"[", b"0"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_body_where_there_is_none_to_be_is_refused(edge: Edge, method: str, body: bytes) -> None:
    found = await edge.ask(method, "/v1/everything", body)
    assert found == Refused(400, "body", "")


@pytest.mark.parametrize("body", [b"{}", b" { } "])
async def test_empty_object_where_no_body_is_to_be_says_nothing(
    edge: Edge, everything: Everything, body: bytes
) -> None:
    assert await edge.ask("POST", "/v1/empty", body) == Asked("Post", everything(""))


WHOLE = [
    ("value", "null", "TakeValue", "null_value: NULL_VALUE"),
    ("value", "5", "TakeValue", "number_value: 5"),
    ("value", '"a"', "TakeValue", 'string_value: "a"'),
    ("value", "[true]", "TakeValue", "list_value { values { bool_value: true } }"),
    ("value", '{"a": 1}', "TakeValue", 'struct_value { fields { key: "a" value { number_value: 1 } } }'),
    ("struct", "{}", "TakeStruct", ""),
    ("struct", '{"a": []}', "TakeStruct", 'fields { key: "a" value { list_value { } } }'),
    ("list", "[]", "TakeList", ""),
    ("list", "[1]", "TakeList", "values { number_value: 1 }"),
    ("timestamp", '"1970-01-01T00:00:01Z"', "TakeTimestamp", "seconds: 1"),
    ("string", '"a"', "TakeString", 'value: "a"'),
    ("int64", '"5"', "TakeInt64", "value: 5"),
    ("int64", "5", "TakeInt64", "value: 5"),
    ("any", '{"@type": "type.googleapis.com/conformance.Part", "size": 1}', "TakeAny",
     "[type.googleapis.com/conformance.Part] { size: 1 }"),
    ("empty", "{}", "TakeEmpty", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "method", "message"), WHOLE, ids=[f"{path}: {body}" for path, body, _, _ in WHOLE]
)
async def test_request_with_a_form_of_its_own_is_the_body(
    edge: Edge, as_request: Callable[[str, str], str], path: str, body: str, method: str, message: str
) -> None:
    found = await edge.ask("POST", f"/v1/whole/{path}", body.encode())
    assert found == Asked(method, as_request(method, message))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("value", "1e999"),
        ("struct", "[]"),
        ("struct", '{"a": 1e999}'),
        ("list", "{}"),
        ("timestamp", '"x"'),
        ("timestamp", "{}"),
        ("string", "1"),
        ("string", "{}"),
        ("int64", '"x"'),
        ("any", "[]"),
        *((name, "null") for name in ("struct", "list", "timestamp", "string", "int64", "any", "empty")),
        ("any", '{"@type": "x"}'),
        ("empty", '{"a": 1}'),
        ("empty", "[]"),
    ],
)
async def test_request_in_another_form_is_refused(edge: Edge, path: str, body: str) -> None:
    found = await edge.ask("POST", f"/v1/whole/{path}", body.encode())
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "body")


@pytest.mark.parametrize(
    ("path", "message", "answer"),
    [
        ("value", "null_value: NULL_VALUE", None),
        ("value", "list_value { values { number_value: 1 } }", [1]),
        ("struct", 'fields { key: "a" value { bool_value: true } }', {"a": True}),
        ("list", "values { number_value: 1 }", [1]),
        ("timestamp", "seconds: 1", "1970-01-01T00:00:01Z"),
        ("string", 'value: "a"', "a"),
        ("int64", "value: 5", "5"),
        ("empty", "", {}),
    ],
)
def test_answer_with_a_form_of_its_own_is_written_in_it(
    plan_edge: PlanEdge, path: str, message: str, answer: object
) -> None:
    assert plan_edge.answer("POST", f"/v1/whole/{path}", message) == answer
