"""Every rule of `buf.validate` that JSON Schema has a word for, against values that keep and break it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from gateway.describe.comments import Comments
from gateway.describe.openapi.constraints import field_sentences
from gateway.describe.openapi.names import ComponentNames
from gateway.describe.openapi.schemas import Schemas, Use
from tests.support.protos import compile_proto

RULES: dict[str, tuple[str, str, list[Any], list[Any]]] = {
    "exact": ("string", 'string.const = "a"', ["a"], ["b", ""]),
    "exact_length": ("string", "string.len = 2", ["ab"], ["a", "abc"]),
    "bytes": ("string", "string.max_bytes = 3", ["abc"], ["abcd"]),
    "starts": ("string", 'string.prefix = "a.b"', ["a.b", "a.bc"], ["axb", "xa.b"]),
    "ends": ("string", 'string.suffix = "/*"', ["x/*"], ["x/"]),
    "holds": ("string", 'string.contains = "+"', ["a+b"], ["ab"]),
    "holds_not": ("string", 'string.not_contains = "$"', ["ab"], ["a$"]),
    "starts_and_ends": ("string", 'string = {prefix: "a", suffix: "b"}', ["ab", "a-b"], ["a", "b"]),
    "none_of": ("string", 'string = {not_in: ["a", "b"]}', ["c"], ["a", "b"]),
    "mail": ("string", "string.email = true", ["a@example.com"], ["a"]),
    "address": ("string", "string.address = true", ["192.0.2.1", "2001:db8::1"], []),
    "day": ("string", 'string.pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"', ["2025-02-28"], ["2025-02-30", "2025"]),
    "trimmed_uuid": ("string", "string.tuuid = true", ["0" * 32], ["0" * 31, "g" * 32]),
    "ulid": ("string", "string.ulid = true", ["01ARZ3NDEKTSV4RRFFQ69G5FAV"], ["81ARZ3NDEKTSV4RRFFQ69G5FAV"]),
    "header_name": ("string", "string.well_known_regex = KNOWN_REGEX_HTTP_HEADER_NAME", ["x-a"], ["x a", ""]),
    "small": ("int32", "int32 = {gt: 1, lte: 5}", [2, 5], [1, 6]),
    "outside": ("int32", "int32 = {gt: 5, lt: 1}", [0, 6], [1, 3, 5]),
    "some": ("int32", "int32 = {in: [1, 3]}", [1, 3], [2]),
    "all_but": ("double", "double = {not_in: [1.5]}", [1.0], [1.5]),
    "big": ("int64", "int64 = {in: [1, 3]}", ["1", "3"], ["2"]),
    "yes": ("bool", "bool.const = true", [True], [False]),
    "color": ("Color", "enum = {in: [1, 7]}", ["RED", "BLUE"], ["NONE"]),
    "not_red": ("Color", "enum = {not_in: [1]}", ["NONE", "BLUE"], ["RED"]),
}


@cache
def message() -> tuple[Any, Comments]:
    fields = "".join(
        f"{kind} {name} = {number} [(buf.validate.field).{rule}];\n"
        for number, (name, (kind, rule, _, _)) in enumerate(RULES.items(), 1)
    )
    more = """
    string told = 100 [(buf.validate.field).cel = {id: "a", message: "must rhyme", expression: "this != ''"}];
    int64 bounded = 101 [(buf.validate.field).int64 = {gte: 5, lt: 900}];
    string shown = 102 [(buf.validate.field).string.example = "like this"];
    """
    files = compile_proto(f"enum Color {{ NONE = 0; RED = 1; BLUE = 7; }}\nmessage Rules {{ {fields} {more} }}")
    pool = DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool.FindMessageTypeByName("test.lib.v1.Rules"), Comments(files)


def schema(name: str) -> dict[str, Any]:
    rules, comments = message()
    return Schemas(comments, [rules], [], ComponentNames({}, ())).field(rules.fields_by_name[name], Use.REQUEST)


@pytest.mark.parametrize("name", RULES)
def test_schema_takes_what_keeps_a_rule_and_refuses_what_breaks_it(name: str) -> None:
    *_, good, bad = RULES[name]
    check = Draft202012Validator(schema(name), format_checker=FormatChecker())
    assert [value for value in good if not check.is_valid(value)] == []
    assert [value for value in bad if check.is_valid(value)] == []


def test_rule_that_a_schema_cannot_tell_is_told_in_words() -> None:
    fields = message()[0].fields_by_name
    assert field_sentences(fields["told"]) == ["Must rhyme."]
    assert field_sentences(fields["bounded"]) == ["At least 5.", "Less than 900."]
    assert schema("told")["description"] == "Must rhyme."


def test_example_of_a_field_is_shown() -> None:
    assert schema("shown")["examples"] == ["like this"]
