"""Checks the opening of a WebSocket (RFC 6455, section 4): origin, subprotocol, token."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.types import Message, Send

from gateway.edge.exchange import Exchange
from gateway.edge.headers.cors import Cors
from gateway.errors.places import malformed
from meshkit.errors import Kind, MeshError

__all__ = ["SUBPROTOCOL", "check_origin", "choose_subprotocol", "offer_token", "over_handshake"]

SUBPROTOCOL = "rampart.v1"
BEARER = "bearer."


def offer_token(exchange: Exchange) -> None:
    """Takes a token among the subprotocols, all that a browser can send, for the token of the opening."""
    token = next((each for each in exchange.scope["subprotocols"] if each.startswith(BEARER)), None)
    if token is not None:
        exchange.headers.setdefault(b"authorization", b"Bearer " + token.removeprefix(BEARER).encode())


def check_origin(exchange: Exchange, cors: Cors) -> None:
    """Refuses pages of other sites: browsers let any page open a WebSocket. Raises MeshError."""
    origin = exchange.headers.get(b"origin")
    if origin is None or cors.allows(origin) or _is_own(origin, exchange.headers.get(b"host", b"")):
        return
    raise MeshError(Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED", "pages of this origin may not call")


def choose_subprotocol(offered: Sequence[str]) -> str | None:
    """Returns what to answer: our subprotocol if it is offered, none if none is. Raises MeshError."""
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    if offered:
        raise malformed("header", "sec-websocket-protocol", f"must offer {SUBPROTOCOL}")
    return None


def over_handshake(send: Send) -> Send:
    """Returns what sends an ordinary HTTP answer instead of the opening."""

    async def sending(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    return sending


def _is_own(origin: bytes, host: bytes) -> bool:
    """Tells whether a page comes from the host that it calls."""
    try:
        return bool(host) and urlsplit(origin.lower()).netloc == host.lower()
    except ValueError:
        return False
