"""One conformance suite for both codecs: what one refuses the other refuses, at the same place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.compile.codec import Codec, DecodeError, ProtobufPyCodec
from gateway.compile.plan import Plan, compile_plan
from tests.support.gateway import plan as product_plan
from tests.support.json_format_codec import JsonFormatCodec
from tests.support.protos import with_methods

MESSAGES = """
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
message Part { string part_id = 1; Part inner_part = 2; repeated Part sub_parts = 3; map<string, Part> by_name = 4; }
message Request {
  string text_value = 1; int32 small = 2; int64 large = 3; uint32 positive = 4; double real = 5; float short_real = 6;
  bool flag = 7; bytes data = 8; Colour colour = 9; repeated int32 numbers = 10; map<string, int32> counts = 11;
  google.protobuf.Timestamp at_time = 12; google.protobuf.Duration span = 13; google.protobuf.FieldMask mask = 14;
  Part first_part = 15; repeated Part parts = 16; optional string maybe = 17;
  oneof choice { string left = 18; Part right = 19; }
}
message Reply { Request request = 1; repeated Part parts = 2; string text = 3; map<string, string> labels = 4; }
"""


@pytest.fixture(scope="module")
def parts() -> Plan:
    return compile_plan(with_methods({"A": 'post: "/v1/a" body: "*"'}, MESSAGES))


@pytest.fixture(params=["protobuf-py", "json_format"])
def codec(request: pytest.FixtureRequest, parts: Plan) -> Codec:
    return ProtobufPyCodec(parts.registry) if request.param == "protobuf-py" else JsonFormatCodec(parts.pool)


def decode(plan: Plan, codec: Codec, value: Any) -> bytes:
    request = codec.request(plan.bindings[0].method.input)
    return request.serialize(request.decode(value))


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"text_value": "ä€😀", "small": -1, "large": "-9007199254740993", "positive": 4294967295, "real": 1.5},
        {"textValue": "camel", "shortReal": 0.5, "flag": True, "data": "AQID", "colour": "COLOUR_RED"},
        {"small": "7", "large": 7, "real": "2.5", "colour": 1},
        {"real": "NaN", "short_real": "Infinity"},
        {"numbers": [1, 2], "counts": {"a_b": 1, "aB": 2}},
        {"at_time": "2026-01-02T03:04:05.678Z", "span": "1.5s", "mask": "textValue,firstPart.partId"},
        {
            "first_part": {"part_id": "1", "inner_part": {"sub_parts": [{"part_id": "2"}]}},
            "parts": [{}, {"partId": "3"}],
        },
        {"first_part": {"by_name": {"part_id": {"part_id": "1"}, "partId": {"part_id": "2"}}}},
        {"text_value": None, "first_part": None, "numbers": None, "at_time": None},
        {"maybe": "", "left": ""},
        {"right": {"part_id": "1"}},
    ],
)
def test_both_codecs_read_the_same_message(parts: Plan, value: dict[str, Any]) -> None:
    read = parts.bindings[0].method.input.type.from_binary
    messages = [
        json.loads(read(decode(parts, codec, value)).to_json())
        for codec in (ProtobufPyCodec(parts.registry), JsonFormatCodec(parts.pool))
    ]
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], ()),
        (None, ()),
        ("x", ()),
        ({"unknown": 1}, ("unknown",)),
        ({"first_part": {"unknown": 1}}, ("first_part", "unknown")),
        ({"parts": [{}, {"sub_parts": [{"x": 1}]}]}, ("parts", 1, "sub_parts", 0, "x")),
        ({"first_part": {"by_name": {"a": {"part_id": 1}}}}, ("first_part", "by_name", "a", "part_id")),
        ({"text_value": 1}, ("text_value",)),
        ({"textValue": True}, ("textValue",)),
        ({"small": 2147483648}, ("small",)),
        ({"small": 1.5}, ("small",)),
        ({"small": "x"}, ("small",)),
        ({"small": True}, ("small",)),
        ({"positive": -1}, ("positive",)),
        ({"large": "9223372036854775808"}, ("large",)),
        ({"real": "x"}, ("real",)),
        ({"real": [1]}, ("real",)),
        ({"real": 10**400}, ("real",)),
        ({"flag": "true"}, ("flag",)),
        ({"flag": 1}, ("flag",)),
        ({"data": "*"}, ("data",)),
        ({"colour": "COLOUR_GREEN"}, ("colour",)),
        ({"numbers": {}}, ("numbers",)),
        ({"numbers": [1, "x"]}, ("numbers", 1)),
        ({"numbers": [1, None]}, ("numbers", 1)),
        ({"counts": []}, ("counts",)),
        ({"counts": {"a": "x"}}, ("counts", "a")),
        ({"at_time": "yesterday"}, ("at_time",)),
        ({"at_time": 5}, ("at_time",)),
        ({"at_time": "10000-01-01T00:00:00Z"}, ("at_time",)),
        ({"span": "5"}, ("span",)),
        ({"first_part": []}, ("first_part",)),
        ({"parts": [[]]}, ("parts", 0)),
        ({"text_value": "a", "textValue": "b"}, ("text_value",)),
        ({"first_part": {"part_id": "a", "partId": "b"}}, ("first_part", "part_id")),
        ({"firstPart": {"part_id": "a", "partId": "b"}}, ("firstPart", "part_id")),
        ({"parts": [{}, {"inner_part": {"part_id": "a", "partId": "b"}}]}, ("parts", 1, "inner_part", "part_id")),
        (
            {"first_part": {"by_name": {"k": {"part_id": "a", "partId": "b"}}}},
            ("first_part", "by_name", "k", "part_id"),
        ),
        ({"left": "a", "right": {}}, ()),
    ],
)
def test_wrong_value_is_refused_where_it_stands(
    parts: Plan, codec: Codec, value: Any, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(DecodeError) as raised:
        decode(parts, codec, value)
    assert raised.value.path == path
    assert raised.value.message


def test_message_of_an_error_does_not_show_the_value(parts: Plan, codec: Codec) -> None:
    for value in ({"small": "4111111111111111"}, {"at_time": "4111111111111111"}, {"colour": "4111111111111111"}):
        with pytest.raises(DecodeError) as raised:
            decode(parts, codec, value)
        assert "4111" not in str(raised.value)


def test_response_prints_fields_without_presence_and_proto_names(parts: Plan, codec: Codec) -> None:
    encoded = json.loads(codec.response(parts.bindings[0].method.output, None)(b""))
    assert encoded == {"parts": [], "text": "", "labels": {}}


@pytest.mark.parametrize(
    ("field", "expected"),
    [("parts", []), ("text", ""), ("labels", {}), ("request", "message")],
)
def test_response_body_is_one_field_even_if_it_is_empty(parts: Plan, codec: Codec, field: str, expected: Any) -> None:
    output = parts.bindings[0].method.output
    descriptor = next(f for f in output.fields if f.name == field)
    encoded = json.loads(codec.response(output, descriptor)(b""))
    if expected == "message":
        assert encoded["text_value"] == ""
        assert encoded["large"] == "0"
        assert encoded["colour"] == "COLOUR_UNSPECIFIED"
    else:
        assert encoded == expected


def test_both_codecs_write_the_same_response(parts: Plan) -> None:
    value = {
        "request": {"text_value": "ä€", "large": "5", "at_time": "2026-01-02T03:04:05.678Z", "real": 0.1, "left": ""},
        "parts": [{"part_id": "1", "by_name": {"x": {}}}],
        "labels": {"k": "v"},
    }
    output = parts.bindings[0].method.output
    data = output.type.from_json(json.dumps(value)).to_binary()
    found = [
        json.loads(c.response(output, None)(data))
        for c in (ProtobufPyCodec(parts.registry), JsonFormatCodec(parts.pool))
    ]
    assert found[0] == found[1]
    assert found[0]["request"]["at_time"] == "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize("kind", ["protobuf-py", "json_format"])
def test_response_may_be_written_in_the_names_of_json(parts: Plan, kind: str) -> None:
    registry, pool = parts.registry, parts.pool
    codec = (
        ProtobufPyCodec(registry, json_names=True) if kind == "protobuf-py" else JsonFormatCodec(pool, json_names=True)
    )
    output = parts.bindings[0].method.output
    value = {"request": {"text_value": "a", "at_time": "2026-01-02T03:04:05Z"}, "parts": [{"part_id": "1"}]}
    data = output.type.from_json(json.dumps(value)).to_binary()
    whole = json.loads(codec.response(output, None)(data))
    assert (whole["request"]["textValue"], whole["request"]["atTime"]) == ("a", "2026-01-02T03:04:05Z")
    assert "text_value" not in whole["request"]
    field = next(field for field in output.fields if field.name == "parts")
    assert json.loads(codec.response(output, field)(data))[0]["partId"] == "1"


@pytest.mark.parametrize("kind", ["protobuf-py", "json_format"])
def test_details_of_a_status_inside_a_response_are_written(kind: str) -> None:
    plan = product_plan()
    made: Codec = ProtobufPyCodec(plan.registry) if kind == "protobuf-py" else JsonFormatCodec(plan.pool)
    method = plan.methods["/rampart.fraud.v1.FraudService/BatchCheckFraud"]
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "VALIDATION_FAILED", "domain": "rampart"}
    value = {"results": [{"error": {"code": 3, "message": "m", "details": [detail]}}]}
    data = method.output.type.from_json(json.dumps(value), registry=plan.registry).to_binary()
    encoded = json.loads(made.response(method.output, None)(data))
    assert encoded["results"][0]["error"]["details"][0]["reason"] == "VALIDATION_FAILED"
