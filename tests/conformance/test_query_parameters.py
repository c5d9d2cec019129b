"""Query parameters (google/api/http.proto): which fields they set, under which names, and from which texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.transcoding import Asked, Edge, Refused

Everything = Callable[[str], str]

SCALARS = [
    ("", ""),
    ("&", ""),
    ("&&string_value=a&", 'string_value: "a"'),
    ("string_value=a", 'string_value: "a"'),
    ("stringValue=a", 'string_value: "a"'),
    ("string_value=", ""),
    ("string_value", ""),
    ("string_value=a=b", 'string_value: "a=b"'),
    ("string_value=a+b", 'string_value: "a b"'),
    ("string_value=a%20b", 'string_value: "a b"'),
    ("string_value=a%2Bb", 'string_value: "a+b"'),
    ("string_value=a%26b%3Dc", 'string_value: "a&b=c"'),
    ("string_value=a%2Fb/c", 'string_value: "a/b/c"'),
    ("string_value=%C3%A9", 'string_value: "é"'),
    ("string_value=a;b", 'string_value: "a;b"'),
    ("string_value=?", 'string_value: "?"'),
    ("string%5Fvalue=a", 'string_value: "a"'),
    ("maybe=", 'maybe: ""'),
    ("maybe=a", 'maybe: "a"'),
    ("bool_value=true", "bool_value: true"),
    ("bool_value=false", ""),
    ("int32_value=-7", "int32_value: -7"),
    ("int32_value=-0", ""),
    ("int64_value=9007199254740993", "int64_value: 9007199254740993"),
    ("int64_value=-9223372036854775808", "int64_value: -9223372036854775808"),
    ("uint32_value=4294967295", "uint32_value: 4294967295"),
    ("uint64_value=18446744073709551615", "uint64_value: 18446744073709551615"),
    ("sint32_value=-1&sint64_value=-2", "sint32_value: -1 sint64_value: -2"),
    ("fixed32_value=1&fixed64_value=2", "fixed32_value: 1 fixed64_value: 2"),
    ("float_value=0.5", "float_value: 0.5"),
    ("double_value=-2.5E-3", "double_value: -0.0025"),
    ("double_value=NaN", "double_value: nan"),
    ("double_value=Infinity", "double_value: inf"),
    ("double_value=-Infinity", "double_value: -inf"),
    ("double_value=-0", "double_value: -0.0"),
    ("bytes_value=AQID", 'bytes_value: "\\001\\002\\003"'),
    ("bytes_value=-_8=", 'bytes_value: "\\373\\377"'),
    ("bytes_value=%2B/8", 'bytes_value: "\\373\\377"'),
    ("colour=BLUE", "colour: BLUE"),
    ("colour=2", "colour: BLUE"),
    ("colour=AZURE", "colour: BLUE"),
    ("colour=17", "colour: 17"),
    ("%40other=x", 'renamed: "x"'),
    ("renamed=x", 'renamed: "x"'),
    ("choice_text=a", 'choice_text: "a"'),
    ("choice_text=", 'choice_text: ""'),
    ("choiceNumber=0", "choice_number: 0"),
]
REPEATED = [
    ("numbers=1&numbers=2&numbers=1", "numbers: [1, 2, 1]"),
    ("numbers=1&string_value=a&numbers=2", 'numbers: [1, 2] string_value: "a"'),
    ("texts=a&texts=&texts=b", 'texts: ["a", "", "b"]'),
    ("texts=a,b", 'texts: ["a,b"]'),
    ("colours=RED&colours=2", "colours: [RED, BLUE]"),
    ("flags=true&flags=false", "flags: [true, false]"),
    ("doubles=1.5&doubles=NaN", "doubles: [1.5, nan]"),
    ("blobs=AQ==&blobs=Ag", 'blobs: ["\\001", "\\002"]'),
    ("times=1970-01-01T00:00:01Z&times=1970-01-01T00:00:02Z", "times { seconds: 1 } times { seconds: 2 }"),
    ("int64_boxes=1&int64Boxes=2", "int64_boxes { value: 1 } int64_boxes { value: 2 }"),
]
NESTED = [
    ("part.part_id=a", 'part { part_id: "a" }'),
    ("part.partId=a", 'part { part_id: "a" }'),
    ("part.part_id=a&part.size=3", 'part { part_id: "a" size: 3 }'),
    ("part.inner.inner.part_id=a&part.inner.size=1", 'part { inner { size: 1 inner { part_id: "a" } } }'),
    ("part.inner.inner.inner.inner.inner.inner.size=1",
     "part { inner { inner { inner { inner { inner { inner { size: 1 } } } } } } }"),
    ("part.ean=", 'part { ean: "" }'),
    ("part.number=5", "part { number: 5 }"),
    ("choice_part.size=1", "choice_part { size: 1 }"),
]  # fmt: skip
WELL_KNOWN = [
    ("timestamp=1970-01-01T00:00:01.5Z", "timestamp { seconds: 1 nanos: 500000000 }"),
    ("timestamp=1970-01-01T01:00:01%2B01:00", "timestamp { seconds: 1 }"),
    ("timestamp=1969-12-31T23:59:59.999999999Z", "timestamp { seconds: -1 nanos: 999999999 }"),
    ("duration=-1.5s", "duration { seconds: -1 nanos: -500000000 }"),
    ("duration=0s", "duration { }"),
    ("mask=string_value,part.part_id", 'mask { paths: "string_value" paths: "part.part_id" }'),
    ("mask=stringValue,part.partId", 'mask { paths: "string_value" paths: "part.part_id" }'),
    ("mask=*", 'mask { paths: "*" }'),
    ("mask=", "mask { }"),
    ("bool_box=false", "bool_box { }"),
    ("int32_box=0", "int32_box { }"),
    ("int64_box=-5", "int64_box { value: -5 }"),
    ("uint64_box=18446744073709551615", "uint64_box { value: 18446744073709551615 }"),
    ("double_box=1.5", "double_box { value: 1.5 }"),
    ("string_box=", "string_box { }"),
    ("string_box=a", 'string_box { value: "a" }'),
    ("bytes_box=AQ==", 'bytes_box { value: "\\001" }'),
]
MAPS = [
    ("labels[a]=b", 'labels { key: "a" value: "b" }'),
    ("labels%5Ba%5D=b", 'labels { key: "a" value: "b" }'),
    ("labels[a]=1&labels[b]=2", 'labels { key: "a" value: "1" } labels { key: "b" value: "2" }'),
    ("labels[]=x", 'labels { key: "" value: "x" }'),
    ("labels[a.b]=x", 'labels { key: "a.b" value: "x" }'),
    ("by_int32[-1]=x", 'by_int32 { key: -1 value: "x" }'),
    ("byInt64[9007199254740993]=x", 'by_int64 { key: 9007199254740993 value: "x" }'),
    ("by_bool[true]=x", 'by_bool { key: true value: "x" }'),
    ("colour_by_name[a]=RED", 'colour_by_name { key: "a" value: RED }'),
    ("totals[a]=-5", 'totals { key: "a" value: -5 }'),
]
CASES = [*SCALARS, *REPEATED, *NESTED, *WELL_KNOWN, *MAPS]


@pytest.mark.parametrize(("query", "message"), CASES, ids=[query for query, _ in CASES])
async def test_query_sets_fields(edge: Edge, everything: Everything, query: str, message: str) -> None:
    assert await edge.ask("GET", f"/v1/everything?{query}") == Asked("Get", everything(message))


@pytest.mark.parametrize("method", ["GET", "DELETE", "PURGE"])
async def test_every_method_without_a_body_takes_a_query(edge: Edge, everything: Everything, method: str) -> None:
    found = await edge.ask(method, "/v1/everything?part.size=3")
    assert found == Asked("Get", everything("part { size: 3 }"))


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("int32_value=2147483648", "int32_value"),
        ("int32_value=", "int32_value"),
        ("int32_value", "int32_value"),
        ("int32_value=1.5", "int32_value"),
        ("int32_value=0x1", "int32_value"),
        ("int32_value=%201", "int32_value"),
        ("int32_value=1,000", "int32_value"),
        ("uint32_value=-1", "uint32_value"),
        ("int64_value=9223372036854775808", "int64_value"),
        ("uint64_value=1e30", "uint64_value"),
        ("float_value=1e39", "float_value"),
        ("double_value=1e309", "double_value"),
        ("double_value=1.", "double_value"),
        ("double_value=.5", "double_value"),
        ("double_value=%2B1", "double_value"),
        ("double_value=nan", "double_value"),
        ("double_value=", "double_value"),
        ("bool_value=", "bool_value"),
        ("bool_value=1", "bool_value"),
        ("bool_value=True", "bool_value"),
        ("bytes_value=***", "bytes_value"),
        ("colour=PURPLE", "colour"),
        ("colour=blue", "colour"),
        ("colour=1.5", "colour"),
        ("colour=", "colour"),
        ("colour=2147483648", "colour"),
        ("colour=9223372036854775807", "colour"),
        ("colours=RED&colours=-99999999999", "colours"),
        ("timestamp=1970-01-01", "timestamp"),
        ("timestamp=0000-01-01T00:00:00Z", "timestamp"),
        ("duration=1", "duration"),
        ("duration=315576000001s", "duration"),
        ("mask=a..b", "mask"),
        ("mask=a%20b", "mask"),
        ("mask=1.5", "mask"),
        ("mask=,", "mask"),
        ("int64_box=x", "int64_box"),
        ("numbers=1&numbers=x", "numbers"),
        ("numbers=1,2", "numbers"),
        ("totals[a]=x", "totals"),
        ("by_int32[x]=a", "by_int32"),
        ("by_int32[2147483648]=a", "by_int32"),
        ("by_int32[]=a", "by_int32"),
        ("by_uint64[18446744073709551616]=a", "by_uint64"),
        ("by_bool[1]=a", "by_bool"),
    ],
)
async def test_text_that_is_no_such_value_is_refused_by_name(edge: Edge, query: str, name: str) -> None:
    found = await edge.ask("GET", f"/v1/everything?{query}")
    assert isinstance(found, Refused)
    assert (found.status, found.place, found.name.partition(".")[0]) == (400, "query", name)


@pytest.mark.parametrize(
    "name",
    [
        "unknown", "String_value", "string_Value", "STRING_VALUE", "part", "part.unknown", "part.", ".part",
        "part..size", "part.parts.size", "parts", "parts.size", "parts[0].size", "numbers[0]", "numbers[]",
        "string_value.x", "timestamp.seconds", "duration.nanos", "string_box.value", "mask.paths", "labels",
        "labels.a", "labels[a", "labels[a].b", "parts_by_name[a]", "parts_by_name[a].size", "struct", "struct.a",
        "struct.fields", "value", "list", "any", "any.type_url", "empty", "values", "choice", "part.mark",
        "utm_source", "__proto__", "[conformance.legacy.note]",
    ],
)  # fmt: skip
async def test_name_that_text_cannot_set_is_refused(edge: Edge, name: str) -> None:
    found = await edge.ask("GET", f"/v1/everything?{name}=1")
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "query")


@pytest.mark.parametrize(
    "query",
    [
        "string_value=a&string_value=b",
        "string_value=a&string_value=a",
        "string_value=a&stringValue=b",
        "string_value=a&string%5Fvalue=a",
        "part.part_id=a&part.partId=b",
        "labels[a]=1&labels[a]=2",
        "timestamp=1970-01-01T00:00:01Z&timestamp=1970-01-01T00:00:01Z",
        "choice_text=a&choice_number=1",
        "choice_text=a&choice_part.size=1",
        "part.ean=a&part.number=1",
        "mask=a&mask=b",
    ],
)
async def test_what_is_one_value_is_not_given_twice(edge: Edge, query: str) -> None:
    found = await edge.ask("GET", f"/v1/everything?{query}")
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "query")


@pytest.mark.parametrize(
    "query",
    ["string_value=%", "string_value=%2", "string_value=%zz", "string_value=%FF", "string_value=%C3%28", "%zz=1",
     "%FF=1", "string_value=%ED%A0%80"],
)  # fmt: skip
async def test_broken_percent_encoding_is_refused(edge: Edge, query: str) -> None:
    found = await edge.ask("GET", f"/v1/everything?{query}")
    assert isinstance(found, Refused)
    assert (found.status, found.place) == (400, "query")
