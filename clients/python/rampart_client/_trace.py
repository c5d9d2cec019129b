"""W3C trace context of outgoing calls."""

from __future__ import annotations

try:
    from opentelemetry import propagate
except ImportError:  # OpenTelemetry is the caller's choice.
    propagate = None  # type: ignore[assignment]

__all__ = ["trace_context"]

HEADERS = ("traceparent", "tracestate")


def trace_context() -> list[tuple[str, str]]:
    """Returns the headers of the caller's OpenTelemetry span, none without one.

    Then the service starts the trace, and its sampler decides whether that is recorded.
    """
    carrier: dict[str, str] = {}
    if propagate is not None:
        propagate.inject(carrier)
    return [(name, carrier[name]) for name in HEADERS if name in carrier]
