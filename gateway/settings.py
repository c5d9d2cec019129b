"""Reads the settings of the gateway from the environment, at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.edge.address import AddressResolver
from gateway.edge.certificates import ClientCertificates
from gateway.edge.headers.cors import valid_origin
from gateway.edge.public_url import local_url, public_url
from gateway.edge.ratelimit import LimitSettings
from gateway.server.limits import Limits
from meshkit.settings import MeshSettings, Reader, SettingsError
from meshkit.topology import load

__all__ = ["GatewaySettings"]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What callers may do beyond single calls, and what they are told."""

    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call, for example https://shop.example; `*` for all. None means no page of another."""
    hsts_seconds: int = 0
    """For how long browsers stay with TLS (RFC 6797). 0 says nothing: only who ends TLS in front of us knows."""
    compress_from: int = 1024
    """Least bytes of an answer that is compressed for who accepts it; 0 compresses nothing."""
    max_connections: int = 16_384
    """Connections open at once in one process."""
    cache_bytes: int = 32 << 20
    """Room for answers that are used again, in one process; 0 keeps none."""
    address_connections: int = 0
    """Those of them that one address may hold; 0 means 1024, and three quarters of all for one of this machine."""
    public_url: str = ""
    """Where callers reach the API, such as https://api.example.com, for the commands that the pages show. Empty: this
    machine, at the port of the API."""
    public_metrics: bool = False
    """True shows /metrics at the port of the API too, to everybody. It is always at the admin port."""

    @property
    def limits(self) -> Limits:
        most = self.max_connections
        return Limits(
            connections=most,
            of_an_address=self.address_connections or min(1_024, most),
            of_this_machine=self.address_connections or max(1, most * 3 // 4),
        )

    @classmethod
    def read(cls, reader: Reader) -> HttpSettings:
        return cls(
            cors_origins=_origins(reader),
            hsts_seconds=reader.number("RAMPART_HSTS_SECONDS", 0),
            compress_from=reader.number("RAMPART_COMPRESS_FROM", 1024),
            max_connections=reader.number("RAMPART_MAX_CONNECTIONS", 16_384, low=1, high=1 << 20),
            address_connections=reader.number("RAMPART_ADDRESS_CONNECTIONS", 0, high=1 << 20),
            public_metrics=reader.switch("RAMPART_PUBLIC_METRICS", False),
            cache_bytes=reader.number("RAMPART_CACHE_BYTES", 32 << 20, high=1 << 34),
        )


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What the gateway needs."""

    mesh: MeshSettings
    listen: str
    """host:port of the REST API."""
    public_url: str
    """Where callers reach the API, such as https://api.example.com: the server in `/openapi.json`, which generated
    clients call, and in the commands of the first page. Set it behind a proxy; without it, `RAMPART_HTTP_LISTEN` on
    this machine."""
    addresses: Mapping[str, str]
    """host:port of each service that the table lets the gateway call, by the short name that its package carries."""
    redis_url: str = field(repr=False)
    """Redis that the gateways share. Empty means that each process keeps for itself what can be rebuilt."""
    workers: int
    """Processes that share the port. Without Redis each holds its share of every rate limit."""
    limits: LimitSettings
    client_addresses: AddressResolver
    """How the address of a client is found; which proxies are trusted."""
    client_certificates: ClientCertificates
    """Which proxies are believed about the certificates of clients."""
    http: HttpSettings
    max_body: int
    """Most bytes in a request body."""
    max_streams: int
    """Most streams open at once in one process. Each takes one of the thousand calls that a service admits."""
    keep_answers: int
    """Seconds for which answers to requests with an `Idempotency-Key` stay in Redis. Services keep theirs longer."""
    coalesce: bool
    """Off sends every call alone, to measure what coalescing gains."""

    @property
    def reachable(self) -> str:
        """Where callers reach the API, whether a setting says so or not."""
        return self.public_url or local_url(self.listen)

    @classmethod
    def read(cls, reader: Reader) -> GatewaySettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_HTTP_LISTEN"),
            public_url=_public_url(reader),
            addresses={name: reader.upstream(f"RAMPART_{name.upper()}_ADDRESS") for name in load().gateway.calls},
            redis_url=reader.text("RAMPART_REDIS_URL", ""),
            workers=reader.number("RAMPART_GATEWAY_WORKERS", 1, low=1, high=64),
            limits=LimitSettings.read(reader),
            client_addresses=AddressResolver.read(reader),
            client_certificates=ClientCertificates.read(reader),
            http=HttpSettings.read(reader),
            max_body=reader.number("RAMPART_MAX_BODY", 4 << 20, low=1024, high=64 << 20),
            max_streams=reader.number("RAMPART_MAX_STREAMS", 500, low=1, high=100_000),
            keep_answers=reader.number("RAMPART_IDEMPOTENCY_SECONDS", 600, low=1, high=7 * 86_400),
            coalesce=reader.switch("RAMPART_COALESCE", True),
        )


def _public_url(reader: Reader) -> str:
    name = "RAMPART_PUBLIC_URL"
    text = reader.text(name, "")
    found = public_url(text) if text else ""
    if found is None:
        raise SettingsError(f"{name} must be an address such as https://api.example.com, not {text!r}")
    return found


def _origins(reader: Reader) -> tuple[str, ...]:
    name = "RAMPART_CORS_ORIGINS"
    origins = tuple(origin for origin in (each.strip() for each in reader.text(name, "").split(",")) if origin)
    for origin in origins:
        if not valid_origin(origin):
            raise SettingsError(f"{name} must hold * or origins such as https://shop.example, not {origin!r}")
    return origins
