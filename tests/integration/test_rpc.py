"""Connect and gRPC-Web on the REST port, in front of a real gRPC service."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from httpx import AsyncClient

from tests.support.processes import ROOT
from tests.support.standalone import standalone
from tests.support.stranger import Stranger, compile_stranger, stranger

GET_BOOK = "/acme.library.Library/GetBook"
pytestmark = pytest.mark.asyncio(loop_scope="module")
JSON = {"content-type": "application/json", "connect-protocol-version": "1"}


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_stranger(tmp_path_factory.mktemp("stranger") / "set.binpb")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(descriptors: Path) -> AsyncIterator[Stranger]:
    async with stranger(descriptors) as running:
        yield running


@pytest.fixture(autouse=True)
def library(service: Stranger) -> Stranger:
    service.forget()
    return service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(descriptors: Path, service: Stranger) -> AsyncIterator[AsyncClient]:
    async with standalone(
        descriptors, service.address, "--plaintext", "--default-policy", "open", "--public-metrics"
    ) as found:
        yield found


async def test_a_connect_client_calls_a_unary_method_with_json(client: AsyncClient) -> None:
    answer = await client.post(GET_BOOK, json={"name": "shelves/1/books/2", "pages": 3}, headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {"name": "shelves/1/books/2", "pages": 3})
    assert "x-request-id" in answer.headers


async def test_an_error_of_the_service_is_a_connect_error(client: AsyncClient, library: Stranger) -> None:
    library.failure = (grpc.StatusCode.NOT_FOUND, "no such book")
    answer = await client.post(GET_BOOK, json={"name": "shelves/1/books/2"}, headers=JSON)
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (404, "not_found", "no such book")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"name": "a", "name": "b"}', "names a member twice"),
        (b'{"author": "x"}', "is not a known field"),
        (b'{"pages": "many"}', "must be an integer"),
        (b"{", "is not valid JSON"),
    ],
)
async def test_json_is_read_as_strictly_as_by_rest(client: AsyncClient, body: bytes, words: str) -> None:
    answer = await client.post(GET_BOOK, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")
    assert words in answer.json()["message"]


async def test_a_grpc_web_client_calls_a_unary_method(client: AsyncClient) -> None:
    message = b"\x0a\x11shelves/1/books/2"
    answer = await client.post(
        GET_BOOK,
        content=b"\x00" + struct.pack(">I", len(message)) + message,
        headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
    )
    assert answer.status_code == 200
    frames = list(_frames(answer.content))
    assert frames[0] == (0, message)
    assert frames[1][0] == 0x80
    assert b"grpc-status: 0" in frames[1][1]


async def test_a_method_without_a_policy_is_refused_here_too(descriptors: Path, library: Stranger) -> None:
    async with standalone(descriptors, library.address, "--plaintext") as client:
        answer = await client.post(GET_BOOK, json={"name": "shelves/1/books/2"}, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    detail = answer.json()["details"][0]
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(detail["value"] + "=="))
    assert (detail["type"], info.reason) == ("google.rpc.ErrorInfo", "POLICY_MISSING")
    assert library.requests == []


async def test_metrics_know_each_method_by_its_own_path(client: AsyncClient) -> None:
    await client.post(GET_BOOK, json={"name": "shelves/1/books/2"}, headers=JSON)
    metrics = (await client.get("/metrics")).text
    assert f'route="{GET_BOOK}"' in metrics
    assert "CreateBook" not in metrics


async def test_another_http_method_is_told_which_ones_there_are(client: AsyncClient) -> None:
    answer = await client.get(GET_BOOK)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_only_methods_that_rest_can_reach_are_there(client: AsyncClient) -> None:
    for path in ("/acme.library.Library/Nothing", "/grpc.health.v1.Health/Check"):
        assert (await client.post(path, json={}, headers=JSON)).status_code == 404
    assert json.loads((ROOT / "docs/openapi.json").read_text())["paths"].keys().isdisjoint({GET_BOOK})


def _frames(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        flags, length = content[0], struct.unpack(">I", content[1:5])[0]
        yield flags, content[5 : 5 + length]
        content = content[5 + length :]


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto", "application/grpc+json"])
async def test_grpc_itself_is_a_media_type_that_http_1_does_not_carry(client: AsyncClient, kind: str) -> None:
    answer = await client.post(GET_BOOK, content=b"\0\0\0\0\0", headers={"content-type": kind})
    assert (answer.status_code, answer.json()["reason"]) == (415, "MEDIA_TYPE_UNSUPPORTED")
    route = f'http_requests_total{{method="POST",route="{GET_BOOK}",status="415"}}'
    assert route in (await client.get("/metrics")).text
