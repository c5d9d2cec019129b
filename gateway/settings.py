"""Settings of the gateway, read from the environment at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.edge.address import AddressResolver
from gateway.edge.headers.settings import HttpSettings
from gateway.edge.ratelimit import LimitSettings
from meshkit.settings import MeshSettings, Reader
from meshkit.topology import load

__all__ = ["GatewaySettings"]


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What the gateway needs."""

    mesh: MeshSettings
    listen: str
    """host:port of the REST API."""
    addresses: Mapping[str, str]
    """host:port of each service that the table lets the gateway call, by the short name that its package carries."""
    redis_url: str = field(repr=False)
    """Redis that the gateways share. Empty means that each process keeps for itself what can be rebuilt."""
    workers: int
    """Processes that share the port. Without Redis each holds its share of every rate limit."""
    limits: LimitSettings
    client_addresses: AddressResolver
    """How the address of a client is found; which proxies are trusted."""
    http: HttpSettings
    max_body: int
    """Most bytes in a request body."""
    max_streams: int
    """Most streams open at once in one process. Each takes one of the thousand calls that a service admits."""
    keep_answers: int
    """Seconds for which answers to requests with an `Idempotency-Key` stay in Redis. Services keep theirs longer."""
    coalesce: bool
    """Off sends every call alone, to measure what coalescing gains."""

    @classmethod
    def read(cls, reader: Reader) -> GatewaySettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_HTTP_LISTEN"),
            addresses={name: reader.address(f"RAMPART_{name.upper()}_ADDRESS") for name in load().gateway.calls},
            redis_url=reader.text("RAMPART_REDIS_URL", ""),
            workers=reader.number("RAMPART_GATEWAY_WORKERS", 1, low=1, high=64),
            limits=LimitSettings.read(reader),
            client_addresses=AddressResolver.read(reader),
            http=HttpSettings.read(reader),
            max_body=reader.number("RAMPART_MAX_BODY", 1 << 20, low=1024, high=64 << 20),
            max_streams=reader.number("RAMPART_MAX_STREAMS", 500, low=1, high=100_000),
            keep_answers=reader.number("RAMPART_IDEMPOTENCY_SECONDS", 600, low=1, high=7 * 86_400),
            coalesce=reader.switch("RAMPART_COALESCE", True),
        )
