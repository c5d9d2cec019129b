"""Tells whether a caller of whom nothing more is read is still there."""

from __future__ import annotations

import asyncio
import socket

__all__ = ["was_reset"]


def was_reset(transport: asyncio.BaseTransport) -> bool:
    """Tells whether the other side has answered what was written to it with a reset: its socket is gone.

    An event loop does not say so by itself of a connection on which it no longer reads.
    """
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None:
        return True
    try:
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
    except OSError:
        return True
