from __future__ import annotations

import time

import pytest

from meshkit.json import MAX_DEPTH, JsonError, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, 2.5, "x", true, false, null]}', {"a": [1, 2.5, "x", True, False, None]}),
        (b'  {"a":1}\n', {"a": 1}),
        ('{"ä": "€😀"}'.encode(), {"ä": "€😀"}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}', {"a": "[" * 42}),
        (b'{"a": "\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}', {"a": '"' + "[" * 38}),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b'[{"a":1},{"a":1}' + b",{}" * 100 + b"]", None),
    ],
)
def test_json_is_parsed(text: bytes, value: object) -> None:
    parsed = parse(text)
    assert value is None or parsed == value


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"nul", b"{'a':1}", b'{"a":1,}', b"[1,]", b"{} {}", b'{"a":01}', b'{"a":+1}', b'{"a":.5}',
        b'{"a":"\n"}', b'{"a":"\\x"}', b"\xef\xbb\xbf{}", b"// x\n{}",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(JsonError, match="not valid JSON"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "NaN or Infinity"),
        (b'{"a":-Infinity}', "NaN or Infinity"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"b":{"a":1,"\\u0061":2}}', "twice"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "levels deep"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "levels deep"),
        (b'[{"a":' * 17 + b"1" + b"}]" * 17, "levels deep"),
        (b"[" * 500_000, "levels deep"),
        (b"9" * 5000, "not valid JSON"),
    ],
)
def test_what_parsers_disagree_about_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(JsonError, match=reason):
        parse(text)


@pytest.mark.parametrize("end", [b"", b"\\", b'"'])
def test_text_of_quotes_alone_is_read_once(end: bytes) -> None:
    began = time.process_time()
    with pytest.raises(JsonError):
        parse(b"[" * (MAX_DEPTH + 1) + b'"' + b'\\"' * 15_000 + end)
    assert time.process_time() - began < 0.5
