"""`rampart gateway` as a process, in front of a service that knows nothing of Rampart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from httpx import AsyncClient

from tests.support.processes import free_port
from tests.support.standalone import standalone
from tests.support.stranger import Stranger, compile_stranger, stranger

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
        descriptors, service.address, "--plaintext", "--default-policy", "open", "--deadline", "7"
    ) as found:
        yield found


async def test_any_service_is_served_as_its_annotations_say(client: AsyncClient, library: Stranger) -> None:
    found = await client.get("/v1/shelves/7/books/3?pages=12")
    assert (found.status_code, found.json()) == (200, {"name": "shelves/7/books/3", "title": "", "pages": 12})
    made = await client.post("/v1/shelves/7/books", json={"title": "Emma"})
    assert (made.status_code, made.json()["name"], made.json()["title"]) == (200, "shelves/7/books/1", "Emma")
    refused = await client.post("/v1/shelves/7/books", json={"author": "Jane Austen"})
    assert refused.status_code == 400
    assert (await client.get("/ready")).status_code == 200
    assert (await client.get("/v1/nothing")).status_code == 404
    assert len(library.requests) == 2


async def test_an_open_method_gets_the_callers_token_and_a_deadline(client: AsyncClient, library: Stranger) -> None:
    await client.get("/v1/shelves/7/books/3", headers={"authorization": "Bearer abc"})
    await client.get("/v1/shelves/7/books/3")
    assert [seen.get("authorization") for seen in library.metadata] == ["Bearer abc", None]
    assert all(remaining is not None and 0 < remaining < 8 for remaining in library.remaining)


async def test_without_the_flag_a_method_without_a_policy_is_refused(descriptors: Path, library: Stranger) -> None:
    async with standalone(descriptors, library.address, "--plaintext") as client:
        answer = await client.get("/v1/shelves/7/books/3", headers={"authorization": "Bearer abc"})
        assert (answer.status_code, answer.json()["reason"]) == (403, "POLICY_MISSING")
        assert library.requests == []


async def test_a_failure_of_the_service_keeps_its_code_and_words(client: AsyncClient, library: Stranger) -> None:
    library.failure = (grpc.StatusCode.NOT_FOUND, "no such book")
    answer = await client.get("/v1/shelves/7/books/3")
    assert (answer.status_code, answer.json()["detail"]) == (404, "no such book")


async def test_the_document_describes_what_is_served(client: AsyncClient, library: Stranger) -> None:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    book = document["paths"]["/v1/shelves/{name}/books/{name_1}"]["get"]
    assert book["summary"].startswith("Returns a book")
    assert {"/v1/shelves/{parent}/books", "/v1/shelves/{name}/books:watch"} <= document["paths"].keys()
    assert "/api/v1/oauth/token" not in document["paths"]
    assert (await client.get("/docs")).status_code == 200


async def test_while_the_service_is_away_callers_are_told_to_come_back(descriptors: Path) -> None:
    upstream = f"127.0.0.1:{free_port()}"
    async with standalone(descriptors, upstream, "--plaintext", "--default-policy", "open") as client:
        answer = await client.get("/v1/shelves/7/books/3")
        assert (answer.status_code, answer.json()["reason"]) == (503, "DEPENDENCY_UNAVAILABLE")
        assert "retry-after" in answer.headers
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize(
    ("code", "status", "reason", "detail"),
    [
        (grpc.StatusCode.UNAVAILABLE, 503, "DEPENDENCY_UNAVAILABLE", "upstream cannot be reached"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504, "DEADLINE_EXCEEDED", "closed on Sundays"),
        (grpc.StatusCode.INTERNAL, 500, "INTERNAL", "the service failed and did not say why"),
    ],
)
async def test_words_of_the_service_are_told_unless_they_may_be_those_of_a_connection(
    client: AsyncClient, library: Stranger, code: grpc.StatusCode, status: int, reason: str, detail: str
) -> None:
    library.failure = (code, "closed on Sundays")
    answer = await client.get("/v1/shelves/7/books/3")
    assert (answer.status_code, answer.json()["reason"], answer.json()["detail"]) == (status, reason, detail)


async def test_pages_of_a_named_origin_may_call(descriptors: Path, service: Stranger) -> None:
    options = ("--plaintext", "--default-policy", "open", "--cors-origin", "https://shop.example")
    async with standalone(descriptors, service.address, *options) as client:
        for origin, allowed in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
            answer = await client.get("/v1/shelves/7/books/3", headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
