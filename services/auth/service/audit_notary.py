"""Anchors where the logs end, looks whether they still hold what was anchored, and prunes what is old."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge

from meshkit.audit.chain import canonical_time
from services.auth.domain.audit import AuditSeal
from services.auth.ports import AuditNotary, AuditSealer

__all__ = ["NotaryDuty"]

_log = logging.getLogger("audit.anchor")
_faults = Counter("audit_log_faults", "Times that the log of a tenant was found not to hold what was anchored.")
_anchored = Gauge("audit_anchor_timestamp_seconds", "When every log of the audit had its last event anchored.")

HEADS = 500
PRUNED = 2_000
"""Events that one transaction deletes at most."""


class NotaryDuty:
    """Seals the heads of all logs at intervals. Replicas do the same work, and what one has anchored stays.

    An anchor is kept twice: in a table of another role, and as a line of the process's log, which leaves the machine.
    """

    def __init__(
        self, notary: AuditNotary, sealer: AuditSealer, *, kept_days: int, clock: Callable[[], datetime]
    ) -> None:
        self._notary = notary
        self._sealer = sealer
        self._kept = timedelta(days=kept_days)
        self._clock = clock

    async def anchor(self) -> int:
        """Anchors heads that have none yet; returns how many if there may be more. Raises MeshError."""
        now = self._clock()
        await self._look()
        heads = await self._notary.heads(HEADS)
        seals = [self._sealer.seal(tenant_id, sequence, digest, now) for tenant_id, sequence, digest in heads]
        if seals:
            await self._notary.anchor(seals)
        for seal in seals:
            _tell(seal)
        if len(seals) < HEADS:
            _anchored.set(now.timestamp())
            return 0
        return len(seals)

    async def prune(self) -> int:
        """Deletes some events that are older than those to be kept, behind a sealed checkpoint; returns how many."""
        now = self._clock()
        old = await self._notary.old(now - self._kept, PRUNED)
        return await self._notary.prune(self._sealer.seal(*old, now)) if old is not None else 0

    async def _look(self) -> None:
        for tenant_id, sequence in await self._notary.broken(HEADS):
            _faults.inc()
            fields = {"tenant_id": tenant_id, "sequence": sequence}
            _log.error("the audit log does not hold what was anchored", extra={"fields": fields})


def _tell(seal: AuditSeal) -> None:
    fields = {
        "tenant_id": seal.tenant_id,
        "sequence": seal.sequence,
        "hash": seal.hash.hex(),
        "sealed_at": canonical_time(seal.at),
        "seal": seal.seal.hex(),
    }
    _log.info("audit anchor", extra={"fields": fields})
