"""Answers calls of one request and one response over HTTP."""

from __future__ import annotations

from typing import Any

from gateway.calls.cache.upstream import cache_use
from gateway.calls.idempotency.key import HEADER as KEY
from gateway.calls.idempotency.replay import Idempotency
from gateway.calls.turns import CallTurns
from gateway.calls.upstream import CacheUse, Upstream
from gateway.compile.endpoint import Endpoint
from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from gateway.edge.exit import NO_STORE, Exit, respond
from gateway.edge.headers.answers import JSON, Answers
from gateway.edge.headers.conditional import Conditionals
from gateway.errors.problem import SAFE
from meshkit.errors import MeshError

__all__ = ["UnaryCalls", "check_body", "read_body"]

_JSON = [(b"content-type", JSON), *NO_STORE]


class UnaryCalls:
    """Reads the body by the binding, and answers with ProtoJSON or the bytes of a `google.api.HttpBody`."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        bodies: BodyReader,
        idempotency: Idempotency,
        conditionals: Conditionals,
        answers: Answers,
        errors: Exit,
        turns: CallTurns,
    ) -> None:
        self._upstream = upstream
        self._bodies = bodies
        self._idempotency = idempotency
        self._conditionals = conditionals
        self._answers = answers
        self._errors = errors
        self._turns = turns

    def check(self, exchange: Exchange) -> None:
        check_body(self._bodies, exchange)

    async def read(self, exchange: Exchange) -> Any:
        message = await read_body(self._bodies, exchange)
        self._conditionals.apply(_endpoint(exchange), message, exchange.headers)
        return message

    async def answer(self, exchange: Exchange, request: Any) -> None:
        endpoint = _endpoint(exchange)
        use = cache_use(exchange.headers.get(b"cache-control")) if endpoint.policy.cache else None
        # Only for the call: a caller that reads its answer slowly keeps no other waiting.
        async with self._turns.taken(endpoint.method.service, exchange.call):
            data = await self._call(exchange, endpoint, request, use)
        if endpoint.raw is not None:
            await self._finish(exchange, use, data, *endpoint.raw(data))
            return
        body = endpoint.encode(data)
        if endpoint.creation is not None:
            location = endpoint.creation.location(data, exchange.path.decode("ascii"))
            if location is not None:
                exchange.creates(location)
        if len(body) < self._answers.compress_from and not self._conditionals.tags(endpoint):
            exchange.status = exchange.status or 200
            await respond(exchange, _JSON, body)
        else:
            await self._finish(exchange, use, data, JSON, body)

    async def fail(self, exchange: Exchange, error: MeshError) -> None:
        await self._errors.fail(exchange, error)

    async def _call(self, exchange: Exchange, endpoint: Endpoint, request: Any, use: CacheUse | None) -> bytes:
        if KEY in exchange.headers and self._idempotency.takes(endpoint):
            return await self._idempotency.call(
                endpoint, request, exchange.headers[KEY], exchange.call, replayed=exchange.replays
            )
        return await self._upstream.call(endpoint.method, endpoint.serialize(request), exchange.call, use)

    async def _finish(
        self, exchange: Exchange, use: CacheUse | None, data: bytes, media_type: bytes, body: bytes
    ) -> None:
        """Gives an answer its tag, compares it with what the caller has, and compresses it (RFC 9110, 8 and 13)."""
        if use is not None and use.age is not None:
            exchange.extra.append((b"age", b"%d" % use.age))
        tag = self._conditionals.tag(_endpoint(exchange), data, body)
        headers, body = await self._answers.finish(exchange, body, tag, media_type)
        await respond(exchange, [*headers, *SAFE], body)


def check_body(bodies: BodyReader, exchange: Exchange) -> None:
    """Refuses a body by its headers. Raises MeshError."""
    if exchange.has_body:
        bodies.check(exchange, raw=_endpoint(exchange).binding.raw)


async def read_body(bodies: BodyReader, exchange: Exchange) -> Any:
    """Reads the body and decodes the request. Raises MeshError."""
    endpoint = _endpoint(exchange)
    body = await bodies.read(exchange) if exchange.has_body else b""
    media_type = exchange.headers.get(b"content-type", b"") if endpoint.binding.raw else b""
    return endpoint.decode(exchange.captures, exchange.query, body, media_type)


def _endpoint(exchange: Exchange) -> Endpoint:
    assert exchange.endpoint is not None
    return exchange.endpoint
