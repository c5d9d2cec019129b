"""Admits calls from pages of other origins (Fetch standard, "CORS protocol"). Without listed origins none.

No call takes a cookie: a page presents its token in `Authorization`, so no answer ever allows credentials, and `*` is
as safe as the token. The cookies of signing in are for the gateway's own pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from gateway.errors.problem import Headers

__all__ = ["REQUEST_HEADERS", "RESPONSE_HEADERS", "Cors", "valid_origin"]

MAX_AGE_SECONDS = 7200
"""As long as browsers keep a preflight at most (two hours in Chromium)."""

REQUEST_HEADERS = (
    "accept", "authorization", "cache-control", "content-type", "dpop", "idempotency-key", "if-match",
    "if-none-match", "last-event-id", "traceparent", "tracestate", "x-request-id",
)  # fmt: skip
RESPONSE_HEADERS = (
    "age", "allow", "etag", "idempotency-replayed", "location", "ratelimit", "ratelimit-policy", "retry-after",
    "www-authenticate", "x-request-id",
)  # fmt: skip

_VARY = (b"vary", b"origin")
_PREFLIGHT_VARY = (b"vary", b"origin, access-control-request-method, access-control-request-headers")
_EXPOSED = (b"access-control-expose-headers", ", ".join(RESPONSE_HEADERS).encode())
_ALLOWED = (b"access-control-allow-headers", ", ".join(REQUEST_HEADERS).encode())
_MAX_AGE = (b"access-control-max-age", str(MAX_AGE_SECONDS).encode())


def valid_origin(text: str) -> bool:
    """Tells whether a text is `*` or an origin as browsers send it: lower case, no path, no default port."""
    if text == "*":
        return True
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    default = {"http": 80, "https": 443}.get(parts.scheme)
    plain = f"{parts.scheme}://{parts.netloc}"
    usual = default is not None and text == plain == plain.lower() and not {"@", "*"} & set(plain)
    return bool(usual and parts.hostname and port != default)


class Cors:
    """Decides by the list of origins. Browsers hold to its answers; it protects callers, not the API."""

    def __init__(self, origins: Iterable[str]) -> None:
        listed = {origin.encode() for origin in origins}
        self._any = b"*" in listed
        self._listed = frozenset(listed)

    def __bool__(self) -> bool:
        return bool(self._listed)

    def allows(self, origin: bytes) -> bool:
        """Tells whether pages of an origin may call, for example over a WebSocket."""
        return self._any or origin in self._listed

    def headers(self, origin: bytes | None) -> Headers:
        """Returns what every answer says; `origin` is None if the request names none."""
        if self._any:
            # Also without an origin: what a cache keeps of one answer is given to pages as well.
            return [(b"access-control-allow-origin", b"*"), _EXPOSED]
        # Caches must know that the answer depends on the origin, also when there was none.
        if origin is None or origin not in self._listed:
            return [_VARY]
        return [(b"access-control-allow-origin", origin), _EXPOSED, _VARY]

    def preflight(self, origin: bytes, methods: Sequence[str]) -> Headers:
        """Returns the answer to the question that a browser asks before it sends a request."""
        if not self.allows(origin):
            return [_PREFLIGHT_VARY]
        allowed = b"*" if self._any else origin
        return [
            (b"access-control-allow-origin", allowed),
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            _ALLOWED,
            _MAX_AGE,
            _PREFLIGHT_VARY,
        ]
