"""Defines the limits of connections: number, sizes, times."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a connection. Times are in whole seconds, because one sweep a second looks after all connections."""

    connections: int = 16_384
    """Open at once in one process; one more is answered with 503."""
    of_an_address: int = 1_024
    """Those of them that one address may hold."""
    of_this_machine: int = 12_288
    """The same for an address of this machine: what runs beside the gateway often speaks for many."""
    head_seconds: int = 10
    """From the first byte of a request, or from the start of a connection, to the end of the headers."""
    idle_seconds: int = 75
    """Between two requests."""
    stuck_seconds: int = 30
    """For a caller that takes nothing of its answer."""
    linger_seconds: int = 3
    """For a refused sender to read why and to stop."""
    target_bytes: int = 8192
    head_bytes: int = 32_768
    """Request line and headers, or trailers."""
    fields: int = 100
    """Header lines."""
    pipelined: int = 32
    """Requests that wait for the answer to an earlier one on their connection."""
    discarded_bytes: int = 1 << 20
    """Of a body that nobody reads."""
