"""W3C trace context of outgoing calls."""

from __future__ import annotations

import secrets

try:
    from opentelemetry import propagate
except ImportError:  # OpenTelemetry is the caller's choice.
    propagate = None  # type: ignore[assignment]


def traceparent() -> str:
    """Continues the caller's OpenTelemetry trace if there is one, else starts a trace."""
    carrier: dict[str, str] = {}
    if propagate is not None:
        propagate.inject(carrier)
    return carrier.get("traceparent") or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
