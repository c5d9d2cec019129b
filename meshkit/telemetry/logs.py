"""Writes JSON logs: one object a line on standard error, with the request id and trace of the running call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from meshkit.context import current

__all__ = ["EventLog", "configure"]

FLUSH_SECONDS = 0.1
_ESCAPE = json.encoder.encode_basestring_ascii


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object. `extra={"fields": {...}}` adds members."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        call = current()
        entry: dict[str, Any] = {
            "time": _timestamp(record.created),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if call.request_id:
            entry |= {"request_id": call.request_id, "trace_id": call.trace_id, "span_id": call.span_id}
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class JsonHandler(logging.StreamHandler[TextIO]):
    """Writes records to standard error. One that cannot be written is told of in a line of the same form."""

    def __init__(self, service: str) -> None:
        super().__init__(sys.stderr)
        self._service = service
        self.setFormatter(JsonFormatter(service))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        entry = {
            "time": _timestamp(record.created),
            "level": "ERROR",
            "service": self._service,
            "logger": record.name,
            "message": f"a record could not be written: {sys.exc_info()[1]!r}",
            "template": str(record.msg),
        }
        with contextlib.suppress(Exception):
            self.stream.write(json.dumps(entry) + "\n")
            self.flush()


class EventLog:
    """Writes one line for each event of the hot path: buffered, without the cost of a log record.

    `fields` names the members in order; what stands in one place is always of one type.
    """

    def __init__(
        self,
        service: str,
        name: str,
        message: str,
        fields: Sequence[str],
        stream: TextIO | None = None,
        *,
        flush_bytes: int = 65_536,
    ) -> None:
        self._stream = stream or sys.stderr
        head = f'"level":"INFO","service":{_ESCAPE(service)},"logger":{_ESCAPE(name)},"message":{_ESCAPE(message)}'
        members = "".join(f',"{field}":%s' for field in fields)
        self._template = f'{{"time":"%s.%03dZ",{head.replace("%", "%%")}{members}}}\n'
        self._lines: list[str] = []
        self._size = 0
        self._flush_bytes = flush_bytes
        self._second = 0
        self._stamp = ""

    def write(self, *values: str | float) -> None:
        """Appends a line; it is written when the buffer is full or at the next `flush`."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        texts = [_ESCAPE(value) if type(value) is str else value for value in values]
        line = self._template % (self._stamp, (now - second) * 1000, *texts)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= self._flush_bytes:
            self.flush()

    async def keep_flushed(self, seconds: float = FLUSH_SECONDS) -> None:
        """Writes what is buffered every so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            self.flush()

    def flush(self) -> None:
        if self._lines:
            text, self._lines, self._size = "".join(self._lines), [], 0
            self._stream.write(text)
            self._stream.flush()


def configure(service: str, level: str) -> None:
    """Sends every logger of the process to standard error as JSON."""
    logging.basicConfig(level=level, handlers=[JsonHandler(service)], force=True)


def _timestamp(created: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created)) + f".{int(created % 1 * 1000):03d}Z"
