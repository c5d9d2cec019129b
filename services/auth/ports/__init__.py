"""What the auth service needs from outside, as its use cases see it."""

from __future__ import annotations

from services.auth.ports.api_keys import ApiKeyChanges, ApiKeyStore
from services.auth.ports.assertions import UsedAssertions
from services.auth.ports.audit import AuditTrail
from services.auth.ports.clients import ClientChanges, ClientStore, FindClient
from services.auth.ports.directory import Directory
from services.auth.ports.keys import KeyChange, Sealer, SigningKeyStore

__all__ = [
    "ApiKeyChanges",
    "ApiKeyStore",
    "AuditTrail",
    "ClientChanges",
    "ClientStore",
    "Directory",
    "FindClient",
    "KeyChange",
    "Sealer",
    "SigningKeyStore",
    "UsedAssertions",
]
