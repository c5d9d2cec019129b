"""Converts cases and what belongs to them. Whoever may not see personal data sees it masked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from rampart.cases.v1 import case_pb2
from rampart.cases.v1 import case_service_pb2 as pb

from meshkit.masking import MASK
from meshkit.pages import invalid
from meshkit.preconditions import etag_from_revision
from meshkit.timestamps import time_to_proto
from services.cases.convert.parts import amounts_to_proto, personal_to_proto
from services.cases.domain.added import AttachedFile, CaseNote, DoneWithCase
from services.cases.domain.alerts import Evidence
from services.cases.domain.cases import CaseState, StoredCase
from services.cases.domain.levels import UrgencyLevel
from services.cases.ports import CaseFilter, QueuePlace

__all__ = [
    "attached_to_proto",
    "case_filter_from_proto",
    "case_to_proto",
    "entry_to_proto",
    "evidence_place_from_token",
    "evidence_place_to_token",
    "level_from_word",
    "note_to_proto",
    "queue_place_from_token",
    "queue_place_to_token",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def case_to_proto(
    case: StoredCase, notes: Iterable[CaseNote] = (), attachments: Iterable[AttachedFile] = (), *, pii: bool
) -> case_pb2.FraudCase:
    message = case_pb2.FraudCase(
        case_id=case.case_id,
        entity_kind=case.entity.kind,
        entity=personal_to_proto(case.entity.value, not pii),
        state=case.state.value,
        assignee=case.assignee,
        priority=case.priority.word,
        score=case.score,
        amounts=amounts_to_proto(case.amounts),
        alert_count=case.alert_count,
        transaction_count=case.transaction_count,
        disposition=case.disposition,
        merged_into=case.merged_into or "",
        split_from=case.split_from or "",
        overdue=case.overdue,
        etag=etag_from_revision(case.revision),
        create_time=time_to_proto(case.created_at),
        update_time=time_to_proto(case.updated_at),
        due_time=time_to_proto(case.due_at),
        notes=[note_to_proto(each, pii=pii) for each in notes],
        attachments=map(attached_to_proto, attachments),
    )
    if case.closed_at is not None:
        message.close_time.CopyFrom(time_to_proto(case.closed_at))
    return message


def note_to_proto(note: CaseNote, *, pii: bool) -> case_pb2.CaseNote:
    return case_pb2.CaseNote(
        note_id=note.note_id,
        words=note.words if pii else MASK,
        author=note.author,
        create_time=time_to_proto(note.created_at),
    )


def attached_to_proto(attached: AttachedFile) -> case_pb2.CaseAttachment:
    return case_pb2.CaseAttachment(
        attachment_id=attached.attachment_id,
        uri=attached.uri,
        name=attached.name,
        media_type=attached.media_type,
        size=attached.size,
        author=attached.author,
        create_time=time_to_proto(attached.created_at),
    )


def entry_to_proto(entry: DoneWithCase) -> case_pb2.CaseHistoryEntry:
    return case_pb2.CaseHistoryEntry(
        number=entry.number,
        action=entry.action,
        actor=entry.actor,
        details=entry.details,
        create_time=time_to_proto(entry.created_at),
    )


def case_filter_from_proto(request: pb.ListCasesRequest) -> CaseFilter:
    return CaseFilter(
        state=CaseState(request.state) if request.state else None,
        assignee=request.assignee,
        priority=level_from_word(request.min_priority),
        entity=request.entity,
        overdue=request.overdue,
    )


def level_from_word(word: str) -> UrgencyLevel:
    """Returns a level; the lowest for none."""
    return UrgencyLevel.of(word) if word else UrgencyLevel.LOW


def queue_place_to_token(case: StoredCase) -> Sequence[str]:
    return str(int(case.priority)), str(case.money), _moment(case.created_at), case.case_id


def queue_place_from_token(place: Sequence[str]) -> QueuePlace:
    """Raises PAGE_TOKEN_INVALID."""
    priority, money, created_at, case_id = place
    try:
        return QueuePlace(int(priority), int(money), _at(created_at), case_id)
    except (ValueError, OverflowError):
        raise invalid() from None


def evidence_place_to_token(evidence: Evidence) -> Sequence[str]:
    return _moment(evidence.event_time), evidence.transaction_id


def evidence_place_from_token(place: Sequence[str]) -> tuple[datetime, str]:
    """Raises PAGE_TOKEN_INVALID."""
    try:
        return _at(place[0]), place[1]
    except (ValueError, OverflowError):
        raise invalid() from None


def _moment(when: datetime) -> str:
    return str((when - _EPOCH) // _MICROSECOND)


def _at(text: str) -> datetime:
    return _EPOCH + int(text) * _MICROSECOND
