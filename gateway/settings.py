"""Settings of the gateway, read from the environment at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meshkit.settings import MeshSettings, Reader

__all__ = ["SERVICES", "GatewaySettings"]

SERVICES = ("auth", "user", "fraud", "data")
"""The services behind the gateway, by the short name that their packages carry."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What the gateway needs."""

    mesh: MeshSettings
    listen: str
    """host:port of the REST API."""
    addresses: Mapping[str, str]
    """host:port of each service."""
    workers: int
    """Processes that share the port. Each holds its share of every client's rate limit."""
    max_body: int
    """Most bytes in a request body."""
    coalesce: bool
    """Off sends every call alone, to measure what coalescing gains."""

    @classmethod
    def read(cls, reader: Reader) -> GatewaySettings:
        return cls(
            mesh=MeshSettings.read(reader),
            listen=reader.address("RAMPART_HTTP_LISTEN"),
            addresses={name: reader.address(f"RAMPART_{name.upper()}_ADDRESS") for name in SERVICES},
            workers=reader.number("RAMPART_GATEWAY_WORKERS", 1, low=1, high=64),
            max_body=reader.number("RAMPART_MAX_BODY", 1 << 20, low=1024, high=64 << 20),
            coalesce=reader.switch("RAMPART_COALESCE", True),
        )
