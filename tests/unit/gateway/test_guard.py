from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.gateway import PRINCIPAL, Gateway

CHECK = {"user_id": "u1", "transaction_amount": 1, "device_fingerprint": "d", "ip_address": "203.0.113.9"}
PATH = "/api/v1/fraud-check"


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "TOKEN_MISSING"),
        ("", "TOKEN_MISSING"),
        ("Bearer", "TOKEN_MISSING"),
        ("Bearer  ", "TOKEN_MISSING"),
        ("Basic YTpi", "TOKEN_MISSING"),
        ("good-token", "TOKEN_MISSING"),
        ("Bearer forged", "TOKEN_INVALID"),
        ("Bearer good-token x", "TOKEN_INVALID"),
        ("Bearer good-tokén", "TOKEN_INVALID"),
    ],
)
async def test_call_without_a_good_token_is_401(gateway: Gateway, authorization: str | None, reason: str) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    reply = await gateway.request("POST", PATH, CHECK, token=None, headers=headers)
    assert (reply.status, reply.json["reason"]) == (401, reason)
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert gateway.upstream.calls == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_scheme_is_case_insensitive(gateway: Gateway, scheme: str) -> None:
    reply = await gateway.request("POST", PATH, CHECK, token=None, headers={"authorization": f"{scheme} good-token"})
    assert reply.status == 200


async def test_token_in_the_query_is_not_one(gateway: Gateway) -> None:
    assert (await gateway.request("GET", "/api/v1/users?access_token=good-token", token=None)).status == 401


async def test_known_token_is_not_verified_again(gateway: Gateway) -> None:
    await gateway.request("POST", PATH, CHECK)
    gateway.verifier.verify = None  # type: ignore[assignment,method-assign]
    assert (await gateway.request("POST", PATH, CHECK)).status == 200


async def test_missing_scope_is_403_before_the_body_is_looked_at(gateway: Gateway) -> None:
    gateway.verifier.tokens["reader"] = replace(PRINCIPAL, scopes=frozenset({"decision:read"}))
    reply = await gateway.request("POST", PATH, b"{", token="reader")
    assert (reply.status, reply.json["reason"]) == (403, "SCOPE_MISSING")
    assert reply.json["metadata"] == {"scope": "decision:create"}
    assert gateway.upstream.calls == []


async def test_public_method_needs_no_token(gateway: Gateway) -> None:
    gateway.upstream.answer = {"keys": [{"kty": "EC", "kid": "k"}]}
    reply = await gateway.request("GET", "/.well-known/jwks.json", token=None)
    assert reply.status == 200
    assert reply.json["keys"][0]["kid"] == "k"
    assert gateway.upstream.last.info.token == ""


async def test_rate_limit_is_that_of_the_client_and_is_told_in_structured_fields(gateway: Gateway) -> None:
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, client_id="slow", rate_limit=3)
    replies = [await gateway.request("POST", PATH, CHECK, token="slow") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["ratelimit"] for reply in replies[:3]] == [f'"decision";r={r};t=1' for r in (2, 1, 0)]
    assert {reply.headers["ratelimit-policy"] for reply in replies} == {'"decision";q=3;w=1'}
    refused = replies[3]
    assert refused.json["reason"] == "RATE_LIMITED"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(gateway.upstream.calls) == 3


async def test_classes_and_clients_have_limits_of_their_own(gateway: Gateway) -> None:
    for name in ("a", "b"):
        gateway.verifier.tokens[name] = replace(PRINCIPAL, client_id=name, rate_limit=1)
    assert (await gateway.request("POST", PATH, CHECK, token="a")).status == 200
    assert (await gateway.request("POST", PATH, CHECK, token="a")).status == 429
    assert (await gateway.request("POST", PATH, CHECK, token="b")).status == 200
    assert (await gateway.request("GET", "/api/v1/users", token="a")).status == 200


async def test_batch_costs_more_than_a_check(gateway: Gateway) -> None:
    reply = await gateway.request("POST", "/api/v1/fraud-check:batch", {"requests": [CHECK]})
    assert reply.headers["ratelimit"].startswith('"decision";r=49990;')


async def test_workers_share_a_limit() -> None:
    gateway = Gateway(workers=4)
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=8)
    replies = [await gateway.request("POST", PATH, CHECK, token="slow") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]


async def test_public_methods_are_limited_by_address(gateway: Gateway) -> None:
    statuses = [(await gateway.request("GET", "/.well-known/jwks.json", token=None)).status for _ in range(60)]
    assert statuses.count(200) in range(50, 53)
    assert statuses[-1] == 429
    other = await gateway.request("GET", "/.well-known/jwks.json", token=None, client="192.0.2.2")
    assert other.status == 200
