"""`rampart gateway` as a process, in front of a service that knows nothing of Rampart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from httpx import AsyncClient

from tests.support.listening import listening
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
        descriptors,
        service.address,
        "--plaintext",
        "--default-policy",
        "open",
        "--deadline",
        "7",
        "--google-parameters",
    ) as found:
        yield found


async def test_any_service_is_served_as_its_annotations_say(client: AsyncClient, library: Stranger) -> None:
    found = await client.get("/v1/shelves/7/books/3?pages=12")
    assert (found.status_code, found.json()) == (200, {"name": "shelves/7/books/3", "title": "", "pages": 12})
    made = await client.post("/v1/shelves/7/books", json={"title": "Emma"})
    assert (made.status_code, made.json()["name"], made.json()["title"]) == (201, "shelves/7/books/1", "Emma")
    assert made.headers["location"] == "/v1/shelves/7/books/1"
    refused = await client.post("/v1/shelves/7/books", json={"author": "Jane Austen"})
    assert refused.status_code == 400
    assert (await client.get("/ready")).status_code == 200
    assert (await client.get("/v1/nothing")).status_code == 404
    assert len(library.requests) == 2


async def test_metrics_are_at_the_admin_port_alone(descriptors: Path, library: Stranger) -> None:
    admin = f"127.0.0.1:{free_port()}"
    async with standalone(descriptors, library.address, "--plaintext", "--admin", admin) as client:
        assert (await client.get("/metrics")).status_code == 404
        assert "http_connections" in (await client.get(f"http://{admin}/metrics")).text


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


WORDS = "maintenance until 5 pm"
CODES = [
    (grpc.StatusCode.UNAVAILABLE, 503),
    (grpc.StatusCode.CANCELLED, 499),
    (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    (grpc.StatusCode.UNIMPLEMENTED, 501),
]


@pytest.mark.parametrize(("code", "status"), CODES)
async def test_words_of_the_service_are_told_whatever_its_code(
    client: AsyncClient, library: Stranger, code: grpc.StatusCode, status: int
) -> None:
    library.failure = (code, WORDS)
    for path in ("/v1/shelves/7/books/3", "/v1/shelves/7/books:watch"):
        answer = await client.get(path)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["reason"], problem["detail"]) == (
            status, code.name, code.name, WORDS
        )  # fmt: skip
        assert (problem["type"], "metadata" in problem) == ("about:blank", False)
    library.late = True
    first, last = (await client.get("/v1/shelves/7/books:watch")).json()
    assert first["result"]["name"] == "shelves/7/books/0"
    assert last["status"] == {"code": code.value[0], "message": WORDS, "details": last["status"]["details"]}


@pytest.mark.parametrize(("code", "status"), CODES)
async def test_details_of_the_service_come_with_its_words(
    client: AsyncClient, library: Stranger, code: grpc.StatusCode, status: int
) -> None:
    sent = status_pb2.Status(code=code.value[0], message=WORDS)
    sent.details.add().Pack(error_details_pb2.ErrorInfo(reason="CLOSED", domain="library.example"))
    sent.details.add().Pack(error_details_pb2.RetryInfo(retry_delay={"seconds": 60}))
    library.failure, library.details = (code, WORDS), sent.SerializeToString()
    answer = await client.get("/v1/shelves/7/books/3")
    problem = answer.json()
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "60")
    assert (problem["reason"], problem["domain"], problem["detail"]) == ("CLOSED", "library.example", WORDS)


async def test_what_went_wrong_inside_the_service_stays_there(client: AsyncClient, library: Stranger) -> None:
    library.failure = (grpc.StatusCode.INTERNAL, "Traceback of line 3")
    answer = await client.get("/v1/shelves/7/books/3")
    assert (answer.status_code, answer.json()["detail"]) == (500, "the service failed and did not say why")


async def test_a_service_that_dies_under_a_call_is_a_broken_connection(descriptors: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()
        await writer.wait_closed()

    async with listening(hang_up) as port:
        upstream = f"127.0.0.1:{port}"
        async with standalone(descriptors, upstream, "--plaintext", "--default-policy", "open") as client:
            for path in ("/v1/shelves/7/books/3", "/v1/shelves/7/books:watch"):
                problem = (await client.get(path)).json()
                assert (problem["status"], problem["reason"]) == (503, "DEPENDENCY_UNAVAILABLE")
                assert problem["metadata"] == {"dependency": "upstream"}
                assert upstream not in problem["detail"]


async def test_no_answer_leads_to_another_host(client: AsyncClient) -> None:
    for path in ("/v1/shelves/7/books/3/", "/docs/", "/health/", "//v1/shelves/7/books/3", "/openapi.json/"):
        for verb in ("GET", "HEAD", "POST"):
            answer = await client.request(verb, f"{client.base_url}{path}", headers={"host": "evil.example"})
            assert (answer.status_code, answer.headers.get("location")) == (404, None)


async def test_googles_rest_clients_are_answered_with_numbers_of_enums(client: AsyncClient, library: Stranger) -> None:
    asked = {"$alt": "json;enum-encoding=int"}
    made = await client.post("/v1/shelves/7/books", params=asked, json={"title": "Emma", "genre": 1})
    assert (made.status_code, made.json()["genre"]) == (201, 1)
    assert (await client.post("/v1/shelves/7/books", json={"genre": 1})).json()["genre"] == "NOVEL"
    got = await client.get("/v1/shelves/7/books/3", params={"pages": "0"} | asked)
    assert (got.status_code, got.json()["name"]) == (200, "shelves/7/books/3")
    found = await client.get("/v1/books:search", params={"genre": "2"} | asked)
    assert [book["genre"] for book in found.json()["books"]] == [2]
    library.genres = True
    for query, genres in ((asked, [0, 1, 2]), ({"alt": "json"}, ["GENRE_UNSPECIFIED", "NOVEL", "ESSAY"])):
        frames = (await client.get("/v1/shelves/7/books:watch", params=query)).json()
        assert [frame["result"]["genre"] for frame in frames[:-1]] == genres


async def test_the_key_of_a_caller_goes_nowhere_unless_the_method_has_one(
    client: AsyncClient, library: Stranger
) -> None:
    for name in ("key", "$key"):
        query = {name: "AIzaSyHunter2", "prettyPrint": "false", "alt": "json"}
        answer = await client.get("/v1/shelves/7/books/3", params=query)
        assert answer.status_code == 200
        assert "AIzaSyHunter2" not in f"{library.requests} {library.metadata} {answer.text} {answer.headers}"
    found = await client.get("/v1/books:search", params={"key": "own field"})
    assert [book["title"] for book in found.json()["books"]] == ["own field"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("$alt=media", "$alt"),
        ("alt=sse", "alt"),
        ("$alt=json%3Benum-encoding%3Dfloat", "$alt"),
        ("alt=json&%24alt=json", "$alt"),
        ("prettyPrint=true", "prettyPrint"),
        ("$.xgafv=2", ""),
        ("quotaUser=x", "quotaUser"),
        ("key=x&fields=name", "fields"),
    ],
)
async def test_what_google_offers_and_this_does_not_is_refused(
    client: AsyncClient, library: Stranger, query: str, name: str
) -> None:
    answer = await client.get(f"/v1/shelves/7/books/3?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "MALFORMED_REQUEST")
    (error,) = answer.json()["errors"]
    assert (error["in"], error["name"]) == ("query", name or "$.xgafv")
    assert library.requests == []


async def test_pages_of_a_named_origin_may_call(descriptors: Path, service: Stranger) -> None:
    options = ("--plaintext", "--default-policy", "open", "--cors-origin", "https://shop.example")
    async with standalone(descriptors, service.address, *options) as client:
        for origin, allowed in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
            answer = await client.get("/v1/shelves/7/books/3", headers={"origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed
        for query in ("key=x", "$alt=json", "alt=json", "prettyPrint=false"):
            answer = await client.get(f"/v1/shelves/7/books/3?{query}")
            assert answer.status_code == 400, "without --google-parameters a query has the fields of the method alone"
