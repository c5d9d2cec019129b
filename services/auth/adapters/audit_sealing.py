"""Seals places of the audit log by HMAC-SHA-256."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime

from meshkit.audit.chain import canonical_time
from services.auth.domain.audit import AuditSeal

__all__ = ["HmacAuditSealer"]


class HmacAuditSealer:
    """Implements `AuditSealer`. The first key seals; what any of them has sealed holds."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def seal(self, tenant_id: str, sequence: int, digest: bytes, at: datetime) -> AuditSeal:
        made = _code(self._keys[0], tenant_id, sequence, digest, at)
        return AuditSeal(tenant_id, sequence, digest, at, made)

    def holds(self, seal: AuditSeal) -> bool:
        """Tells whether a seal was made with a key of this service."""
        codes = (_code(key, seal.tenant_id, seal.sequence, seal.hash, seal.at) for key in self._keys)
        return any(hmac.compare_digest(code, seal.seal) for code in codes)


def _code(key: bytes, tenant_id: str, sequence: int, digest: bytes, at: datetime) -> bytes:
    text = f"rampart audit seal 1\n{tenant_id}\n{sequence}\n{digest.hex()}\n{canonical_time(at)}"
    return hmac.digest(key, text.encode(), "sha256")
