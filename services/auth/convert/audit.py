"""Converts events of the audit log, anchors and filters."""

from __future__ import annotations

from rampart.auth.v1 import audit_pb2, audit_service_pb2

from meshkit.timestamps import time_from_proto, time_to_proto
from services.auth.domain.audit import AuditEvent, AuditFilter, AuditOutcome, AuditSeal, AuditStand, StoredAuditEvent

__all__ = ["event_to_proto", "filter_from_proto", "report_from_proto", "seal_to_proto", "stand_to_proto"]


def event_to_proto(stored: StoredAuditEvent) -> audit_pb2.AuditEvent:
    event = stored.event
    return audit_pb2.AuditEvent(
        sequence=stored.sequence,
        time=time_to_proto(event.at),
        tenant_id=event.tenant_id,
        action=event.action,
        outcome=event.outcome.value,
        actor=event.actor,
        client_id=event.client_id,
        target=event.target,
        reason=event.reason,
        request_id=event.request_id,
        peer=event.peer,
        recorder=event.recorder,
        address=event.address,
        details=event.details,
        previous_hash=stored.previous.hex(),
        hash=stored.hash.hex(),
    )


def filter_from_proto(request: audit_service_pb2.ListAuditEventsRequest) -> AuditFilter:
    return AuditFilter(
        since=time_from_proto(request.start_time) if request.HasField("start_time") else None,
        until=time_from_proto(request.end_time) if request.HasField("end_time") else None,
        action=request.action,
        actor=request.actor,
        outcome=request.outcome,
        target=request.target,
    )


def seal_to_proto(seal: AuditSeal, *, genuine: bool) -> audit_pb2.AuditAnchor:
    return audit_pb2.AuditAnchor(
        sequence=seal.sequence,
        hash=seal.hash.hex(),
        time=time_to_proto(seal.at),
        seal=seal.seal.hex(),
        genuine=genuine,
    )


def stand_to_proto(stand: AuditStand, *, genuine: bool) -> audit_pb2.AuditHead:
    head = audit_pb2.AuditHead(
        tenant_id=stand.tenant_id, sequence=stand.sequence, hash=stand.hash.hex(), first_sequence=stand.first
    )
    if stand.checkpoint is not None:
        head.checkpoint.CopyFrom(seal_to_proto(stand.checkpoint, genuine=genuine))
    return head


def report_from_proto(report: audit_service_pb2.AuditReport, recorder: str) -> AuditEvent:
    """Returns what a service tells of. Who tells of it is known by its certificate."""
    return AuditEvent(
        action=report.action,
        tenant_id=report.tenant_id,
        at=time_from_proto(report.time),
        outcome=AuditOutcome(report.outcome),
        actor=report.actor,
        client_id=report.client_id,
        target=report.target,
        reason=report.reason,
        request_id=report.request_id,
        peer=report.peer,
        address=report.address,
        details=dict(report.details),
        recorder=recorder,
    )
