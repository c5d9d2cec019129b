"""Settings of the HTTP side of the gateway, read from the environment at start."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.edge.headers.cors import valid_origin
from gateway.server.limits import Limits
from meshkit.settings import Reader, SettingsError

__all__ = ["HttpSettings"]


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

    @property
    def limits(self) -> Limits:
        return Limits(connections=self.max_connections)

    @classmethod
    def read(cls, reader: Reader) -> HttpSettings:
        return cls(
            cors_origins=_origins(reader),
            hsts_seconds=reader.number("RAMPART_HSTS_SECONDS", 0),
            compress_from=reader.number("RAMPART_COMPRESS_FROM", 1024),
            max_connections=reader.number("RAMPART_MAX_CONNECTIONS", 16_384, low=1, high=1 << 20),
            cache_bytes=reader.number("RAMPART_CACHE_BYTES", 32 << 20, high=1 << 34),
        )


def _origins(reader: Reader) -> tuple[str, ...]:
    name = "RAMPART_CORS_ORIGINS"
    origins = tuple(origin for origin in (each.strip() for each in reader.text(name, "").split(",")) if origin)
    for origin in origins:
        if not valid_origin(origin):
            raise SettingsError(f"{name} must hold * or origins such as https://shop.example, not {origin!r}")
    return origins
