"""The composition root of the fraud service: the only place that knows its adapters."""

from __future__ import annotations

from services.fraud.app.serving import migrate, serve

__all__ = ["migrate", "serve"]
