"""Writes the answers of the server itself: problem documents like every other error, that end the connection."""

from __future__ import annotations

import logging
from typing import NamedTuple

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.errors.problem import MEDIA_TYPE, SAFE, problem
from gateway.server.framing import Fields
from meshkit.context import request_id
from meshkit.errors import MeshError

__all__ = ["Refusal", "count"]

_log = logging.getLogger(__name__)
_refused = Counter("http_refused", "Connections that were refused or ended for what came over them.", ["reason"])

_STANDARD = [(b"cache-control", b"no-store"), *SAFE, (b"connection", b"close")]


class Refusal(NamedTuple):
    """Why nothing more of a caller is heard."""

    error: MeshError
    request_id: str
    bodiless: bool = False
    """True for a HEAD."""

    @classmethod
    def of(cls, error: MeshError, fields: Fields | None = None, method: str = "") -> Refusal:
        """Makes the refusal of the request with these headers, as far as they have come, for the log too."""
        refusal = cls(error, request_id(dict(fields or ()).get(b"x-request-id")), method == "HEAD")
        if fields is not None:
            told = {"request_id": refusal.request_id, "reason": error.reason}
            _log.info("refused: %s", error.message, extra={"fields": told})
        return refusal

    def answer(self, standing_head: bytes) -> bytes:
        """Returns the whole answer. `standing_head` are header lines of every answer."""
        count(self.error.reason)
        status, own, body = problem(self.error, self.request_id)
        headers = [
            (b"content-type", MEDIA_TYPE),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", self.request_id.encode()),
            *_STANDARD,
            *own,
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return b"".join((STATUS_LINE[status], standing_head, lines, b"\r\n", b"" if self.bodiless else body))


def count(reason: str) -> None:
    """Counts a connection that was refused or ended, by why."""
    _refused.labels(reason).inc()
