"""ProtoJSON written: what a service may send, as the caller reads it. Names are those of the proto here."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.message_factory import GetMessageClass

from gateway.compile.codec import EncodeError
from gateway.compile.plan import Plan
from tests.support.transcoding import CODECS, PlanEdge

EVERYTHING = "/v1/everything"

MEMBERS = [
    ("", "int32_value", 0),
    ("", "int64_value", "0"),
    ("", "double_value", 0),
    ("", "string_value", ""),
    ("", "bytes_value", ""),
    ("", "bool_value", False),
    ("", "colour", "COLOUR_UNSPECIFIED"),
    ("", "numbers", []),
    ("", "labels", {}),
    ("", "renamed", ""),
    ("int32_value: -5", "int32_value", -5),
    ("uint32_value: 4294967295", "uint32_value", 4294967295),
    ("int64_value: -9223372036854775808", "int64_value", "-9223372036854775808"),
    ("uint64_value: 18446744073709551615", "uint64_value", "18446744073709551615"),
    ("fixed64_value: 5", "fixed64_value", "5"),
    ("sint64_value: -5", "sint64_value", "-5"),
    ("double_value: 1.5", "double_value", 1.5),
    ("double_value: 1e300", "double_value", 1e300),
    ("double_value: nan", "double_value", "NaN"),
    ("double_value: inf", "double_value", "Infinity"),
    ("double_value: -inf", "double_value", "-Infinity"),
    ("float_value: 0.5", "float_value", 0.5),
    ('string_value: "a\\"\\\\\\n\\001é😀"', "string_value", 'a"\\\n\x01é😀'),
    ('bytes_value: "\\373\\377"', "bytes_value", "+/8="),
    ("bool_value: true", "bool_value", True),
    ("colour: RED", "colour", "RED"),
    ("colour: AZURE", "colour", "BLUE"),
    ("colour: 99", "colour", 99),
    ("colour: NEGATIVE", "colour", "NEGATIVE"),
    ('maybe: ""', "maybe", ""),
    ("numbers: [1, -2]", "numbers", [1, -2]),
    ("colours: [RED, 99]", "colours", ["RED", 99]),
    ("doubles: [nan, 1]", "doubles", ["NaN", 1]),
    ('labels { key: "b" value: "2" } labels { key: "a" value: "1" }', "labels", {"a": "1", "b": "2"}),
    ('by_int32 { key: -1 value: "x" }', "by_int32", {"-1": "x"}),
    ('by_uint64 { key: 18446744073709551615 value: "x" }', "by_uint64", {"18446744073709551615": "x"}),
    ('by_bool { key: true value: "x" }', "by_bool", {"true": "x"}),
    ('totals { key: "a" value: 5 }', "totals", {"a": "5"}),
    ("timestamp { }", "timestamp", "1970-01-01T00:00:00Z"),
    ("timestamp { seconds: -62135596800 }", "timestamp", "0001-01-01T00:00:00Z"),
    ("timestamp { seconds: 253402300799 nanos: 999999999 }", "timestamp", "9999-12-31T23:59:59.999999999Z"),
    ("timestamp { nanos: 500000000 }", "timestamp", "1970-01-01T00:00:00.500Z"),
    ("timestamp { nanos: 1000 }", "timestamp", "1970-01-01T00:00:00.000001Z"),
    ("timestamp { nanos: 1 }", "timestamp", "1970-01-01T00:00:00.000000001Z"),
    ("duration { seconds: 1 nanos: 500000000 }", "duration", "1.500s"),
    ("duration { nanos: -500000000 }", "duration", "-0.500s"),
    ("duration { }", "duration", "0s"),
    ("duration { seconds: -315576000000 }", "duration", "-315576000000s"),
    ('mask { paths: "string_value" paths: "part.part_id" }', "mask", "stringValue,part.partId"),
    ("mask { }", "mask", ""),
    ("struct { }", "struct", {}),
    ('struct { fields { key: "a" value { null_value: NULL_VALUE } } }', "struct", {"a": None}),
    ("value { null_value: NULL_VALUE }", "value", None),
    ('value { string_value: "a" }', "value", "a"),
    ("value { number_value: 5 }", "value", 5),
    ("list { values { bool_value: true } }", "list", [True]),
    ("values { list_value { } } values { null_value: NULL_VALUE }", "values", [[], None]),
    ("empty { }", "empty", {}),
    ("bool_box { }", "bool_box", False),
    ("int32_box { }", "int32_box", 0),
    ("int64_box { value: 5 }", "int64_box", "5"),
    ("double_box { value: inf }", "double_box", "Infinity"),
    ("string_box { }", "string_box", ""),
    ('bytes_box { value: "\\001" }', "bytes_box", "AQ=="),
    ("choice_number: 0", "choice_number", "0"),
    ('choice_text: ""', "choice_text", ""),
    ("choice_null: NULL_VALUE", "choice_null", None),
    ("any { }", "any", {}),
    (
        "any { [type.googleapis.com/google.protobuf.Duration] { seconds: 1 } }",
        "any",
        {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"},
    ),
]


@pytest.mark.parametrize(("message", "name", "value"), MEMBERS, ids=[f"{name}={text}" for text, name, _ in MEMBERS])
def test_member_is_written(plan_edge: PlanEdge, message: str, name: str, value: Any) -> None:
    found = plan_edge.answer("GET", EVERYTHING, message)
    assert name in found
    assert (type(found[name]) is bool, found[name]) == (type(value) is bool, value)


@pytest.mark.parametrize(
    "name", ["maybe", "part", "timestamp", "value", "any", "int64_box", "choice_text", "choice_number", "choice_null"]
)
def test_absent_member_with_presence_is_left_out(plan_edge: PlanEdge, name: str) -> None:
    assert name not in plan_edge.answer("GET", EVERYTHING, "")


def test_message_in_an_any_is_written_beside_its_type(plan_edge: PlanEdge) -> None:
    message = 'any { [type.googleapis.com/conformance.Part] { part_id: "a" size: 1 } }'
    found = plan_edge.answer("GET", EVERYTHING, message)["any"]
    assert (found["@type"], found["part_id"], found["size"]) == ("type.googleapis.com/conformance.Part", "a", 1)


def test_float_is_written_so_that_it_is_read_as_the_same_float(plan_edge: PlanEdge) -> None:
    found = plan_edge.answer("GET", EVERYTHING, "float_value: 0.1")["float_value"]
    assert found == pytest.approx(0.1, rel=1e-7)


FIELDS = [
    ("part", "", {"part_id": "", "size": 0, "parts": [], "by_name": {}}),
    ("part", 'part { part_id: "a" }', {"part_id": "a", "size": 0, "parts": [], "by_name": {}}),
    ("parts", "", []),
    ("parts", "parts { size: 1 } parts { }", [{"size": 1}, {"size": 0}]),
    ("numbers", "", []),
    ("numbers", "numbers: [1, 2]", [1, 2]),
    ("labels", "", {}),
    ("labels", 'labels { key: "a" value: "b" }', {"a": "b"}),
    ("string", "", ""),
    ("string", 'string_value: "a"', "a"),
    ("int64", "int64_value: 5", "5"),
    ("double", "double_value: nan", "NaN"),
    ("bytes", 'bytes_value: "\\001"', "AQ=="),
    ("colour", "", "COLOUR_UNSPECIFIED"),
    ("colour", "colour: RED", "RED"),
    ("timestamp", "", None),
    ("timestamp", "timestamp { }", "1970-01-01T00:00:00Z"),
    ("value", "", None),
    ("value", "value { number_value: 1 }", 1),
    ("struct", "", None),
    ("struct", "struct { }", {}),
    ("string_box", "", None),
    ("string_box", "string_box { }", ""),
    ("choice_text", "", None),
    ("choice_text", 'choice_text: ""', ""),
    ("choice_part", "", None),
    ("choice_part", "choice_part { size: 1 }", {"part_id": "", "size": 1, "parts": [], "by_name": {}}),
    ("maybe", "", None),
    ("maybe", 'maybe: ""', ""),
]


@pytest.mark.parametrize(("name", "message", "value"), FIELDS, ids=[f"{name}={text}" for name, text, _ in FIELDS])
def test_response_body_is_the_field(plan_edge: PlanEdge, name: str, message: str, value: Any) -> None:
    found = plan_edge.answer("GET", f"/v1/answer/{name}", message)
    if name == "parts":
        found = [{"size": each["size"]} for each in found]
    assert found == value


UNWRITABLE = [
    "timestamp { seconds: 253402300800 }",
    "timestamp { nanos: -1 }",
    "duration { seconds: 315576000001 }",
    "duration { seconds: 1 nanos: -1 }",
    'mask { paths: "fooBar" }',
    "value { number_value: nan }",
    "values { number_value: inf }",
    'any { type_url: "type.googleapis.com/no.Such" value: "\\001" }',
    'any { type_url: "type.googleapis.com/conformance.Part" value: "\\377" }',
]


@pytest.mark.parametrize("message", UNWRITABLE)
def test_answer_that_proto_json_cannot_express_is_a_deliberate_error(
    plan_edge: PlanEdge, plan: Plan, caplog: pytest.LogCaptureFixture, message: str
) -> None:
    found = GetMessageClass(plan.pool.FindMessageTypeByName("conformance.Everything"))()
    text_format.Parse(message, found, descriptor_pool=plan.pool)
    with caplog.at_level(logging.CRITICAL), pytest.raises(EncodeError) as raised:
        plan_edge.endpoint("GET", EVERYTHING).encode(found.SerializeToString())
    assert raised.value.reason == "ANSWER_UNWRITABLE"


@pytest.mark.parametrize("data", [b"\xff", b"\x60\x01", b"\x62\x01\xff", b"\x62\x05a", b"\x0a"])
def test_answer_that_is_no_such_message_is_a_deliberate_error(
    plan_edge: PlanEdge, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    encode = plan_edge.endpoint("GET", EVERYTHING).encode
    with caplog.at_level(logging.CRITICAL):
        try:
            json.loads(encode(data))
        except EncodeError as error:
            assert error.reason == "ANSWER_UNWRITABLE"


def test_both_codecs_write_the_same(plan_edges: dict[str, PlanEdge]) -> None:
    for message, _, _ in MEMBERS:
        first, second = (plan_edges[codec].answer("GET", EVERYTHING, message) for codec in CODECS)
        assert first == second
