"""Requests with a key, through the application in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.calls.idempotency.fallback import FallbackIdempotencyStore
from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.replay import MAX_PAYLOAD
from gateway.calls.upstream import CacheUse
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, Violation
from tests.support.gateway import PRINCIPAL, TOKEN, Gateway, Reply
from tests.support.keys import UnreliableKeyStore

CHECK = {"user_id": "u1", "transaction_amount": 12.5, "device_fingerprint": "d1", "ip_address": "203.0.113.9"}
PATH = "/api/v1/fraud-check"


class Edge(Gateway):
    """A gateway whose mesh says with every answer how often it was asked, and can be held up."""

    def __init__(self) -> None:
        self.store = UnreliableKeyStore()
        super().__init__(key_store=FallbackIdempotencyStore(self.store, MemoryIdempotencyStore()))
        self.open = asyncio.Event()
        self.open.set()
        self._call = self.upstream.call
        self.upstream.call = self._counted  # type: ignore[method-assign]

    async def _counted(
        self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None
    ) -> bytes:
        if method.full_name.endswith("/CheckFraud"):
            self.upstream.answer = {"decision": {"decision_id": f"decision {len(self.upstream.calls) + 1}"}}
        data = await self._call(method, request, call, use)
        await self.open.wait()
        return data

    async def check(self, key: str | None = "k", *, token: str = TOKEN, path: str = PATH, **changes: Any) -> Reply:
        headers = {"idempotency-key": key} if key is not None else {}
        return await self.request("POST", path, CHECK | changes, headers=headers, token=token)

    async def under_way(self, calls: int) -> None:
        while len(self.upstream.calls) < calls:
            await asyncio.sleep(0)


@pytest.fixture
def edge() -> Edge:
    return Edge()


def stable(reply: Reply) -> tuple[int, str, bytes]:
    return reply.status, reply.headers["content-type"], reply.body


async def test_second_request_gets_the_first_answer_and_is_told_so(edge: Edge) -> None:
    first, second = await edge.check(), await edge.check('"k"')
    assert stable(first) == stable(second)
    assert first.status == 200
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(edge.upstream.calls) == 1


async def test_another_key_is_another_request(edge: Edge) -> None:
    replies = [await edge.check(key) for key in ("k", "K", None, None)]
    assert len({reply.body for reply in replies}) == 4


async def test_key_belongs_to_the_client_and_to_whom_it_acts_for(edge: Edge) -> None:
    others = [
        replace(PRINCIPAL, tenant_id="tenant-2"), replace(PRINCIPAL, client_id="client-2"),
        replace(PRINCIPAL, subject="somebody"),
    ]  # fmt: skip
    for index, principal in enumerate(others):
        edge.verifier.tokens[f"token-{index}"] = principal
    replies = [await edge.check(), *[await edge.check(token=f"token-{index}") for index in range(3)]]
    assert len({reply.body for reply in replies}) == 4
    assert len({call.request.transaction_id for call in edge.upstream.calls}) == 4


async def test_key_belongs_to_its_method(edge: Edge) -> None:
    await edge.check()
    edge.upstream.answer = {"user": {"user_id": "u1"}}
    reply = await edge.request("POST", "/api/v1/users", {"user_id": "u1"}, headers={"idempotency-key": "k"})
    assert (reply.status, len(edge.upstream.calls)) == (201, 2)


async def test_replay_of_a_creation_says_where_it_is_as_the_first_answer_did(edge: Edge) -> None:
    edge.upstream.answer = {"user": {"user_id": "a:b/é"}}
    headers = {"idempotency-key": "k", "host": "evil.example"}
    first, again = [await edge.request("POST", "/api/v1/users", {"user_id": "a:b"}, headers=headers) for _ in range(2)]
    assert (first.status, first.headers["location"]) == (201, "/api/v1/users/a%3Ab%2F%C3%A9")
    assert (again.status, again.headers["location"], again.body) == (201, first.headers["location"], first.body)
    assert (again.headers["idempotency-replayed"], len(edge.upstream.calls)) == ("true", 1)


async def test_other_content_under_a_key_is_refused(edge: Edge) -> None:
    first = await edge.check()
    refused = await edge.check(transaction_amount=13)
    assert (refused.status, refused.json["reason"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await edge.check()).body == first.body
    assert len(edge.upstream.calls) == 1


async def test_request_under_way_is_not_joined_and_not_repeated(edge: Edge) -> None:
    edge.open.clear()
    first = asyncio.create_task(edge.check())
    await edge.under_way(1)
    second, other = await edge.check(), await edge.check(transaction_amount=13)
    assert (second.status, second.json["reason"]) == (409, "IDEMPOTENCY_KEY_IN_USE")
    assert int(second.headers["retry-after"]) >= 1
    assert other.status == 422
    edge.open.set()
    answer = await first
    assert (await edge.check()).body == answer.body
    assert len(edge.upstream.calls) == 1


async def test_retry_has_the_same_identifiers_also_when_the_store_forgot(edge: Edge) -> None:
    for _ in range(2):
        await edge.check()
        edge.store.store = MemoryIdempotencyStore()
    first, second = edge.upstream.calls
    assert first.request == second.request
    assert first.request.transaction_id


@pytest.mark.parametrize("key", ["", '""', "a b", '"a', "x" * 256, "\x7f"])
async def test_unusable_key_is_refused_before_the_call(edge: Edge, key: str) -> None:
    reply = await edge.check(key)
    assert (reply.status, reply.json["reason"]) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert [(each["in"], each["name"]) for each in reply.json["errors"]] == [("header", "Idempotency-Key")]
    assert (edge.upstream.calls, edge.store.steps) == ([], 0)


async def test_invalid_request_does_not_use_up_its_key(edge: Edge) -> None:
    invalid = await edge.check(user_id="")
    assert (invalid.status, invalid.json["reason"], edge.store.steps) == (400, "VALIDATION_FAILED", 0)
    assert (await edge.check()).status == 200


async def test_refused_caller_does_not_use_up_a_key(edge: Edge) -> None:
    assert (await edge.check(token="forged")).status == 401
    assert edge.store.steps == 0


async def test_methods_that_take_no_key_ignore_it(edge: Edge) -> None:
    for key in ("k", "not a key"):
        reply = await edge.request("GET", "/api/v1/users/u1", headers={"idempotency-key": key})
        assert reply.status == 200
    assert (len(edge.upstream.calls), edge.store.steps) == (2, 0)


async def test_request_without_a_key_does_not_touch_the_store(edge: Edge) -> None:
    await edge.check(None)
    assert edge.store.steps == 0


FINAL = [
    MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such user", metadata={"resource": "user"}),
    MeshError(Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "exists"),
    MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", "m", violations=[Violation("user.email", "x", "m")]),
    MeshError(Kind.ABORTED, "ETAG_MISMATCH", "another state"),
    MeshError(Kind.FAILED_PRECONDITION, "FAILED_PRECONDITION", "m", domain=""),
]


@pytest.mark.parametrize("error", FINAL, ids=lambda error: error.reason)
@pytest.mark.parametrize("accept", ["*/*", "application/json, application/problem+json;q=0.5"])
async def test_final_error_is_told_again_as_it_was(edge: Edge, error: MeshError, accept: str) -> None:
    headers = {"idempotency-key": "k", "accept": accept}
    edge.upstream.error = error
    replies = [await edge.request("PATCH", "/api/v1/users/u1", {"email": "a@b.example"}, headers=headers)]
    edge.upstream.error = None
    replies.append(await edge.request("PATCH", "/api/v1/users/u1", {"email": "a@b.example"}, headers=headers))
    assert stable(replies[0]) == stable(replies[1])
    assert replies[0].status >= 400
    assert replies[1].headers["idempotency-replayed"] == "true"
    # Only who asks is new: the body names the exchange in whose log the reason is.
    assert replies[0].headers["x-request-id"] != replies[1].headers["x-request-id"]
    assert len(edge.upstream.calls) == 1


PASSING = [
    MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "m", retry_after=1.0),
    MeshError(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "m"),
    MeshError(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "m", retry_after=1.0),
    MeshError(Kind.INTERNAL, "INTERNAL", "m"),
    MeshError(Kind.CANCELLED, "CANCELLED", "m"),
    MeshError(Kind.ABORTED, "CONFLICT", "m"),
    MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "m"),
    MeshError(Kind.PERMISSION_DENIED, "SCOPE_MISSING", "m"),
    MeshError(Kind.FAILED_PRECONDITION, "FAILED_PRECONDITION", "m", retry_after=1.0),
    # Refused for the clock, and for what the token of this attempt may do.
    MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", "m", retry_after=30.0),
    MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", "m", metadata={"scope": "fraud:backfill"}),
    ZeroDivisionError("a bug"),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
async def test_error_that_may_pass_leaves_the_key_to_the_retry(edge: Edge, error: Exception) -> None:
    edge.upstream.error = error
    assert (await edge.check()).status >= 400
    edge.upstream.error = None
    retry = await edge.check()
    assert (retry.status, "idempotency-replayed" in retry.headers) == (200, False)
    assert edge.upstream.calls[0].request == edge.upstream.calls[1].request


async def test_cancelled_request_leaves_the_key_to_the_retry(edge: Edge) -> None:
    edge.open.clear()
    first = asyncio.create_task(edge.check())
    await edge.under_way(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    edge.open.set()
    await asyncio.sleep(0)
    assert (await edge.check()).status == 200


@pytest.mark.parametrize("given", [True, False])
async def test_conflict_that_only_the_service_knows_of_is_one_of_the_key(edge: Edge, given: bool) -> None:
    sent = {"transaction_id": "t1"} if given else {}
    await edge.check(**sent)
    name = edge.upstream.last.request.transaction_id
    edge.store.store = MemoryIdempotencyStore()
    edge.upstream.error = MeshError(
        Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", "other content", metadata={"transaction_id": name}
    )
    reply = await edge.check(transaction_amount=13, **sent)
    # An identifier of the caller's own is the caller's conflict.
    assert (reply.status, reply.json["reason"]) == (
        (409, "IDEMPOTENCY_CONFLICT") if given else (422, "IDEMPOTENCY_KEY_REUSED")
    )


async def test_answer_too_large_to_keep_is_asked_for_again(edge: Edge) -> None:
    batch = {"requests": [CHECK]}
    edge.upstream.answer = {"results": [{"decision": {"decision_id": "x" * MAX_PAYLOAD}}]}
    headers = {"idempotency-key": "k"}
    replies = [await edge.request("POST", f"{PATH}:batch", batch, headers=headers) for _ in range(2)]
    assert stable(replies[0]) == stable(replies[1])
    assert replies[1].headers["idempotency-replayed"] == "true"
    first, second = edge.upstream.calls
    assert first.request == second.request
    other = await edge.request("POST", f"{PATH}:batch", {"requests": [CHECK, CHECK]}, headers=headers)
    assert other.status == 422


async def test_answer_that_holds_a_secret_is_asked_for_again(edge: Edge) -> None:
    edge.upstream.answer = {"client": {"client_id": "client-1"}, "client_secret": "rcs_x"}
    asked = {"display_name": "Checkout"}
    headers = {"idempotency-key": "k"}
    replies = [await edge.request("POST", "/api/v1/clients", asked, headers=headers) for _ in range(2)]
    assert [reply.json["client_secret"] for reply in replies] == ["rcs_x"] * 2
    assert replies[1].headers["idempotency-replayed"] == "true"
    assert len(edge.upstream.calls) == 2


async def test_batch_with_an_item_that_is_worth_a_retry_is_not_kept(edge: Edge) -> None:
    headers, batch = {"idempotency-key": "k"}, {"requests": [CHECK, CHECK]}
    edge.upstream.answer = {"results": [{"decision": {"decision_id": "d"}}, {"error": {"code": 14}}]}
    await edge.request("POST", f"{PATH}:batch", batch, headers=headers)
    edge.upstream.answer = {"results": [{"decision": {"decision_id": each}} for each in ("d", "e")]}
    second = await edge.request("POST", f"{PATH}:batch", batch, headers=headers)
    assert [each["decision"]["decision_id"] for each in second.json["results"]] == ["d", "e"]
    first, again = edge.upstream.calls
    assert first.request == again.request


async def test_answers_go_on_without_the_shared_store(edge: Edge) -> None:
    edge.store.down = True
    first, second = await edge.check(), await edge.check()
    assert stable(first) == stable(second)
    assert (first.status, len(edge.upstream.calls)) == (200, 1)
    assert (await edge.check(transaction_amount=13)).status == 422


async def test_store_that_fails_while_a_request_is_under_way_costs_no_answer(edge: Edge) -> None:
    edge.open.clear()
    first = asyncio.create_task(edge.check())
    await edge.under_way(1)
    edge.store.down = True
    edge.open.set()
    assert (await first).status == 200
