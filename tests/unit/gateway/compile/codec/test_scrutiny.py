"""What reaches a codec unseen: an ordinary request must be plain, and what a codec reads too freely must not."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.compile.codec.scrutiny import JsonCheck, scrutiny
from gateway.compile.diagnosis import DecodeError
from gateway.compile.plan import Plan, compile_plan
from tests.support.protos import with_methods

MESSAGES = """
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
message Part { string part_id = 1; Part inner_part = 2; repeated Part sub_parts = 3; map<int32, Part> by_number = 4; }
message Request {
  string text_value = 1; int64 large = 2; float short_real = 3; double real = 4; Colour colour = 5;
  repeated int32 numbers = 6; repeated Colour colours = 7; Part first_part = 8; google.protobuf.FieldMask mask = 9;
  google.protobuf.Duration span = 10; oneof choice { string left = 11; Part right = 12; }
}
message Plain { string text = 1; }
message Reply { Plain plain = 1; }
"""


@pytest.fixture(scope="module")
def parts() -> Plan:
    return compile_plan(with_methods({"A": 'post: "/v1/a" body: "*"'}, MESSAGES))


@pytest.fixture(scope="module")
def check(parts: Plan) -> JsonCheck:
    found = scrutiny(parts.bindings[0].method.input, parts.registry)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"text_value": "a", "large": 5, "short_real": 1.5, "real": 2, "colour": "COLOUR_RED", "numbers": [1, 2]},
        {"textValue": "a", "shortReal": 1.5, "firstPart": {"partId": "a", "subParts": [{"partId": "b"}]}},
        {"textValue": "a", "short_real": 1.5},
        {"first_part": {"by_number": {"1": {"part_id": "a"}}}, "left": "a"},
        {"large": "9007199254740993", "real": "NaN", "mask": "a,bC", "span": "1s", "colours": [1, "COLOUR_RED"]},
        {"large": None, "first_part": None, "numbers": None},
        [],
        "x",
        None,
    ],
)
def test_ordinary_value_goes_to_the_codec_as_it_is(check: JsonCheck, value: Any) -> None:
    assert check.plain(value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"unknown": 1}, ("unknown",)),
        ({"é": 1}, ()),
        ({"x" * 65: 1}, ()),
        ({"first_part": {"unknown": 1}}, ("first_part", "unknown")),
        ({"first_part": {"sub_parts": [{}, {"x": 1}]}}, ("first_part", "sub_parts", 1, "x")),
        ({"first_part": {"by_number": {"01": {}}}}, ("first_part", "by_number", "01")),
        ({"first_part": {"by_number": {"1": {"x": 1}}}}, ("first_part", "by_number", "1", "x")),
        ({"text_value": "a", "textValue": "a"}, ("text_value",)),
        ({"left": "a", "right": {}}, ()),
        ({"large": "01"}, ("large",)),
        ({"real": "1."}, ("real",)),
        ({"real": True}, ("real",)),
        ({"short_real": "1e39"}, ("short_real",)),
        ({"colour": 1 << 31}, ("colour",)),
        ({"colours": ["COLOUR_RED", -(1 << 31) - 1]}, ("colours", 1)),
        ({"numbers": [1, "+1"]}, ("numbers", 1)),
        ({"mask": "a..b"}, ("mask",)),
        ({"span": "1.s"}, ("span",)),
    ],
)
def test_value_that_codecs_read_too_freely_is_refused_where_it_stands(
    check: JsonCheck, value: Any, path: tuple[str | int, ...]
) -> None:
    assert not check.plain(value)
    with pytest.raises(DecodeError) as raised:
        check.explain(value, ())
    assert raised.value.path == path


@pytest.mark.parametrize("value", [{"left": "a", "right": None}, {"textValue": "a", "first_part": {"partId": None}}])
def test_value_that_only_looks_odd_is_left_as_it_is(check: JsonCheck, value: Any) -> None:
    assert check.explain(value, ()) == value


@pytest.mark.parametrize("number", [3.4028235e38, "3.4028235e38", 340282350000000000000000000000000000000])
def test_number_that_rounds_to_the_largest_float_becomes_it(check: JsonCheck, number: Any) -> None:
    assert not check.plain({"short_real": number})
    assert check.explain({"short_real": number}, ()) == {"short_real": 3.4028234663852886e38}


def test_scrutiny_does_not_change_what_it_was_given(check: JsonCheck) -> None:
    value: Any = {"short_real": 3.4028235e38}
    check.explain(value, ())
    assert value == {"short_real": 3.4028235e38}
