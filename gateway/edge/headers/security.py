"""Sets the headers that tell browsers what they may do with an answer."""

from __future__ import annotations

from gateway.edge.exchange import Exchange
from gateway.edge.headers.cors import Cors
from gateway.errors.problem import Headers

__all__ = ["SecurityHeaders"]


class SecurityHeaders:
    """What depends on the request and the settings: the origin, and whether the caller came by TLS."""

    def __init__(self, cors: Cors, *, hsts_seconds: int = 0) -> None:
        self.cors = cors
        value = b"max-age=%d" % hsts_seconds
        self._hsts: Headers = [(b"strict-transport-security", value)] if hsts_seconds else []

    def __bool__(self) -> bool:
        return bool(self.cors) or bool(self._hsts)

    def headers(self, exchange: Exchange) -> Headers:
        """Returns the headers of an answer. A caller that lies about its own TLS harms nobody else (RFC 6797, 7.2)."""
        found = self.cors.headers(exchange.headers.get(b"origin")) if self.cors else []
        if self._hsts and (
            exchange.scope.get("scheme") == "https"
            or exchange.headers.get(b"x-forwarded-proto", b"").lower() == b"https"
        ):
            found += self._hsts
        return found
