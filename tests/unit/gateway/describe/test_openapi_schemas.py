"""Schemas of messages: the JSON mapping of each type, constraints, and what differs between requests and answers."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from gateway.describe.comments import Comments
from gateway.describe.openapi.names import ComponentNames
from gateway.describe.openapi.schemas import Schemas, Use
from tests.support.protos import compile_proto

PROTO = """
enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; }

message Request {
  int32 small = 1;
  uint32 count = 2;
  int64 big = 3;
  uint64 large = 4;
  double ratio = 5;
  bool flag = 6;
  bytes data = 7;
  Color color = 8;
  google.protobuf.Timestamp time = 9;
  google.protobuf.Duration span = 10;
  google.protobuf.FieldMask mask = 11;
  map<string, int64> sizes = 12;
  repeated Color colors = 13;
  Tree tree = 14;
  Shared shared = 15;
}

message Tree { repeated Tree branches = 1; }

message Rules {
  string id = 1 [(buf.validate.field).string.uuid = true];
  string name = 2 [(buf.validate.field).string = {min_len: 2, max_len: 9, pattern: "^[a-z]*$"}];
  string host = 3 [(buf.validate.field).string.ip = true, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  string tier = 4 [(buf.validate.field).string = {in: ["a", "b"]}, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  double share = 5 [(buf.validate.field).double = {gte: 0, lt: 1.5}];
  int64 big = 6 [(buf.validate.field).int64.gte = 5];
  repeated string tags = 7 [(buf.validate.field).repeated = {
    min_items: 1, max_items: 3, unique: true, items: {string: {max_len: 5}}
  }];
  map<string, string> facts = 8 [(buf.validate.field).map = {
    max_pairs: 2, keys: {string: {pattern: "^k"}}, values: {string: {max_len: 4}}
  }];
  optional double amount = 9 [(buf.validate.field).required = true];
  string optional_pattern = 10 [(buf.validate.field).string.pattern = "^x*$"];
  string needed_pattern = 11 [(buf.validate.field).string.pattern = "^x+$"];
  uint32 at_least_one = 12 [(buf.validate.field).uint32.gte = 1];
  string mail = 13 [(buf.validate.field).string.email = true, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  double ratio = 14 [(buf.validate.field).double.gte = 5, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  repeated Whole unchecked = 15 [(buf.validate.field).repeated.items.ignore = IGNORE_ALWAYS];
}

message Shared {
  string code = 1 [
    (buf.validate.field).string.pattern = "^[A-Z]{2}$",
    (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE
  ];
  string key = 2 [(buf.validate.field).string.min_len = 1];
}

message Whole {
  option (buf.validate.message).cel = {id: "text.not_x", message: "must not be x", expression: "this.text != 'x'"};
  string text = 1;
  string one = 2 [(rampart.mesh.v1.field).required_unless = {field: "text", value: "a"}];
  string two = 3 [(rampart.mesh.v1.field).required_unless = {field: "text", value: "b"}];
}

message Reply {
  string text = 1;
  repeated string list = 2;
  map<string, string> facts = 3;
  optional string maybe = 4;
  Shared shared = 5;
  Union union = 6;
}

message Union { oneof one { string left = 1; string right = 2; } }
"""


@cache
def pool() -> tuple[DescriptorPool, Comments]:
    files = compile_proto(PROTO)
    found = DescriptorPool()
    for file in files.file:
        found.Add(file)
    return found, Comments(files)


def schemas() -> Schemas:
    found, comments = pool()
    requests = [found.FindMessageTypeByName(f"test.lib.v1.{name}") for name in ("Request", "Rules")]
    return Schemas(comments, requests, [found.FindMessageTypeByName("test.lib.v1.Reply")], ComponentNames({}, ()))


def component(name: str, use: Use = Use.REQUEST) -> dict[str, Any]:
    made = schemas()
    reference = made.message(pool()[0].FindMessageTypeByName(f"test.lib.v1.{name}"), use)["$ref"]
    return made.components[reference.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("small", {"type": "integer", "format": "int32"}),
        ("count", {"type": "integer", "format": "uint32", "minimum": 0}),
        ("big", {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}),
        ("large", {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}),
        ("ratio", {"type": "number", "format": "double"}),
        ("flag", {"type": "boolean"}),
        ("data", {"type": "string", "contentEncoding": "base64"}),
        ("time", {"type": "string", "format": "date-time"}),
        ("tree", {"$ref": "#/components/schemas/Tree"}),
    ],
)
def test_type_has_its_json_form(field: str, schema: dict[str, Any]) -> None:
    assert component("Request", Use.ANSWER)["properties"][field] == schema


def test_special_types_are_strings() -> None:
    properties = component("Request", Use.ANSWER)["properties"]
    assert properties["span"]["type"] == properties["mask"]["type"] == "string"


def test_enum_is_a_list_of_names() -> None:
    properties = component("Request", Use.ANSWER)["properties"]
    assert properties["color"]["enum"] == ["COLOR_UNSPECIFIED", "COLOR_RED"]
    assert properties["colors"]["type"] == "array"
    assert properties["colors"]["items"]["enum"] == ["COLOR_UNSPECIFIED", "COLOR_RED"]


def test_map_is_an_object_of_its_values() -> None:
    assert component("Request", Use.ANSWER)["properties"]["sizes"] == {
        "type": "object",
        "additionalProperties": {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"},
    }


def test_message_may_hold_itself() -> None:
    assert component("Tree")["properties"]["branches"]["items"] == {"$ref": "#/components/schemas/Tree"}


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("id", {"type": "string", "format": "uuid"}),
        (
            "name",
            {
                "type": "string",
                "minLength": 2,
                "maxLength": 9,
                "pattern": "^[a-z]*$",
                "description": "Must hold only small letters.",
            },
        ),
        (
            "host",
            {"type": "string", "if": {"const": ""}, "else": {"if": {"format": "ipv4"}, "else": {"format": "ipv6"}}},
        ),
        ("tier", {"type": "string", "enum": ["", "a", "b"]}),
        ("mail", {"type": "string", "if": {"const": ""}, "else": {"format": "email"}}),
        ("ratio", {"type": "number", "format": "double", "if": {"const": 0}, "else": {"minimum": 5}}),
        ("share", {"type": "number", "format": "double", "minimum": 0, "exclusiveMaximum": 1.5}),
        ("at_least_one", {"type": "integer", "format": "uint32", "minimum": 1}),
        (
            "tags",
            {
                "type": "array",
                "items": {"type": "string", "maxLength": 5},
                "minItems": 1,
                "maxItems": 3,
                "uniqueItems": True,
            },
        ),
        (
            "facts",
            {
                "type": "object",
                "additionalProperties": {"type": "string", "maxLength": 4},
                "propertyNames": {"pattern": "^k"},
                "maxProperties": 2,
            },
        ),
    ],
)
def test_constraint_is_a_keyword(field: str, schema: dict[str, Any]) -> None:
    assert component("Rules", Use.ANSWER)["properties"][field] == schema


def test_numeric_bound_of_an_integer_in_a_string_is_left_out() -> None:
    assert "minimum" not in component("Rules")["properties"]["big"]


def test_field_whose_absence_breaks_a_rule_is_required() -> None:
    assert component("Rules")["required"] == ["id", "name", "tags", "amount", "needed_pattern", "at_least_one"]


def test_requests_refuse_unknown_fields_and_answers_may_gain_some() -> None:
    assert component("Rules")["additionalProperties"] is False
    assert component("Shared")["additionalProperties"] is False
    assert "additionalProperties" not in component("Reply", Use.ANSWER)
    assert "additionalProperties" not in component("Shared", Use.ANSWER)


def test_message_that_is_used_both_ways_has_two_schemas() -> None:
    made, shared = schemas(), pool()[0].FindMessageTypeByName("test.lib.v1.Shared")
    assert made.message(shared, Use.REQUEST) == {"$ref": "#/components/schemas/SharedInput"}
    assert made.message(shared, Use.ANSWER) == {"$ref": "#/components/schemas/Shared"}
    assert made.components["SharedInput"]["required"] == ["key"]
    assert made.components["Shared"]["required"] == ["code", "key"]


def test_message_whose_constraints_are_not_checked_is_the_same_message() -> None:
    made = schemas()
    made.message(pool()[0].FindMessageTypeByName("test.lib.v1.Rules"), Use.REQUEST)
    assert made.components["Rules"]["properties"]["unchecked"]["items"] == {"$ref": "#/components/schemas/Whole"}
    assert set(made.components) == {"Rules", "Whole"}


def test_answer_always_shows_fields_without_presence() -> None:
    assert component("Reply", Use.ANSWER)["required"] == ["text", "list", "facts"]


@pytest.mark.parametrize("use", [Use.REQUEST, Use.ANSWER])
def test_zero_value_may_stand_where_rules_let_it_pass(use: Use) -> None:
    check = Draft202012Validator(component("Shared", use)["properties"]["code"])
    assert [value for value in ("", "DE", "d", "DEU") if check.is_valid(value)] == ["", "DE"]


def test_rule_of_a_whole_message_is_told_in_words() -> None:
    words = component("Whole")["description"]
    assert "`text` must not be x." in words
    assert "`one` is required unless `text` is a." in words


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ({"one": "1", "two": "2"}, True),
        ({"text": "a", "two": "2"}, True),
        ({"text": "b", "one": "1"}, True),
        ({"text": "a", "one": "1"}, False),
        ({"text": "a", "two": ""}, False),
        ({"text": "c", "two": "2"}, False),
        ({"two": "2"}, False),
        ({}, False),
    ],
)
def test_field_is_required_unless_another_has_a_value(value: dict[str, Any], good: bool) -> None:
    assert Draft202012Validator(component("Whole")).is_valid(value) is good


@pytest.mark.parametrize(
    ("field", "good"),
    [
        ("small", 1),
        ("color", "COLOR_RED"),
        ("tree", {}),
        ("sizes", {"a": "1"}),
        ("colors", ["COLOR_RED"]),
        ("time", "2025-01-01T00:00:00Z"),
    ],
)
def test_request_may_say_with_null_that_a_field_is_absent(field: str, good: Any) -> None:
    made = schemas()
    made.message(pool()[0].FindMessageTypeByName("test.lib.v1.Request"), Use.REQUEST)
    check = Draft202012Validator(made.components["Request"] | {"components": {"schemas": made.components}})
    assert check.is_valid({field: None})
    assert check.is_valid({field: good})
    assert not check.is_valid({field: [None]})
    required = component("Rules")
    assert "null" not in str(required["properties"]["amount"])


def test_union_has_one_member_at_most() -> None:
    union = component("Union")
    assert union["maxProperties"] == 1
    assert "`left`, `right`" in union["description"]


def test_body_lacks_the_fields_that_the_path_binds() -> None:
    made = schemas()
    message = pool()[0].FindMessageTypeByName("test.lib.v1.Request")
    assert made.body(message, "change", [("small",), ("shared", "key")]) == {"$ref": "#/components/schemas/ChangeBody"}
    body = made.components["ChangeBody"]
    assert "small" not in body["properties"]
    assert list(body["properties"]["shared"]["properties"]) == ["code"]
    assert "required" not in body["properties"]["shared"]
