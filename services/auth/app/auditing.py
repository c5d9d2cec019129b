"""Composes the audit log, and the notary's work on it."""

from __future__ import annotations

from meshkit.audit.calls import CallAudit
from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.auditing import audited_calls
from meshkit.storage import postgres
from meshkit.storage.postgres import Pool
from meshkit.timestamps import utc_now
from services.auth.adapters.audit_reporting import OwnReporter
from services.auth.adapters.audit_sealing import HmacAuditSealer
from services.auth.adapters.postgres_audit import PostgresAuditLog, PostgresAuditNotary, PostgresAuditTrail
from services.auth.ports import AuditTrail
from services.auth.service.audit_log import AuditDesk
from services.auth.service.audit_notary import NotaryDuty
from services.auth.servicer.audit_service import AuditServicer
from services.auth.settings import AuthSettings

__all__ = ["audit_log", "audit_trail", "own_calls"]


async def audit_trail(host: Host, settings: AuthSettings) -> AuditTrail:
    """Opens the way into the log, which is of its own: what waits for a change keeps no refused sign-in out of it."""
    return PostgresAuditTrail(await host.open(postgres.pool(settings.dsn, size=2), name="postgres of the audit log"))


async def own_calls(host: Host, trail: AuditTrail) -> CallAudit:
    """Returns what tells the log of the calls of this process."""
    return await host.open(audited_calls(OwnReporter(trail), ahead=False), name="audit log")


async def audit_log(host: Host, settings: AuthSettings, pool: Pool, trail: AuditTrail) -> AuditServicer:
    """Composes the log for those who read it. The notary's work is the host's."""
    sealer = HmacAuditSealer(settings.audit_keys)
    notary_pool = await host.open(postgres.pool(settings.notary_dsn, size=1), name="postgres of the notary")
    notary = NotaryDuty(PostgresAuditNotary(notary_pool), sealer, kept_days=settings.audit_days, clock=utc_now)
    host.background("audit anchors", Periodic("anchoring", notary.anchor, interval=settings.audit_anchor_seconds).run)
    host.background("audit retention", Periodic("audit retention", notary.prune).run)
    # What was recorded since the last interval is anchored before the process ends.
    host.closing(notary.anchor)
    desk = AuditDesk(trail=trail, log=PostgresAuditLog(pool), sealer=sealer)
    return AuditServicer(desk, Pages(Continuations(settings.continuation_keys)))
