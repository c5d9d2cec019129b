"""Sends requests out. There is no other way in which a service talks to an address that a tenant has named."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter

from meshkit.egress.addresses import IpAddress
from meshkit.egress.answers import EgressAnswer, read_answer
from meshkit.egress.errors import EgressError, EgressFault
from meshkit.egress.names import HostNames
from meshkit.egress.places import TenantPlaces
from meshkit.egress.targets import EgressTarget, read_target

__all__ = ["Egress", "EgressRequest", "open_egress"]

_requests = Counter("egress_requests", "Requests to addresses that tenants have named.", ["outcome"])

AT_ONCE = 64
"""Requests of a process."""
OF_ONE = 4
"""Requests of a process for one tenant: whatever its host does, it does to that tenant alone."""
_TRIES = 3
"""Addresses of a host that are tried, one after the other."""
_PATIENCE = 1.0
"""Seconds after which the next address is tried."""
_FIELD: Final = re.compile(r"[!-9;-~][!-~]*: ?[ -~]*")


@dataclass(frozen=True, slots=True)
class EgressRequest:
    """What is sent."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    seconds: float = 5.0
    """All of it together: look-up, connection, request and answer."""
    most_octets: int = 65_536
    """Of the answer's body."""


class Egress:
    """Sends requests. `opened` are origins that may be of a private network or without TLS, by a setting."""

    def __init__(
        self, opened: Collection[str], names: HostNames | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._opened = opened
        self._names = names or HostNames()
        self._tls = tls or ssl.create_default_context()
        self._places = TenantPlaces(AT_ONCE, OF_ONE)

    async def send(self, request: EgressRequest, whose: str) -> EgressAnswer:
        """Returns the answer, whatever its status; redirects are not followed. `whose` is the tenant.

        Raises EgressError.
        """
        outcome = "given_up"
        try:
            with self._place(whose):
                answer = await self._send(request, whose)
            outcome = "answered"
            return answer
        except EgressError as error:
            outcome = error.fault.value
            raise
        finally:
            _requests.labels(outcome).inc()

    def close(self) -> None:
        """Ends what runs beside the requests."""
        self._names.close()

    @contextmanager
    def _place(self, whose: str) -> Iterator[None]:
        """Holds a place for the block."""
        self._places.take(whose)
        try:
            yield
        finally:
            self._places.leave(whose)

    async def _send(self, request: EgressRequest, whose: str) -> EgressAnswer:
        target = read_target(request.url, self._opened)
        head = _head(request, target)
        try:
            async with asyncio.timeout(request.seconds), self._connection(target, whose) as (reader, writer):
                writer.write(head + request.body)
                await writer.drain()
                return await read_answer(reader, request.most_octets)
        except TimeoutError:
            raise EgressError(EgressFault.TIMEOUT) from None
        except ssl.SSLError:
            raise EgressError(EgressFault.TLS) from None
        except OSError:
            raise EgressError(EgressFault.CONNECTION) from None

    @asynccontextmanager
    async def _connection(
        self, target: EgressTarget, whose: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        found = await self._names.addresses(target.host, target.port, whose)
        addresses = [each for each in found if target.admits(each)]
        if not addresses:
            raise EgressError(EgressFault.ADDRESS)
        reader, writer = await self._connect(target, addresses[:_TRIES])
        try:
            yield reader, writer
        finally:
            # Nothing more is wanted of the other side, neither the end of TLS.
            with contextlib.suppress(OSError):
                writer.transport.abort()

    async def _connect(
        self, target: EgressTarget, addresses: list[IpAddress]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects to one of the addresses that were checked: the name is told to TLS and to nobody else."""
        tls = {"ssl": self._tls, "server_hostname": target.host} if target.scheme == "https" else {}
        *first, last = addresses
        for address in first:
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await asyncio.open_connection(str(address), target.port, **tls)  # type: ignore[arg-type]
            except ssl.SSLError:
                raise
            except OSError:
                continue
        return await asyncio.open_connection(str(last), target.port, **tls)  # type: ignore[arg-type]


@asynccontextmanager
async def open_egress(opened: Collection[str]) -> AsyncIterator[Egress]:
    """Opens the way out for a process."""
    egress = Egress(opened)
    try:
        yield egress
    finally:
        egress.close()


def _head(request: EgressRequest, target: EgressTarget) -> bytes:
    fields = {
        "Host": target.authority, "User-Agent": "rampart", "Accept-Encoding": "identity", "Connection": "close",
        **request.headers,
    }  # fmt: skip
    if request.body or request.method != "GET":
        fields["Content-Length"] = str(len(request.body))
    lines = [f"{name}: {value}" for name, value in fields.items()]
    if not all(map(_FIELD.fullmatch, lines)):
        raise ValueError("a header field has characters that none may have")
    return "\r\n".join([f"{request.method} {target.path} HTTP/1.1", *lines, "", ""]).encode("ascii")
