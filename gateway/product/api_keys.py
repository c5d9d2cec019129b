"""Exchanges API keys for access tokens, so that nothing behind the edge ever sees a key."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rampart.auth.v1 import auth_service_pb2

from gateway.calls.upstream import Upstream
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.identity.api_keys import api_key_invalid, is_api_key, well_formed
from meshkit.identity.tokens import Permit

__all__ = ["EXCHANGE", "ApiKeys"]

EXCHANGE = "/rampart.auth.v1.AuthService/ExchangeApiKey"
HEADER = b"x-api-key"

KEPT_SHARE = 0.9
"""Of a token's life, for which it is used."""
REFUSED_SECONDS = 3.0
"""For which a key that was refused is refused again without asking."""
ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class _Known:
    token: str = field(repr=False)
    """Empty for a key that was refused."""
    until: float


class ApiKeys:
    """Implements `KeySource`. Keys are known by their SHA-256 alone; first uses at once share one call."""

    def __init__(self, method: MethodPlan, upstream: Upstream, clock: Callable[[], float] = time.monotonic) -> None:
        self._method = method
        self._upstream = upstream
        self._clock = clock
        self._keys: OrderedDict[bytes, _Known] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[str]] = {}

    def shown(self, headers: Mapping[bytes, bytes], bearer: str) -> str:
        """Returns the key in `X-Api-Key`, or the bearer token if it is one; `Authorization` comes first."""
        if bearer:
            return bearer if is_api_key(bearer) else ""
        return headers.get(HEADER, b"").decode("latin-1") if b"authorization" not in headers else ""

    def known(self, key: str) -> str | None:
        known = self._keys.get(_name(key))
        return known.token or None if known is not None and known.until > self._clock() else None

    async def exchange(self, key: str, permit: Permit, call: CallContext) -> str:
        """Returns a token for a key. Raises API_KEY_INVALID, and UNAVAILABLE if nobody can say."""
        permit()
        name = _name(key)
        known = self._keys.get(name)
        if not well_formed(key) or (known is not None and not known.token and known.until > self._clock()):
            raise api_key_invalid()
        task = self._under_way.get(name)
        if task is None:
            task = asyncio.create_task(self._ask(name, key, call))
            self._under_way[name] = task
            task.add_done_callback(lambda _: self._under_way.pop(name, None))
        # Whoever asked first may go away while others wait.
        return await asyncio.shield(task)

    def forget(self, key: str) -> None:
        self._keys.pop(_name(key), None)

    async def _ask(self, name: bytes, key: str, caller: CallContext) -> str:
        call = CallContext(request_id=caller.request_id, traceparent=caller.traceparent, tracestate=caller.tracestate)
        call.limit(self._method.policy.deadline)
        request = auth_service_pb2.ExchangeApiKeyRequest(api_key=key).SerializeToString()
        try:
            answer = await self._upstream.call(self._method, request, call)
        except MeshError as error:
            if error.kind is Kind.UNAUTHENTICATED:
                self._keep(name, "", REFUSED_SECONDS)
            raise
        issued = auth_service_pb2.ExchangeApiKeyResponse.FromString(answer)
        self._keep(name, issued.access_token, issued.expires_in * KEPT_SHARE)
        return issued.access_token

    def _keep(self, name: bytes, token: str, seconds: float) -> None:
        self._keys[name] = _Known(token, self._clock() + seconds)
        self._keys.move_to_end(name)
        if len(self._keys) > ENTRIES:
            self._keys.popitem(last=False)


def _name(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
