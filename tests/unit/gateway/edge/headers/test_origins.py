"""OPTIONS, calls from pages, and the headers of every answer, through the whole gateway."""

from __future__ import annotations

import pytest

from gateway.edge.headers.cors import Cors
from gateway.edge.headers.security import SecurityHeaders
from tests.support.gateway import Gateway

SHOP = "https://shop.example"
EVIL = "https://evil.example"
ASK = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


@pytest.fixture(scope="module")
def open_gateway() -> Gateway:
    return Gateway(security=SecurityHeaders(Cors([SHOP])))


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        ("/api/v1/fraud-check", "OPTIONS, POST"),
        ("/api/v1/users/u1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/oauth/token", "OPTIONS, POST"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("*", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    ],
)
async def test_options_tell_the_methods_of_a_path_to_anyone(gateway: Gateway, target: str, allow: str) -> None:
    reply = await gateway.request("OPTIONS", target, token=None)
    assert (reply.status, reply.headers["allow"], reply.body) == (204, allow, b"")
    assert "content-length" not in reply.headers
    assert [(line["status"], line["route"]) for line in gateway.access_lines()] == [(204, "options")]


async def test_options_of_a_path_that_is_not_there_are_404(gateway: Gateway) -> None:
    assert (await gateway.request("OPTIONS", "/nothing")).status == 404


@pytest.mark.parametrize(
    ("target", "methods"),
    [
        ("/api/v1/fraud-check", "POST"),
        ("/api/v1/users/u1", "DELETE, GET, HEAD, PATCH"),
        ("/api/v1/oauth/token", "POST"),
    ],
)
async def test_preflight_is_answered_at_the_edge(open_gateway: Gateway, target: str, methods: str) -> None:
    reply = await open_gateway.request("OPTIONS", target, headers={"origin": SHOP, **ASK}, token=None)
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == SHOP
    assert reply.headers["access-control-allow-methods"] == methods
    assert "idempotency-key" in reply.headers["access-control-allow-headers"]
    assert int(reply.headers["access-control-max-age"]) > 0
    assert "origin" in reply.headers["vary"]
    assert not open_gateway.upstream.calls


@pytest.mark.parametrize("origin", [EVIL, "null", "https://shop.example.evil"])
async def test_preflight_of_another_origin_allows_nothing(open_gateway: Gateway, origin: str) -> None:
    reply = await open_gateway.request("OPTIONS", "/api/v1/users", headers={"origin": origin, **ASK}, token=None)
    assert reply.status == 204
    assert not [name for name in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("method", "target", "token", "status"),
    [
        ("GET", "/api/v1/users", "good-token", 200),
        ("GET", "/api/v1/users", None, 401),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/api/v1/users", None, 405),
        ("GET", "/health", None, 200),
        ("POST", "/api/v1/oauth/token", None, 400),
    ],
)
async def test_pages_of_a_listed_origin_can_read_every_answer_errors_too(
    open_gateway: Gateway, method: str, target: str, token: str | None, status: int
) -> None:
    for origin in (SHOP, EVIL):
        reply = await open_gateway.request(method, target, headers={"origin": origin}, token=token)
        assert reply.status == status
        assert reply.headers.get("access-control-allow-origin") == (SHOP if origin == SHOP else None)
        assert reply.headers["vary"] == "origin"


async def test_without_listed_origins_nothing_of_it_is_there(gateway: Gateway) -> None:
    for method in ("GET", "OPTIONS"):
        reply = await gateway.request(method, "/api/v1/users", headers={"origin": SHOP, **ASK})
        assert not [name for name in reply.headers if name.startswith(("access-control-", "vary"))]


@pytest.mark.parametrize("target", ["/api/v1/users", "/nothing", "/health", "/docs", "/api/v1/oauth/token"])
async def test_every_answer_tells_browsers_to_be_careful_once(gateway: Gateway, target: str) -> None:
    reply = await gateway.request("GET", target)
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in reply.headers


@pytest.mark.parametrize(("proto", "told"), [("https", True), ("HTTPS", True), ("http", False), (None, False)])
async def test_callers_by_tls_are_told_to_stay_with_it_where_that_is_set(proto: str | None, told: bool) -> None:
    gateway = Gateway(security=SecurityHeaders(Cors(()), hsts_seconds=86_400))
    headers = {"x-forwarded-proto": proto} if proto is not None else {}
    for target in ("/api/v1/users", "/health", "/nothing"):
        reply = await gateway.request("GET", target, headers=headers)
        expected = "max-age=86400" if told else None
        assert reply.headers.get("strict-transport-security") == expected
