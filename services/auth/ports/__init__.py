"""What the auth service needs from outside, as its use cases see it."""

from __future__ import annotations

from services.auth.ports.acts import RecordedAct
from services.auth.ports.api_keys import ApiKeyChanges, ApiKeyStore
from services.auth.ports.assertions import UsedAssertions
from services.auth.ports.audit import AuditLog, AuditNotary, AuditSealer, AuditTrail
from services.auth.ports.clients import ClientChanges, ClientStore, FindClient
from services.auth.ports.directory import Directory
from services.auth.ports.factors import CodeStore, FactorRemoval, PasskeyReader, PasskeyStore
from services.auth.ports.keys import KeyChange, Sealer, SigningKeyStore
from services.auth.ports.members import (
    LinkStore,
    MemberChange,
    MemberStore,
    PasswordAccount,
    PasswordStore,
)
from services.auth.ports.sign_in_guards import FailureCounts, LinkDelivery, PasswordHasher

__all__ = [
    "ApiKeyChanges",
    "ApiKeyStore",
    "AuditLog",
    "AuditNotary",
    "AuditSealer",
    "AuditTrail",
    "ClientChanges",
    "ClientStore",
    "CodeStore",
    "Directory",
    "FactorRemoval",
    "FailureCounts",
    "FindClient",
    "KeyChange",
    "LinkDelivery",
    "LinkStore",
    "MemberChange",
    "MemberStore",
    "PasskeyReader",
    "PasskeyStore",
    "PasswordAccount",
    "PasswordHasher",
    "PasswordStore",
    "RecordedAct",
    "Sealer",
    "SigningKeyStore",
    "UsedAssertions",
]
