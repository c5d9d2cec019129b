"""The gateway in memory: the real application driven through ASGI, with a mesh that answers from a function."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any

from gateway.assembly import GatewayParts, describe, make_app, make_guard, make_router
from gateway.calls.upstream import CacheUse
from gateway.compile.plan import MethodPlan, Plan, load_plan
from gateway.compile.router import Router
from gateway.describe.catalogue import Reason, read_reasons
from gateway.describe.documentation import Documentation
from gateway.describe.product import Product
from gateway.edge.address import AddressResolver
from gateway.edge.body import BodyReader
from gateway.edge.certificates import ClientCertificates
from gateway.edge.guard import Verifier
from gateway.edge.keys import KeySource, NoKeys
from gateway.edge.metrics import Telemetry, access_log
from gateway.edge.pipeline import Pipeline
from gateway.edge.ratelimit import Limiters, LimitSettings
from gateway.product.rampart import EXAMPLE_VIOLATION, rampart
from meshkit.context import CallContext, Principal
from meshkit.descriptors import DESCRIPTORS
from meshkit.errors import Kind, MeshError
from meshkit.identity.scopes import Scopes
from meshkit.identity.tokens import Permit
from meshkit.telemetry.admin import Readiness

TOKEN = "good-token"
SCOPES = Scopes.declared_by_methods().declared - {"fraud:backfill", "pii:read"}
PRINCIPAL = Principal("tenant-1", "client-1", SCOPES, 50_000, "USD")

RAMPART = rampart()

Answer = Callable[[MethodPlan, Any], dict[str, Any]]


@functools.cache
def plan() -> Plan:
    return load_plan(DESCRIPTORS)


@functools.cache
def router() -> Router:
    return make_router(plan())


@functools.cache
def reasons() -> Mapping[str, Reason]:
    return read_reasons(plan().files, EXAMPLE_VIOLATION)


@functools.cache
def _documented(url: str) -> Documentation:
    """Documents the platform at an address, once for all tests."""
    return describe(plan(), reasons(), url, RAMPART)


@dataclass
class Call:
    method: str
    request: Any
    info: CallContext
    use: CacheUse | None


@dataclass
class MemoryUpstream:
    """Answers every call with a ProtoJSON value, or raises what it is told to."""

    answer: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    calls: list[Call] = field(default_factory=list)

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        self.calls.append(Call(method.full_name, method.input.type.from_binary(request), call, use))
        if self.error is not None:
            raise self.error
        registry = plan().registry
        data: bytes = method.output.type.from_json(json.dumps(self.answer), registry=registry).to_binary()
        return data

    @property
    def last(self) -> Call:
        return self.calls[-1]


class MemoryVerifier:
    """Knows tokens by name; the first check of each takes the slow way, as with real ones."""

    def __init__(self) -> None:
        self.tokens = {TOKEN: PRINCIPAL}
        self.lives: dict[str, float] = {}
        self._seen: set[str] = set()

    def verify_cached(self, token: str) -> Principal | None:
        return self.tokens.get(token) if token in self._seen else None

    async def verify(self, token: str, permit: Permit | None = None) -> Principal:
        if permit is not None:
            permit()
        await asyncio.sleep(0)
        if token not in self.tokens:
            raise MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "the access token has a wrong signature")
        self._seen.add(token)
        return self.tokens[token]

    def remaining(self, token: str) -> float:
        return self.lives.get(token, 3600.0)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes
    set_cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """The application and everything that it was built with."""

    def __init__(
        self,
        *,
        checks: dict[str, Callable[[], Awaitable[None]]] | None = None,
        verifier: Verifier | None = None,
        limits: LimitSettings = LimitSettings(),
        limiters: Limiters | None = None,
        addresses: AddressResolver = AddressResolver(),
        certificates: ClientCertificates = ClientCertificates(),
        product: Product | None = RAMPART,
        keys: KeySource = NoKeys(),
        **parts: Any,
    ) -> None:
        """`parts` are those of `GatewayParts` that shall be others."""
        self.upstream = MemoryUpstream()
        self.verifier = MemoryVerifier()
        self.readiness = Readiness(checks or {})
        self.lines = StringIO()
        self.telemetry = Telemetry(access_log(self.lines))
        self.bodies = BodyReader(max_bytes=1 << 20)
        checker = verifier or self.verifier
        self.guard = make_guard(
            checker,
            self.telemetry,
            limits=limits,
            limiters=limiters,
            addresses=addresses,
            certificates=certificates,
            keys=keys,
        )
        own = GatewayParts(
            router=router(),
            upstream=self.upstream,
            verifier=checker,
            guard=self.guard,
            readiness=self.readiness,
            telemetry=self.telemetry,
            bodies=self.bodies,
            public_metrics=True,
        )
        made = replace(own, **parts)
        ours = product is RAMPART and made.router is own.router
        documented = (
            _documented(made.public_url) if ours else describe(made.router.plan, reasons(), made.public_url, product)
        )
        self.app: Pipeline = make_app(made, documented, product)

    async def request(
        self,
        method: str,
        target: str | bytes,
        body: bytes | str | dict[str, Any] | Iterable[bytes] | None = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = TOKEN,
        client: str = "192.0.2.1",
    ) -> Reply:
        """Sends one request. A dict is sent as JSON; an iterable of chunks is sent without a content length."""
        raw = target.encode() if isinstance(target, str) else target
        path, _, query = raw.partition(b"?")
        sent = {"host": "gateway.test"}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        chunks = [b""]
        if body is not None:
            chunks = _chunks(body, sent)
        sent |= headers or {}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.items()],
            "client": (client, 4711),
            "server": ("gateway.test", 80),
        }
        return await exchange(self.app, scope, chunks)

    def access_lines(self) -> list[dict[str, Any]]:
        self.telemetry.flush()
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]


def _chunks(body: bytes | str | dict[str, Any] | Iterable[bytes], headers: dict[str, str]) -> list[bytes]:
    headers["content-type"] = "application/json"
    if isinstance(body, dict):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes):
        headers["content-length"] = str(len(body))
        return [body]
    headers["transfer-encoding"] = "chunked"
    return list(body)


async def exchange(app: Any, scope: dict[str, Any], chunks: list[bytes]) -> Reply:
    incoming: AsyncIterator[dict[str, Any]] = _messages(chunks)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return await anext(incoming)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    cookies = tuple(value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie")
    return Reply(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]), cookies)


async def _messages(chunks: list[bytes]) -> AsyncIterator[dict[str, Any]]:
    for index, chunk in enumerate(chunks):
        yield {"type": "http.request", "body": chunk, "more_body": index + 1 < len(chunks)}
    while True:
        yield {"type": "http.disconnect"}
