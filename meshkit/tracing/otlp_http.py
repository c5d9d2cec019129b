"""Exports spans by OTLP over HTTP with binary protobuf bodies (https://opentelemetry.io/docs/specs/otlp/#otlphttp).

The SDK's own exporter for it would bring five packages; its encoder is here already, for gRPC.
"""

from __future__ import annotations

import gzip
import logging
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.util.re import parse_env_headers

from meshkit.settings import SettingsError

__all__ = ["HttpSpanExporter"]

_log = logging.getLogger(__name__)

TIMEOUT = 10.0
FIRST_BACKOFF = 1.0
RETRYABLE = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class HttpSpanExporter(SpanExporter):
    """Posts batches to `url`, each for `timeout` seconds at most, again if the collector says so or is away."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: float = TIMEOUT
    tls: ssl.SSLContext | None = None
    compress: bool = False
    _stopping: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> HttpSpanExporter:
        """Reads `OTEL_EXPORTER_OTLP_*`; what is said of traces alone comes first. Raises SettingsError."""

        def setting(name: str) -> str:
            names = (f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}")
            return next((value for each in names if (value := environment.get(each, "").strip())), "")

        url = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
        url = url or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip().rstrip("/") + "/v1/traces"
        if not url.startswith(("http://", "https://")):
            raise SettingsError("OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https://")
        tls = ssl.create_default_context(cafile=setting("CERTIFICATE") or None) if url.startswith("https:") else None
        if tls is not None and setting("CLIENT_CERTIFICATE"):
            tls.load_cert_chain(setting("CLIENT_CERTIFICATE"), setting("CLIENT_KEY") or None)
        headers = parse_env_headers(setting("HEADERS"), liberal=True)
        return cls(url, headers, float(setting("TIMEOUT") or TIMEOUT), tls, setting("COMPRESSION") == "gzip")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Runs in the exporter's thread."""
        body = encode_spans(spans).SerializeToString()
        body = gzip.compress(body) if self.compress else body
        until = time.monotonic() + self.timeout
        backoff = FIRST_BACKOFF
        while True:
            failure = self._post(body, max(until - time.monotonic(), 0.001))
            if not failure:
                return SpanExportResult.SUCCESS
            again = failure.retryable and time.monotonic() + backoff < until
            if not again or self._stopping.wait(backoff):
                _log.error("%d spans were not exported: %s", len(spans), failure.words)
                return SpanExportResult.FAILURE
            backoff *= 2

    def shutdown(self) -> None:
        """Ends the wait for another attempt."""
        self._stopping.set()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def _post(self, body: bytes, seconds: float) -> ExportFailure | None:
        headers = {"user-agent": "rampart", **self.headers, "content-type": "application/x-protobuf"}
        if self.compress:
            headers["content-encoding"] = "gzip"
        connection = self._connection(seconds)
        try:
            connection.request("POST", urlsplit(self.url).path or "/", body, headers)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            return ExportFailure(f"the collector cannot be reached ({type(error).__name__})", True)
        finally:
            connection.close()
        return None if 200 <= status < 300 else ExportFailure(f"the collector answers {status}", status in RETRYABLE)

    def _connection(self, seconds: float) -> HTTPConnection:
        address = urlsplit(self.url).netloc.rpartition("@")[2]
        if self.tls is not None:
            return HTTPSConnection(address, timeout=seconds, context=self.tls)
        return HTTPConnection(address, timeout=seconds)


@dataclass(frozen=True, slots=True)
class ExportFailure:
    """Why one attempt failed, and whether another may not."""

    words: str
    retryable: bool
