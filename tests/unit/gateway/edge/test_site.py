from __future__ import annotations

import asyncio

import pytest

from tests.support.gateway import Gateway

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_health_is_alive_whatever_is_missing() -> None:
    gateway = Gateway(checks={"fraud": _failing})
    assert (await gateway.request("GET", "/health", token=None)).status == 200


async def test_ready_names_what_is_missing() -> None:
    gateway = Gateway(checks={"fraud": _failing, "user": _working})
    reply = await gateway.request("GET", "/ready", token=None)
    assert reply.status == 503
    assert reply.json["ready"] is False
    assert list(reply.json["missing"]) == ["fraud"]


async def test_ready_when_everything_is_there_and_not_while_draining() -> None:
    gateway = Gateway(checks={"user": _working})
    assert (await gateway.request("GET", "/ready", token=None)).json == {"ready": True, "missing": {}}
    gateway.readiness.draining = True
    assert (await gateway.request("GET", "/ready", token=None)).status == 503


async def test_many_who_ask_for_readiness_make_one_round_of_calls() -> None:
    calls = 0

    async def counting() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)

    gateway = Gateway(checks={"user": counting})
    for _ in range(3):
        replies = await asyncio.gather(*[gateway.request("GET", "/ready", token=None) for _ in range(20)])
        assert {reply.status for reply in replies} == {200}
    assert calls == 1


async def test_metrics_are_not_for_callers_unless_it_is_said() -> None:
    reply = await Gateway(public_metrics=False).request("GET", "/metrics", token=None)
    assert (reply.status, reply.json["reason"]) == (404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [("/nothing", 404, b"404 Not Found"), ("/problems/nothing", 404, b"404"), ("/health", 200, b"Alive"),
     ("/ready", 503, b"cannot be reached")],
)  # fmt: skip
async def test_browser_gets_a_page_with_a_way_home_and_programs_get_json(path: str, status: int, words: bytes) -> None:
    gateway = Gateway(checks={"fraud": _failing})
    page = await gateway.request("GET", path, token=None, headers=BROWSER)
    assert (page.status, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert words in page.body
    assert b'href="/"' in page.body
    assert b"10.0.0.7" not in page.body
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for accept in ("*/*", "application/json", "text/html;q=0.5, application/json", ""):
        reply = await gateway.request("GET", path, token=None, headers={"accept": accept})
        assert reply.status == status
        assert isinstance(reply.json, dict)
        assert reply.headers["vary"] == page.headers["vary"] == "accept"


async def test_page_of_an_error_names_the_request(gateway: Gateway) -> None:
    page = await gateway.request("GET", "/nothing", token=None, headers=BROWSER)
    assert page.headers["x-request-id"].encode() in page.body
    assert b'href="/problems/route-not-found"' in page.body


async def test_metrics_are_prometheus_text(gateway: Gateway) -> None:
    await gateway.request("GET", "/health", token=None)
    reply = await gateway.request("GET", "/metrics", token=None)
    assert reply.headers["content-type"].startswith("text/plain")
    assert b"http_request_duration_seconds_bucket" in reply.body


async def _failing() -> None:
    raise ConnectionError("10.0.0.7 refused")


async def _working() -> None:
    return None


SITE_PATHS = (
    "/health", "/ready", "/metrics", "/docs", "/docs/site.css", "/openapi.json", "/problems", "/problems/internal",
    "/api/v1/oauth/token",
)  # fmt: skip


@pytest.mark.parametrize("spelling", ["{}/", "{}//", "/{}", "{}/?next=/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS"])
async def test_a_path_with_one_slash_too_many_is_not_found_and_leads_nowhere(
    gateway: Gateway, method: str, spelling: str
) -> None:
    for path in SITE_PATHS:
        reply = await gateway.request(
            method, spelling.format(path), b"client_secret=s", headers={"host": "evil.example"}, token=None
        )
        assert (reply.status, "location" in reply.headers) == (404, False), path
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["x-request-id"]
        if method != "HEAD":
            assert reply.json["reason"] == "ROUTE_NOT_FOUND"
            assert reply.json["request_id"] == reply.headers["x-request-id"]
            assert b"evil.example" not in reply.body


async def test_a_page_with_another_method_says_which_ones_it_takes(gateway: Gateway) -> None:
    reply = await gateway.request("POST", "/docs", b"x", token=None)
    assert (reply.status, reply.json["reason"]) == (405, "METHOD_NOT_ALLOWED")
    assert sorted(reply.headers["allow"].split(", ")) == ["GET", "HEAD"]
