"""Lets browsers in to the pages: within the limits of their address, with forms that stood on pages of ours alone."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from gateway.edge.guard import Guard
from gateway.errors.places import malformed
from gateway.grammar.form import FormError, pairs
from gateway.grammar.media_type import read_media_type
from gateway.product.identity.failures import failure, form_refused
from gateway.product.identity.forgery import is_of_own_page
from gateway.product.identity.visit import Visit
from meshkit.errors import Kind, MeshError, internal
from meshkit.identity.policy import Policy

__all__ = ["MAX_BYTES", "Door", "Endpoint", "Handler", "parameters"]

Handler = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]

MAX_BYTES = 32_768
"""Of a form. The answer of a passkey is the longest field, a quarter of it."""
_MAX_FIELDS = 40
_FORM = b"application/x-www-form-urlencoded"

_log = logging.getLogger(__name__)


class Door:
    """Makes endpoints of pages. `origins` are those of the pages themselves, `policy` is the one of their limits."""

    def __init__(self, guard: Guard, bodies: BodyReader, policy: Policy, origins: frozenset[bytes]) -> None:
        self._guard = guard
        self._bodies = bodies
        self._policy = policy
        self._origins = origins

    def page(self, handler: Handler) -> Endpoint:
        """Returns the endpoint of what is read with GET."""

        async def visited(exchange: Exchange) -> Visit:
            return Visit(exchange, parameters(exchange.query, "query"))

        return self._endpoint(handler, visited)

    def form(self, handler: Handler) -> Endpoint:
        """Returns the endpoint of a form, which must have stood on a page of ours that this browser was shown."""

        async def visited(exchange: Exchange) -> Visit:
            visit = Visit(exchange, parameters(await self.read_form(exchange), "body"))
            if not is_of_own_page(exchange.headers, self._origins) or not visit.holds_form_token():
                raise form_refused()
            return visit

        return self._endpoint(handler, visited)

    def anybody(self, handler: Handler) -> Endpoint:
        """Returns an endpoint that reads its parameters itself, and may be called from anywhere."""

        async def visited(exchange: Exchange) -> Visit:
            return Visit(exchange, {})

        return self._endpoint(handler, visited)

    async def read_form(self, exchange: Exchange) -> bytes:
        """Returns the body of a form. Raises MeshError for anything else."""
        self._bodies.check(exchange, raw=True)
        kind = read_media_type(exchange.headers.get(b"content-type", b""))
        if kind is None or kind.name != _FORM:
            raise MeshError(
                Kind.INVALID_ARGUMENT, "MEDIA_TYPE_UNSUPPORTED", f"the body must be {_FORM.decode()}, as forms are"
            )
        return await self._bodies.read(exchange, MAX_BYTES)

    def _endpoint(self, handler: Handler, visited: Callable[[Exchange], Awaitable[Visit]]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            exchange: Exchange = request.state.exchange
            visit = Visit(exchange, {})
            try:
                await self._guard.admit(exchange, self._policy)
                visit = await visited(exchange)
                return await handler(visit)
            except MeshError as error:
                exchange.call.failed(error)
                return failure(visit, error)
            except Exception:
                _log.exception("a page failed unexpectedly", extra={"fields": {"request_id": exchange.call.request_id}})
                return failure(visit, internal())

        return endpoint


def parameters(data: bytes, place: str) -> dict[str, str]:
    """Reads a query or a form. Raises MeshError for one that is broken, or that names something twice."""
    try:
        given = list(pairs(data, limit=_MAX_FIELDS))
    except FormError as error:
        raise malformed(place, "", str(error)) from None
    for name, count in Counter(name for name, _ in given).items():
        if count > 1:
            raise malformed(place, name, "is given more than once")
    return dict(given)
