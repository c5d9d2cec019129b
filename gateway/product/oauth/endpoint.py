"""Answers the endpoints whose requests are forms: admitted, read, sent into the mesh, answered as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.calls.upstream import Upstream
from gateway.compile.plan import MethodPlan
from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from gateway.edge.guard import Guard
from gateway.product.oauth.failures import NO_STORE, OAuthError, failure, from_mesh
from gateway.product.oauth.forms import read_form
from meshkit.errors import MeshError

__all__ = ["Answer", "FormEndpoint"]

Answer = TypeVar("Answer", bound=Message)


class FormEndpoint(Generic[Answer]):
    """One endpoint. Its method is public, so the guard asks for no token: clients prove who they are in the form."""

    def __init__(
        self,
        method: MethodPlan,
        upstream: Upstream,
        guard: Guard,
        bodies: BodyReader,
        *,
        ask: Callable[[Exchange, dict[str, str]], Message],
        answer: type[Answer],
        tell: Callable[[Answer], Mapping[str, Any] | None],
    ) -> None:
        self._method = method
        self._upstream = upstream
        self._guard = guard
        self._bodies = bodies
        self._ask = ask
        self._answer = answer
        self._tell = tell

    async def respond(self, request: Request) -> Response:
        """Answers with what the mesh says, or with a failure as the RFCs have it."""
        exchange: Exchange = request.state.exchange
        try:
            await self._guard.admit(exchange, self._method.policy)
            asked = self._ask(exchange, await read_form(request, exchange, self._bodies))
            exchange.call.limit(self._method.policy.deadline)
            data = await self._upstream.call(self._method, asked.SerializeToString(), exchange.call)
        except OAuthError as error:
            return failure(error)
        except MeshError as error:
            return failure(from_mesh(error))
        told = self._tell(self._answer.FromString(data))
        return JSONResponse(told, headers=NO_STORE) if told is not None else Response(headers=NO_STORE)
