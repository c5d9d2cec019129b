"""What the auth service needs from outside, as its use cases see it."""

from __future__ import annotations

from services.auth.ports.audit import AuditLog, AuditNotary, AuditSealer, AuditTrail
from services.auth.ports.directory import ClientDirectory
from services.auth.ports.keys import KeyChange, Sealer, SigningKeyStore

__all__ = [
    "AuditLog",
    "AuditNotary",
    "AuditSealer",
    "AuditTrail",
    "ClientDirectory",
    "KeyChange",
    "Sealer",
    "SigningKeyStore",
]
