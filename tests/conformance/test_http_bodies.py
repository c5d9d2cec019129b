"""`google.api.HttpBody`: bytes of any media type, as they are, in both directions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.api import httpbody_pb2
from google.protobuf import text_encoding

from tests.support.transcoding import Asked, Edge, WireEdge

AsRequest = Callable[[str, str], str]

BODIES = [
    (b"image/png", b"\x89PNG\r\n\x1a\n\x00\xff"),
    (b"text/plain; charset=utf-8", "é".encode()),
    (b"application/json", b'{"a": 1}'),
    (b"application/json", b"not json"),
    (b"application/x-www-form-urlencoded", b"a=b&c=d"),
    (b'multipart/form-data; boundary="x"', b"--x\r\n\r\na\r\n--x--\r\n"),
    (b"application/octet-stream", b""),
]


@pytest.mark.parametrize(("kind", "data"), BODIES, ids=[f"{kind!r} {len(data)}" for kind, data in BODIES])
async def test_request_is_taken_as_it_is(edge: Edge, as_request: AsRequest, kind: bytes, data: bytes) -> None:
    message = f"content_type: {_quoted(kind)} data: {_quoted(data)}"
    assert await edge.ask("POST", "/v1/raw", data, kind) == Asked("Upload", as_request("Upload", message))


@pytest.mark.parametrize(("kind", "data"), BODIES[:-1], ids=[f"{kind!r} {len(data)}" for kind, data in BODIES[:-1]])
async def test_field_is_taken_as_it_is(edge: Edge, as_request: AsRequest, kind: bytes, data: bytes) -> None:
    found = await edge.ask("PUT", "/v1/raw/logo?revision=3", data, kind)
    content = f"content {{ content_type: {_quoted(kind)} data: {_quoted(data)} }}"
    assert found == Asked("UploadNamed", as_request("UploadNamed", f'name: "logo" revision: 3 {content}'))


async def test_field_of_a_request_without_a_body_is_unset(edge: Edge, as_request: AsRequest) -> None:
    assert await edge.ask("GET", "/v1/raw/logo") == Asked("UploadNamed", as_request("UploadNamed", 'name: "logo"'))


@pytest.mark.parametrize(("kind", "data"), BODIES, ids=[f"{kind!r} {len(data)}" for kind, data in BODIES])
@pytest.mark.parametrize(("method", "target"), [("POST", "/v1/raw"), ("PUT", "/v1/raw/logo")])
async def test_answer_is_sent_as_it_is(wire_edge: WireEdge, method: str, target: str, kind: bytes, data: bytes) -> None:
    status, headers, body = await wire_edge.send(method, target, data, kind)
    assert (status, body) == (200, data)
    assert not data or headers[b"content-type"] == kind


async def test_answer_whose_media_type_could_be_a_header_is_of_no_known_type(wire_edge: WireEdge) -> None:
    answer = httpbody_pb2.HttpBody(content_type="text/html\r\nset-cookie: a=b", data=b"x")
    wire_edge.service.answer = answer.SerializeToString()
    try:
        status, headers, body = await wire_edge.send("POST", "/v1/raw", b"x", b"text/plain")
    finally:
        wire_edge.service.answer = None
    assert (status, headers[b"content-type"], body) == (200, b"application/octet-stream", b"x")
    assert b"set-cookie" not in headers


def _quoted(data: bytes) -> str:
    return f'"{text_encoding.CEscape(data, as_utf8=False)}"'
