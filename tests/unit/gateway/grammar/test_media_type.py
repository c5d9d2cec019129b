from __future__ import annotations

import pytest

from gateway.grammar.media_type import MediaType, read_media_type


@pytest.mark.parametrize(
    ("field", "name", "parameters"),
    [
        (b"application/json", b"application/json", {}),
        (b" Text/HTML ;\tCharset=UTF-8", b"text/html", {b"charset": b"UTF-8"}),
        (b'a/b;x="y;\\"z";', b"a/b", {b"x": b'y;"z'}),
        (b"a/b;;  ;c=d", b"a/b", {b"c": b"d"}),
    ],
)
def test_type_and_parameters_are_read(field: bytes, name: bytes, parameters: dict[bytes, bytes]) -> None:
    assert read_media_type(field) == MediaType(name, parameters)


@pytest.mark.parametrize(
    "field", [b"", b"json", b"a/b/c", b"a /b", b"a/b c", b"a/b;c", b"a/b;c=", b'a/b;c="d', b"a/b;c=d;C=e", b"a/b, c/d"]
)
def test_anything_else_is_none(field: bytes) -> None:
    assert read_media_type(field) is None
