"""The admin port answers its three paths, and nothing of what it answers is built from what a caller says."""

from __future__ import annotations

import httpx
import pytest

from meshkit.telemetry.admin import Readiness, admin_app


@pytest.fixture
def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(admin_app(Readiness({})))
    return httpx.AsyncClient(transport=transport, base_url="http://admin.test")


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_what_is_there_is_answered(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/health/", "/ready/", "/metrics/", "/metrics%2F", "//metrics", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
async def test_another_path_is_404_in_problem_form_and_leads_nowhere(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, f"http://admin.test{path}", headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "location" not in answer.headers
    if method != "HEAD":
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert "evil.example" not in answer.text


async def test_another_method_is_405_with_those_that_are_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/health")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD"]
