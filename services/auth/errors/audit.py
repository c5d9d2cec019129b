"""Errors about the audit log."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError

__all__ = ["audit_event_not_found"]


def audit_event_not_found() -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such audit event", metadata={"resource": "audit_event"}
    )
