"""The composition roots of the fraud service, one for each of its processes: only they know its adapters."""

from services.fraud.app.serving import migrate, serve

__all__ = ["migrate", "serve"]
