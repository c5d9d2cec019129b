from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from gateway.edge.address import AddressResolver
from gateway.edge.ratelimit import Limiters, LimitSettings, StrictRateLimiter, make_limiters
from gateway.edge.ratelimit.shared import MemoryShared
from meshkit.context import Quota
from meshkit.limits import Limit, LimitVerdict, MemoryRateLimiter, rate_limited
from meshkit.settings import Reader
from tests.support.gateway import PRINCIPAL, Gateway, Reply

CHECK = {"user_id": "u1", "transaction_amount": 1, "device_fingerprint": "d", "ip_address": "203.0.113.9"}
PATH = "/api/v1/fraud-check"
BATCH = f"{PATH}:batch"


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
    assert refused.json["metadata"] == {"class": "decision", "limit": "3", "violated_policies": "decision"}
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"decision";r=0;t=1'
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(gateway.upstream.calls) == 3


async def test_classes_and_clients_have_limits_of_their_own(gateway: Gateway) -> None:
    for name in ("a", "b"):
        gateway.verifier.tokens[name] = replace(PRINCIPAL, client_id=name, rate_limit=1)
    assert (await gateway.request("POST", PATH, CHECK, token="a")).status == 200
    assert (await gateway.request("POST", PATH, CHECK, token="a")).status == 429
    assert (await gateway.request("POST", PATH, CHECK, token="b")).status == 200
    assert (await gateway.request("GET", "/api/v1/users", token="a")).status == 200


async def test_clients_of_a_tenant_share_its_plan(gateway: Gateway) -> None:
    for name in ("a", "b"):
        quota = Quota(tenant=5, classes=(("decision", 3),))
        gateway.verifier.tokens[name] = replace(PRINCIPAL, client_id=name, rate_limit=100, quota=quota)
    replies = [await gateway.request("POST", PATH, CHECK, token=name) for name in "abab"]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    policies = '"decision";q=100;w=1, "decision-tenant";q=3;w=1, "tenant";q=5;w=1'
    assert {reply.headers["ratelimit-policy"] for reply in replies} == {policies}
    assert [reply.headers["ratelimit"].partition(";t")[0] for reply in replies] == [
        f'"decision-tenant";r={left}' for left in (2, 1, 0, 0)
    ]
    assert replies[3].json["metadata"]["violated_policies"] == "decision-tenant"
    # What was refused has been charged to none of the three.
    reads = [await gateway.request("GET", "/api/v1/users", token="a") for _ in range(3)]
    assert [(reply.status, reply.headers["ratelimit"].partition(";")[0]) for reply in reads] == [
        (200, '"tenant"'), (200, '"tenant"'), (429, '"tenant"')
    ]  # fmt: skip


async def test_user_cannot_use_up_the_limit_of_the_client(gateway: Gateway) -> None:
    for name in ("ann", "bob"):
        gateway.verifier.tokens[name] = replace(PRINCIPAL, subject=name, rate_limit=100, quota=Quota(user=2))
    replies = [await gateway.request("POST", PATH, CHECK, token=name) for name in ("ann", "ann", "ann", "bob")]
    assert [reply.status for reply in replies] == [200, 200, 429, 200]
    assert replies[2].json["metadata"]["violated_policies"] == "decision-user"


async def test_calls_without_the_scope_are_charged(gateway: Gateway) -> None:
    gateway.verifier.tokens["reader"] = replace(PRINCIPAL, scopes=frozenset({"decision:read"}), rate_limit=2)
    replies = [await gateway.request("POST", PATH, CHECK, token="reader") for _ in range(3)]
    assert [reply.status for reply in replies] == [403, 403, 429]


async def batch(gateway: Gateway, items: int, token: str = "slow") -> Reply:
    return await gateway.request("POST", BATCH, {"requests": [CHECK] * items}, token=token)


@pytest.mark.parametrize("strict", [False, True])
async def test_item_of_a_batch_costs_what_a_call_costs(strict: bool) -> None:
    shared = MemoryShared(time.monotonic)
    local = MemoryRateLimiter()
    limiters = Limiters(local, StrictRateLimiter(local, shared), {})
    strictly = LimitSettings(strict_classes=frozenset({"decision"}))
    gateway = Gateway(limits=strictly, limiters=limiters) if strict else Gateway()
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=20)
    replies = [await batch(gateway, items) for items in (1, 12, 7)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    # One field of each name, and it counts all items.
    assert [reply.headers["ratelimit"] for reply in replies] == [f'"decision";r={r};t=1' for r in (19, 7, 0)]
    assert {reply.headers["ratelimit-policy"] for reply in replies} == {'"decision";q=20;w=1'}
    assert (await gateway.request("POST", PATH, CHECK, token="slow")).status == 429


async def test_batch_waits_for_all_of_its_items(gateway: Gateway) -> None:
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=20)
    first, second = await batch(gateway, 15), await batch(gateway, 15)
    assert (first.status, second.status, second.json["reason"]) == (200, 429, "RATE_LIMITED")
    assert int(second.headers["retry-after"]) >= 1
    assert len(gateway.upstream.calls) == 1


@pytest.mark.parametrize("quota", [Quota(), Quota(tenant=8), Quota(classes=(("decision", 8),))])
async def test_batch_that_never_fits_is_refused_at_once_with_the_largest_that_would(
    gateway: Gateway, quota: Quota
) -> None:
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=20, quota=quota)
    largest = 8 if quota != Quota() else 20
    reply = await batch(gateway, largest + 1)
    assert (reply.status, reply.json["reason"], reply.json["metadata"]["largest"]) == (
        413, "BATCH_TOO_LARGE", str(largest)
    )  # fmt: skip
    assert "retry-after" not in reply.headers, "waiting does not help"
    (violation,) = reply.json["errors"]
    assert (violation["in"], violation["pointer"]) == ("body", "/requests")
    assert str(largest) in violation["message"]
    assert gateway.upstream.calls == []


@pytest.mark.parametrize("strict", [False, True])
async def test_batch_that_comes_too_early_uses_up_nothing(strict: bool) -> None:
    now = [5.0]
    local, shared = MemoryRateLimiter(), MemoryShared(lambda: now[0])
    limits = LimitSettings(strict_classes=frozenset({"decision"} if strict else ()))
    gateway = Gateway(limits=limits, limiters=Limiters(local, StrictRateLimiter(local, shared), {}))
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=20)
    assert (await batch(gateway, 15)).status == 200
    for _ in range(10):
        assert (await batch(gateway, 20)).status == 429
    reply = await gateway.request("POST", PATH, CHECK, token="slow")
    assert reply.status == 200
    assert int(reply.headers["ratelimit"].split(";")[1][2:]) >= 4


async def test_batch_of_all_that_fits_passes_a_whole_limit(gateway: Gateway) -> None:
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=20)
    assert (await batch(gateway, 20)).status == 200
    assert (await batch(gateway, 1)).status == 429


async def test_batch_over_connect_costs_the_same(gateway: Gateway) -> None:
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=20)
    path, headers = "/rampart.fraud.v1.FraudService/BatchCheckFraud", {"connect-protocol-version": "1"}
    replies = [
        await gateway.request("POST", path, {"requests": [CHECK] * items}, token="slow", headers=headers)
        for items in (15, 15, 21)
    ]
    assert [reply.json.get("code") for reply in replies] == [None, "resource_exhausted", "invalid_argument"]
    assert replies[0].headers["ratelimit"] == '"decision";r=5;t=1'
    assert len(gateway.upstream.calls) == 1


async def test_batch_larger_than_a_workers_share_is_paid_for_afterwards() -> None:
    """Four workers without Redis: all together hold the limit, whatever size the batches have."""
    gateway = Gateway(limiters=make_limiters(None, workers=4))
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=20)
    assert (await batch(gateway, 20)).status == 200
    refused = await batch(gateway, 1)
    # 20 units come back to this worker in 4 s, and it may be one second ahead.
    assert refused.status == 429 and refused.json["retry_after"] > 2.5


async def test_without_redis_workers_share_a_limit() -> None:
    gateway = Gateway(limiters=make_limiters(None, workers=4))
    gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=8)
    replies = [await gateway.request("POST", PATH, CHECK, token="slow") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]


async def test_strict_classes_are_decided_by_the_shared_state() -> None:
    shared = MemoryShared(time.monotonic)
    limits = LimitSettings(strict_classes=frozenset({"write"}))
    local = [MemoryRateLimiter() for _ in range(3)]
    gateways = [Gateway(limiters=Limiters(each, StrictRateLimiter(each, shared), {}), limits=limits) for each in local]
    writes, reads = [], []
    for gateway in gateways:
        gateway.verifier.tokens["slow"] = replace(PRINCIPAL, rate_limit=2)
        for _ in range(2):
            user = {"user_id": "u1", "display_name": "Ann"}
            writes.append(await gateway.request("POST", "/api/v1/users", user, token="slow"))
            reads.append(await gateway.request("GET", "/api/v1/users", token="slow"))
    assert [reply.status == 429 for reply in writes] == [False, False, True, True, True, True]
    assert writes[0].headers["ratelimit"].startswith('"write";r=1;')
    assert [reply.status for reply in reads] == [200] * 6


async def test_public_methods_are_limited_by_address(gateway: Gateway) -> None:
    asked = [gateway.request("GET", "/.well-known/jwks.json", token=None) for _ in range(200)]
    statuses = [reply.status for reply in await asyncio.gather(*asked)]
    assert statuses[:50] == [200] * 50
    assert 429 in statuses
    other = await gateway.request("GET", "/.well-known/jwks.json", token=None, client="192.0.2.2")
    assert other.status == 200


@pytest.mark.parametrize(
    ("trusted", "statuses"),
    [
        # A stranger that makes addresses up has one limit, callers behind a trusted proxy have theirs.
        ("", [200, 200, 429, 429]),
        ("192.0.2.1", [200, 200, 200, 200]),
    ],
)
async def test_addresses_in_headers_count_only_from_trusted_proxies(trusted: str, statuses: list[int]) -> None:
    addresses = AddressResolver.read(Reader({"RAMPART_TRUSTED_PROXIES": trusted}))
    gateway = Gateway(addresses=addresses, limits=LimitSettings(address_rate=2))
    asked = [
        gateway.request(
            "GET", "/.well-known/jwks.json", token=None, headers={"x-forwarded-for": f"198.51.100.{number}"}
        )
        for number in range(4)
    ]
    assert sorted(reply.status for reply in await asyncio.gather(*asked)) == statuses


@pytest.mark.parametrize("wait", [0.2, 3.0, 40.0])
def test_refused_callers_are_told_to_come_back_at_different_times_and_none_too_early(wait: float) -> None:
    limit = Limit("decision", "k", 20)
    waits = [rate_limited("decision", [limit], [LimitVerdict(False, 0, wait, wait)]).retry_after for _ in range(200)]
    assert all(each is not None and wait <= each <= wait * 1.5 for each in waits)
    assert len(set(waits)) > 100
