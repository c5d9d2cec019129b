from __future__ import annotations

import pytest

from gateway.compile.plan import query
from gateway.grammar.form import FormError, pairs
from meshkit.errors import MeshError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b"&&", []),
        (b"a=b&", [("a", "b")]),
        (b"&a=b", [("a", "b")]),
        (b"a&b=", [("a", ""), ("b", "")]),
        (b"=b", [("", "b")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a+b=c+d%2B", [("a b", "c d+")]),
        (b"%C3%A9=%e2%82%ac", [("é", "€")]),
        (b"a;b=c", [("a;b", "c")]),
    ],
)
def test_forms_and_queries_read_the_same(text: bytes, expected: list[tuple[str, str]]) -> None:
    assert list(pairs(text, limit=10)) == list(query.pairs(text)) == expected


@pytest.mark.parametrize("text", [b"a=%", b"a=%zz", b"%2=a", b"a=%ff", b"a=%C3%28"])
def test_forms_and_queries_refuse_the_same(text: bytes) -> None:
    with pytest.raises(FormError):
        list(pairs(text, limit=10))
    with pytest.raises(MeshError):
        list(query.pairs(text))


def test_bytes_beyond_ascii_are_for_forms_alone() -> None:
    assert list(pairs("a=é".encode(), limit=1)) == [("a", "é")]
    with pytest.raises(FormError):
        list(pairs(b"a=\xff", limit=1))
    with pytest.raises(MeshError):
        list(query.pairs("a=é".encode()))


def test_pairs_are_counted_and_empty_ones_are_not() -> None:
    assert len(list(pairs(b"&".join([b"a="] * 10) + b"&" * 100, limit=10))) == 10
    with pytest.raises(FormError, match="more than 10"):
        list(pairs(b"&".join([b"a="] * 11), limit=10))
