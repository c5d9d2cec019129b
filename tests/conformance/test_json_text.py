"""JSON (RFC 8259) as the body of a request that takes any JSON value: what is text of the grammar, and what is not.

I-JSON (RFC 7493) decides where the grammar allows what two readers read differently: names given twice, halves of
surrogate pairs, numbers beyond a double.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from meshkit.json import MAX_DEPTH
from tests.support.transcoding import Asked, Edge, PlanEdge, Refused

VALID = [
    "null", "true", "false", "0", "-0", "-0.0", "1", "-1", "10", "123456789", "0.1", "1.5", "1e5", "1E5", "1e+5",
    "1e-5", "1.5e10", "0e0", "0e+1", "-0e-1", "1e-400", "123123e-10000000", "1.7976931348623157e308", "5e-324",
    "100000000000000000000", '""', '"a"', '"é"', '"😀"', '"\\u00e9"', '"\\u00E9"', '"\\ud83d\\ude00"',
    '"\\uD83D\\uDE00"', '"\\u0000"', '"\\u2028"', '"\u2028"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\x7f"', '"\ufeff"',
    '"\\ufffe"', '"\U0010ffff"', '"/"', '"\\/"', '"{}[]:,"', "[]", "[ ]", "[1]", "[1,2]", " [ 1 , 2 ] ", "[[]]",
    "[{}]", "[null]", '["a",true,null,1.5,{}]', "\t[\n1\r]\n", "{}", "{ }", '{"a":1}', '{"":1}', '{"a":{"a":1}}',
    ' { "a" : [ ] } ', '{"a":1,"A":2}', '{"\\u0061b":1}', '{"é":1}', '{"@type":"x"}', '{"a.b":1}', '{"__proto__":1}',
]  # fmt: skip
INVALID = [
    "nul", "True", "FALSE", "None", "NULL", "undefined", "nan", "NaN", "-NaN", "Infinity", "-Infinity", "inf", "01",
    "-01", "+1", "1.", ".5", "-.5", "-", "--1", "1e", "1e+", "1.e5", "1.5.5", "0x1", "1_000", "1,000", "1 2", "0b1",
    "1f", "１", '"', '"a', "'a'", "a", '"\\"', '"\\x41"', '"\\a"', '"\\u"', '"\\u12"', '"\\u12g4"', '"\\U0041"',
    '"\n"', '"\t"', '"\x00"', '"\x1f"', '"a" "b"', '"a"b', '"\\\n"', "`a`", '"\\u+041"', '"\\u 041"', "[", "]", "[1",
    "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1;2]", "(1)", "[1]]", "[[1]", "[1}", "[1] x", "[1],", "{", "}",
    "{a:1}", "{'a':1}", "{1:1}", '{"a"}', '{"a":}', '{"a" 1}', '{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}',
    '{"a":1 "b":2}', '{"a"::1}', '{"a"=1}', '{"a":1', '{"a":1}}', '{"a":1]', "{null:1}", '{"a":1;"b":2}',
    '{"a":1} {"b":2}', " ", "\n", "/* x */ 1", "1 // x", "1 # x", "\u00a0[]", "\u2028[]", "[]\u00a0", "[\x0b1]",
    "[\x0c1]", "\x00", "[]\x00", "<x/>", "%00",
]  # fmt: skip
BYTES = [
    b"\xef\xbb\xbf[]", b"\xff", b'"\xff"', b'"\xc3"', b'"\xc3\x28"', b'"\xc0\xaf"', b'"\xe0\x80\xaf"',
    b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"',
    b'"\xf8\x88\x80\x80\x80"', b'{"\xff":1}', "[1]".encode("utf-16"), "[1]".encode("utf-16-le"),
    "[1]".encode("utf-32-be"), '"é"'.encode("latin-1"), b"\x80", b'"\x80"', b"[\xa0]",
]  # fmt: skip
AMBIGUOUS = [
    '{"a":1,"a":2}', '{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"x":{"a":1,"a":2}}', '[{"a":1,"b":2,"a":3}]',
    '{"":1,"":2}', '"\\ud800"', '"\\udfff"', '"\\ud800\\ud800"', '"\\ude00\\ud83d"', '"a\\ud83dz"', '{"\\ud800":1}',
    '["\\uDEAD"]',
    "1e400", "-1e400", "[1e999]", '{"a":1e309}', "9" * 400,
    "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1),
    "[" * 100_000, '[{"a":' * 50_000,
]  # fmt: skip
TARGET = "/v1/whole/value"


@pytest.mark.parametrize("body", VALID, ids=ascii)
async def test_text_of_the_grammar_is_read(
    edge: Edge, as_request: Callable[[str, str], str], plan_edges: dict[str, PlanEdge], body: str
) -> None:
    found = await edge.ask("POST", TARGET, body.encode())
    assert isinstance(found, Asked)
    answer = plan_edges["protobuf-py"].answer("POST", TARGET, found.message)
    assert answer == json.loads(body)


@pytest.mark.parametrize("body", [*(text.encode() for text in INVALID), *BYTES], ids=ascii)
async def test_text_outside_the_grammar_is_refused(edge: Edge, body: bytes) -> None:
    assert await edge.ask("POST", TARGET, body) == Refused(400, "body", "")


@pytest.mark.parametrize("body", AMBIGUOUS, ids=lambda body: ascii(body)[:40])
async def test_text_that_readers_read_differently_is_refused(edge: Edge, body: str) -> None:
    assert await edge.ask("POST", TARGET, body.encode()) == Refused(400, "body", "")


@pytest.mark.parametrize("depth", [1, MAX_DEPTH])
async def test_nesting_up_to_the_limit_is_read(edge: Edge, depth: int) -> None:
    assert isinstance(await edge.ask("POST", TARGET, b"[" * depth + b"]" * depth), Asked)


@pytest.mark.parametrize("kind", [b"application/json", b"application/json; charset=utf-8", b"APPLICATION/JSON", None])
async def test_json_is_taken_under_its_media_types_and_without_one(edge: Edge, kind: bytes | None) -> None:
    assert isinstance(await edge.ask("POST", TARGET, b"1", kind), Asked)
