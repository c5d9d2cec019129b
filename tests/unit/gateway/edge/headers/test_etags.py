from __future__ import annotations

import pytest

from gateway.edge.headers.etags import ANY, Tag, TagError, hashed, of_field, parse

VALUES = [b"v1", b"", b"a;gzip", b"a;raw", b"a;quoted", b"a;raw;br", b"a,b", b"W/", b"*", b"\x21\x7e", b"a;identity"]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("weak", [False, True])
@pytest.mark.parametrize("coding", [b"", b"gzip", b"br", b"zstd"])
def test_a_tag_comes_back_as_it_was_sent(value: bytes, raw: bool, weak: bool, coding: bytes) -> None:
    sent = Tag(value, weak, raw)
    (received,) = parse(sent.written(coding))
    assert (received.value, received.weak, received.raw) == (value, weak, raw)
    assert received.alike(sent)
    assert received.written() == sent.written(coding)


def test_each_coding_has_a_tag_of_its_own() -> None:
    tag = hashed(b"{}")
    assert len({tag.written(coding) for coding in (b"", b"gzip", b"br", b"zstd")}) == 4


def test_equal_bodies_have_equal_tags_and_others_do_not() -> None:
    assert hashed(b"{}") == hashed(b"{}") != hashed(b"[]")


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ('"v1"', b'"v1"'),
        ('W/"v1"', b'W/"v1"'),
        ("v1", b'"v1;raw"'),
        ('""', b'""'),
        ("", None),
        ('a"b', None),
        ("a b", None),
        ("a\r\nset-cookie: b", None),
        ("ä", None),
    ],
)
def test_field_of_a_resource_becomes_a_tag_or_is_left_out(field: str, written: bytes | None) -> None:
    tag = of_field(field)
    assert (tag.written() if tag is not None else None) == written
    assert tag is None or tag.field() == field


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        (b"*", [ANY]),
        (b" * ", [ANY]),
        (b'"*"', [Tag(b"*")]),
        (b'"a"', [Tag(b"a")]),
        (b'"a", W/"b","c,d"', [Tag(b"a"), Tag(b"b", weak=True), Tag(b"c,d")]),
        (b', "a" ,, "b",', [Tag(b"a"), Tag(b"b")]),
        (b'"\xff"', [Tag(b"\xff")]),
    ],
)
def test_lists_of_tags_are_read(header: bytes, tags: list[Tag]) -> None:
    assert parse(header) == tags


def test_the_star_is_told_from_a_tag_that_looks_like_it() -> None:
    assert parse(b"*")[0] is ANY
    assert parse(b'"*"')[0] is not ANY
    assert not ANY.same(Tag(b"*", weak=True))


@pytest.mark.parametrize(
    "header", [b"", b" ", b",", b"a", b'"a', b'a"', b'"a" "b"', b'w/"a"', b'"a", *', b'"a\x00"', b'"a b"']
)
def test_other_headers_are_refused(header: bytes) -> None:
    with pytest.raises(TagError):
        parse(header)


def test_weak_tags_are_alike_but_never_the_same() -> None:
    strong, weak = Tag(b"a"), Tag(b"a", weak=True)
    assert strong.alike(weak)
    assert not strong.same(weak)
    assert not weak.same(weak)
    assert strong.same(Tag(b"a", coding=b";gzip"))
