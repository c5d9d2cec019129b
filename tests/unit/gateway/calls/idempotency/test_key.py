from __future__ import annotations

import pytest

from gateway.calls.idempotency.key import read_key
from meshkit.errors import MeshError


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (b'"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (b"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (b' \t"a"\t ', "a"),
        (b"a", "a"),
        (b"!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        (b'a"b', 'a"b'),
        (b'"a\\"b\\\\c"', 'a"b\\c'),
        (b'"a";v=1; w', "a"),
        (b'"a"; a_-.*9="b;c"', "a"),
        (b'"a";   x=tok/en:1;y=?1;z=-1.5', "a"),
        (b'"a";v=:aGk=:;w=@1659578233;x=%"f%c3%bc"', "a"),
        (b'"a";v=1;v=2', "a"),
        (b'"a";*x', "a"),
        (b"a;b=1", "a;b=1"),
        (b"x" * 255, "x" * 255),
        (b'"' + b"x" * 255 + b'"', "x" * 255),
    ],
)
def test_key_is_read_bare_and_as_a_string(header: bytes, key: str) -> None:
    assert read_key(header) == key


@pytest.mark.parametrize(
    "header",
    [
        b"", b'""', b" ", b"a b", b'"a b"', b'"a', b'"a\\b"', b'"a"b', b'"a"b"', b"x" * 256, b'"' + b"x" * 256 + b'"',
        b'"' + b'\\"' * 256 + b'"', b"\x7f", b"a\x00", b"\xc3\xa9", b'"\xc3\xa9"', b'"a", "b"', b'"a";V=1',
        b'"a";', b'"a"; ', b'"a" ;v', b'"a";=1', b'"a";;', b'"a";v=', b'"a";1=1', b'"a";v=1 2', b'"a";v w',
        b'"a";v="b', b'"a";v=\'b\'', b'"a";v=?2', b'"a";v=:a b:', b'"a";v=1.', b'"a";v=1.2345', b'"a";v=@1.5',
        b'"a";v=%"\xc3"', b'"a";v=%"%C3%A9"', b'"a";v=%"%ff"', b'"a";v=1234567890123456', b'"a";v=--1', b'"a";v;\tw',
        b'"a";v=:a:',
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_with_where_it_is(header: bytes) -> None:
    with pytest.raises(MeshError) as caught:
        read_key(header)
    assert caught.value.reason == "IDEMPOTENCY_KEY_INVALID"
    (violation,) = caught.value.violations
    assert (violation.field, violation.message[:12]) == ("Idempotency-Key", "must be 1 to")
