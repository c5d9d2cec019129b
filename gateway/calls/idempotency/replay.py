"""Answers requests with an `Idempotency-Key` once, and gives the first answer again to every retry."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from google.rpc import status_pb2
from prometheus_client import Counter

from gateway.calls.idempotency.ids import KeyIds
from gateway.calls.idempotency.key import read_key
from gateway.calls.idempotency.requests import KeyedRequests, is_final
from gateway.calls.idempotency.store import Claim, IdempotencyStore, Known, StoredAnswer, Under
from gateway.calls.upstream import Upstream
from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import MethodPlan, Plan
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, from_status, to_status

__all__ = ["KEEP_SECONDS", "Idempotency"]

_keyed = Counter("idempotent_requests", "Requests with an Idempotency-Key, by what became of them.", ["outcome"])

HOLD_MARGIN = 1.0
"""Seconds that a claim outlives the deadline of its call: a process that died holds it that long."""
KEEP_SECONDS = 600.0
"""Seconds for which an answer is at hand. After that the service is asked for it again."""
KEEP_ERROR = 24 * 3600.0
"""Seconds for which an error is remembered: it had no effect, so no service knows of it."""
MAX_PAYLOAD = 64 << 10
"""Larger answers are not kept, nor are those that hold a secret: the service is asked for them again."""


class Idempotency:
    """Lets a request with a key happen once. `keep` is how long answers are at hand, in seconds."""

    def __init__(self, upstream: Upstream, store: IdempotencyStore, plan: Plan, *, keep: float = KEEP_SECONDS) -> None:
        self._upstream = upstream
        self._store = store
        self._keep = keep
        self._keyed = {
            method: KeyedRequests(method, plan)
            for method in {binding.method for binding in plan.bindings}
            if method.policy.idempotency_key
        }
        self._releasing: set[asyncio.Task[None]] = set()

    def takes(self, endpoint: Endpoint) -> bool:
        """Tells whether requests of an endpoint may carry a key."""
        return endpoint.method in self._keyed

    async def call(
        self, endpoint: Endpoint, message: Any, header: bytes, call: CallContext, *, replayed: Callable[[str], None]
    ) -> bytes:
        """Returns the serialised response to a valid message: of now, or the one that was given before.

        `header` is the value of `Idempotency-Key`. `replayed` is called with the request id of the first exchange if
        its answer is given again, also as an error. Raises MeshError: that of the call, the one that was given before,
        or what is wrong with the key.
        """
        keyed = self._keyed[endpoint.method]
        ids = _ids(header, endpoint, call)
        fingerprint = keyed.fingerprint(endpoint.request.serialize(message))
        claim = Claim(ids.name, os.urandom(16), fingerprint)
        keyed.name(message, ids)
        request = endpoint.request.serialize(message)
        known = await self._store.begin(claim, endpoint.policy.deadline + HOLD_MARGIN)
        if known is not None and known.fingerprint != fingerprint:
            _keyed.labels("reused").inc()
            raise _reused()
        if isinstance(known, Under):
            _keyed.labels("in_use").inc()
            raise _in_use()
        if known is None:
            return await self._first(claim, keyed, endpoint.method, request, ids, call)
        replayed(known.answer.request_id)
        return await self._again(known, endpoint.method, request, call)

    async def _again(self, known: Known, method: MethodPlan, request: bytes, call: CallContext) -> bytes:
        _keyed.labels("replayed").inc()
        if known.answer.payload is None:
            return await self._upstream.call(method, request, call)
        if known.answer.failed:
            raise from_status(status_pb2.Status.FromString(known.answer.payload))
        return known.answer.payload

    async def _first(
        self,
        claim: Claim,
        keyed: KeyedRequests,
        method: MethodPlan,
        request: bytes,
        ids: KeyIds,
        call: CallContext,
    ) -> bytes:
        _keyed.labels("first").inc()
        try:
            response = await self._upstream.call(method, request, call)
        except MeshError as error:
            await self._failed(claim, call, ids, error)
        except Exception:
            await self._store.release(claim)
            raise
        except BaseException:
            self._release_later(claim)
            raise
        if keyed.final(response):
            payload = response if len(response) <= MAX_PAYLOAD and not keyed.secret else None
            await self._store.settle(claim, StoredAnswer(call.request_id, payload), self._keep)
        else:
            await self._store.release(claim)
        return response

    async def _failed(self, claim: Claim, call: CallContext, ids: KeyIds, error: MeshError) -> NoReturn:
        """Remembers an error that would come again; makes way for a retry after any other."""
        if error.reason == "IDEMPOTENCY_CONFLICT" and not ids.given.isdisjoint(error.metadata.values()):
            # The service knows the key from before, with other content; the store has forgotten it.
            await self._store.release(claim)
            raise _reused() from error
        if is_final(error):
            answer = StoredAnswer(call.request_id, to_status(error).SerializeToString(), failed=True)
            await self._store.settle(claim, answer, KEEP_ERROR)
        else:
            await self._store.release(claim)
        raise error

    def _release_later(self, claim: Claim) -> None:
        """Releases a claim although the task that held it is being cancelled."""
        work: Coroutine[Any, Any, None] = self._store.release(claim)
        task = asyncio.create_task(work)
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)


def _ids(header: bytes, endpoint: Endpoint, call: CallContext) -> KeyIds:
    principal = call.principal
    assert principal is not None, "the policy of a method that takes a key is not public"
    key = read_key(header)
    return KeyIds(principal.tenant_id, principal.client_id, principal.subject, endpoint.method.full_name, key)


def _in_use() -> MeshError:
    return MeshError(
        Kind.ABORTED,
        "IDEMPOTENCY_KEY_IN_USE",
        "a request with this Idempotency-Key is still being answered",
        retry_after=1.0,
    )


def _reused() -> MeshError:
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "IDEMPOTENCY_KEY_REUSED",
        "this Idempotency-Key was used with another request: a new request needs a new key",
    )
