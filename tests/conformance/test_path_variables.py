"""Path variables (google/api/http.proto): what they capture, how it is decoded, and how its text becomes a value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf import text_encoding

from tests.support.transcoding import Asked, Edge, Refused

# One segment: RFC 6570 simple expansion, so every escape is undone.
SINGLE = [
    ("/v1/string/abc", "abc"),
    ("/v1/string/a%20b", "a b"),
    ("/v1/string/a+b", "a+b"),
    ("/v1/string/a%2Bb", "a+b"),
    ("/v1/string/a%2Fb", "a/b"),
    ("/v1/string/a%2fb", "a/b"),
    ("/v1/string/a%252Fb", "a%2Fb"),
    ("/v1/string/%25", "%"),
    ("/v1/string/a:b", "a:b"),
    ("/v1/string/a%3Ab", "a:b"),
    ("/v1/string/a;b=c,d", "a;b=c,d"),
    ("/v1/string/a@b", "a@b"),
    ("/v1/string/~-._", "~-._"),
    ("/v1/string/!$&'()*", "!$&'()*"),
    ("/v1/string/%C3%A9", "é"),
    ("/v1/string/%F0%9F%98%80", "😀"),
    ("/v1/string/%3F%23%5B%5D", "?#[]"),
    ("/v1/string/...", "..."),
    ("/v1/string/%00", "\0"),
    ("/v1/string/%0A", "\n"),
    ("/v1/string/null", "null"),
    ("/v1/string/%22", '"'),
]
# Several segments: only an escaped slash stays as it is, because undone it would be another path.
MULTI = [
    ("/v1/shelves/1/books/2", "shelves/1/books/2"),
    ("/v1/shelves/a%20b/books/c+d", "shelves/a b/books/c+d"),
    ("/v1/shelves/a%2Fb/books/c%2fd", "shelves/a%2Fb/books/c%2fd"),
    ("/v1/shelves/a%252Fb/books/c", "shelves/a%2Fb/books/c"),
    ("/v1/shelves/%3F/books/%23", "shelves/?/books/#"),
    ("/v1/shelves/a:b/books/c:d", "shelves/a:b/books/c:d"),
    ("/v1/shelves/%E4%B8%AD/books/%C3%A9", "shelves/中/books/é"),
    ("/v1/deep/a", "a"),
    ("/v1/deep/a/b/c", "a/b/c"),
    ("/v1/deep/a%2Fb/c", "a%2Fb/c"),
    ("/v1/deep/a%20b/%41", "a b/A"),
    ("/v1/deep", ""),
    ("/v1/deep/", ""),
    ("/v1/deep/a/", "a/"),
    ("/v1/deep/a//b", "a//b"),
    ("/v1/deep/a:b", "a:b"),
    ("/v1/deep/a:b:tail", "a:b"),
    ("/v1/deep/a/b:tail", "a/b"),
    ("/v1/deep/a:tail/b", "a:tail/b"),
    ("/v1/deep/a%3Atail", "a:tail"),
]


@pytest.mark.parametrize(("target", "captured"), [*SINGLE, *MULTI], ids=[each[0] for each in [*SINGLE, *MULTI]])
async def test_variable_captures(edge: Edge, everything: Callable[[str], str], target: str, captured: str) -> None:
    value = text_encoding.CEscape(captured.encode(), as_utf8=False)
    assert await edge.ask("GET", target) == Asked("GetByPath", everything(f'string_value: "{value}"'))


@pytest.mark.parametrize(
    ("target", "captured"), [("/v1/deep/a", "a"), ("/v1/deep/a:other", "a:other"), ("/v1/deep/a%3Atail", "a:tail")]
)
async def test_colon_that_begins_no_verb_is_part_of_the_name(
    edge: Edge, everything: Callable[[str], str], target: str, captured: str
) -> None:
    found = await edge.ask("DELETE", target)
    assert found == Asked("GetByPath", everything(f'string_value: "{captured}"'))


async def test_verb_of_a_path_is_one_with_every_method(edge: Edge) -> None:
    assert await edge.ask("DELETE", "/v1/deep/a:tail") == Refused(405)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/v1/int32/-5", "int32_value: -5"),
        ("/v1/int32/2147483647", "int32_value: 2147483647"),
        ("/v1/int32/0", ""),
        ("/v1/int64/-9223372036854775808", "int64_value: -9223372036854775808"),
        ("/v1/uint64/18446744073709551615", "uint64_value: 18446744073709551615"),
        ("/v1/double/2.5e1", "double_value: 25.0"),
        ("/v1/double/-Infinity", "double_value: -inf"),
        ("/v1/double/NaN", "double_value: nan"),
        ("/v1/bool/true", "bool_value: true"),
        ("/v1/bool/false", ""),
        ("/v1/bytes/AQID", 'bytes_value: "\\001\\002\\003"'),
        ("/v1/bytes/-_8", 'bytes_value: "\\373\\377"'),
        ("/v1/bytes/%2B%2F8%3D", 'bytes_value: "\\373\\377"'),
        ("/v1/colour/RED", "colour: RED"),
        ("/v1/colour/AZURE", "colour: BLUE"),
        ("/v1/colour/2", "colour: BLUE"),
        ("/v1/colour/-1", "colour: NEGATIVE"),
        ("/v1/time/1970-01-01T00:00:01Z", "timestamp { seconds: 1 }"),
        ("/v1/span/1.5s", "duration { seconds: 1 nanos: 500000000 }"),
        ("/v1/maybe/x", 'maybe: "x"'),
        ("/v1/tree/a/b", 'part { part_id: "b" inner { part_id: "a" } }'),
        ("/v1/choices/x", 'choice_text: "x"'),
    ],
)
async def test_text_becomes_a_value_of_the_fields_type(
    edge: Edge, everything: Callable[[str], str], target: str, message: str
) -> None:
    assert await edge.ask("GET", target) == Asked("GetByPath", everything(message))


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/v1/int32/2147483648", "int32_value"),
        ("/v1/int32/-2147483649", "int32_value"),
        ("/v1/int32/1.5", "int32_value"),
        ("/v1/int32/0x10", "int32_value"),
        ("/v1/int32/1_000", "int32_value"),
        ("/v1/int32/%201", "int32_value"),
        ("/v1/int32/+1", "int32_value"),
        ("/v1/int32/007", "int32_value"),
        ("/v1/int32/%D9%A1", "int32_value"),
        ("/v1/int64/9223372036854775808", "int64_value"),
        ("/v1/uint64/-1", "uint64_value"),
        ("/v1/uint64/18446744073709551616", "uint64_value"),
        ("/v1/double/abc", "double_value"),
        ("/v1/double/1e999", "double_value"),
        ("/v1/double/inf", "double_value"),
        ("/v1/bool/TRUE", "bool_value"),
        ("/v1/bool/1", "bool_value"),
        ("/v1/bytes/%2A", "bytes_value"),
        ("/v1/bytes/A", "bytes_value"),
        ("/v1/colour/GREEN", "colour"),
        ("/v1/colour/red", "colour"),
        ("/v1/colour/2147483648", "colour"),
        ("/v1/colour/9223372036854775807", "colour"),
        ("/v1/time/today", "timestamp"),
        ("/v1/time/10000-01-01T00:00:00Z", "timestamp"),
        ("/v1/span/5", "duration"),
    ],
)
async def test_text_that_is_no_such_value_is_refused_by_the_name_of_the_variable(
    edge: Edge, target: str, name: str
) -> None:
    assert await edge.ask("GET", target) == Refused(400, "path", name)


@pytest.mark.parametrize(
    "target",
    ["/v1/string/%", "/v1/string/%2", "/v1/string/%zz", "/v1/string/%FF", "/v1/string/%C3", "/v1/string/%ED%A0%80",
     "/v1/string/%C0%AF", "/v1/deep/%FF/a", "/v1/deep/a/%2"],
)  # fmt: skip
async def test_broken_percent_encoding_is_refused(edge: Edge, target: str) -> None:
    found = await edge.ask("GET", target)
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "path")


@pytest.mark.parametrize(
    "target",
    ["/v1/string/", "/v1/string", "/v1/string/a/b", "/v1/string/.", "/v1/string/..", "/v1/string/%2e%2e",
     "/v1/deep/a/../b", "/v1/deep/%2E/x", "/v1/shelves//books/1", "/v1/shelves/1/books/", "/v1/shelves/1/books/2/3",
     "//v1/string/a", "/V1/string/a", "/v1/string/a/", "/v1%2Fstring/a"],
)  # fmt: skip
async def test_path_that_no_template_matches_is_not_found(edge: Edge, target: str) -> None:
    assert await edge.ask("GET", target) == Refused(404)
