"""Counts exchanges and writes the access log.

An exchange that ends is only noted. Counting and writing happen some tenths of a second later for many at once: in one
tight loop they cost a third of what they cost between two requests.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TextIO

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.edge.exchange import Exchange, Label
from meshkit.context import CallContext
from meshkit.telemetry.logs import EventLog

__all__ = ["Telemetry", "access_log"]

MAX_NOTED = 1_000
FLUSH_SECONDS = 0.2

_requests = Counter("http_requests", "Requests answered.", ["method", "route", "status"])
_seconds = Histogram(
    "http_request_duration_seconds",
    "Time from the request's headers to the end of the answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
_limited = Counter("rate_limited", "Requests refused by a rate limit.", ["class"])


class RouteMetrics:
    """The metrics of one method and route."""

    __slots__ = ("_counters", "_method", "_observe", "_route")

    def __init__(self, method: str, route: str) -> None:
        self._method = method
        self._route = route
        self._counters: dict[int, Counter] = {}
        self._observe = _seconds.labels(route).observe

    def count(self, status: int, seconds: float) -> None:
        counter = self._counters.get(status)
        if counter is None:
            counter = self._counters[status] = _requests.labels(self._method, self._route, str(status))
        counter.inc()
        self._observe(seconds)


ACCESS_FIELDS = (
    "method", "route", "status", "duration_ms", "request_id", "trace_id", "span_id", "client_id", "tenant_id",
)  # fmt: skip


def access_log(stream: TextIO | None = None) -> EventLog:
    """Returns the log with one line for each request."""
    return EventLog("gateway", "gateway.access", "request", ACCESS_FIELDS, stream)


class Telemetry:
    """Counts and logs every exchange."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._routes: dict[Label, RouteMetrics] = {}
        self._ended: list[tuple[str, Label, int, float, CallContext]] = []

    def limited(self, rate_class: str) -> None:
        _limited.labels(rate_class).inc()

    def finish(self, exchange: Exchange) -> None:
        """Notes the end of an exchange, and keeps nothing of its connection."""
        seconds = time.perf_counter() - exchange.started
        self._ended.append((exchange.method, exchange.label, exchange.status, seconds, exchange.call))
        if len(self._ended) >= MAX_NOTED:
            self.flush()

    def flush(self) -> None:
        """Counts and writes what has been noted."""
        ended, self._ended = self._ended, []
        for method, label, status, seconds, call in ended:
            self._metrics(label).count(status, seconds)
            self._write(method, label[1], status, seconds, call)
        self._log.flush()

    async def flush_regularly(self) -> None:
        """Counts and writes every few tenths of a second. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.flush()

    def scrape(self) -> bytes:
        """Returns the metrics of this process, or the sum over all workers if they share a folder."""
        self.flush()
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _metrics(self, label: Label) -> RouteMetrics:
        found = self._routes.get(label)
        if found is None:
            found = self._routes[label] = RouteMetrics(*label)
        return found

    def _write(self, method: str, route: str, status: int, seconds: float, call: CallContext) -> None:
        principal, trace = call.principal, call.traceparent
        self._log.write(
            method,
            route,
            status,
            round(seconds * 1000, 3),
            call.request_id,
            trace[3:35],
            trace[36:52],
            principal.client_id if principal is not None else "",
            principal.tenant_id if principal is not None else "",
        )
