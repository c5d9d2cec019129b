"""Between messages, or rows of files, and labels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from rampart.fraud.v1 import event_pb2, label_pb2
from rampart.fraud.v1 import label_service_pb2 as pb

from meshkit.errors import MeshError
from meshkit.rpc.interceptors.validation import validate
from meshkit.tasks import WorkState
from meshkit.timestamps import time_to_proto
from services.fraud import errors
from services.fraud.convert.amounts import money_from_amount, money_to_amount
from services.fraud.domain.labels.imports import LabelImport, RefusedRow
from services.fraud.domain.labels.label import LabelKind, NewLabel, StoredLabel
from services.fraud.domain.names import FieldFault
from services.fraud.ports.labels import LabelFilter

__all__ = [
    "LABEL_COLUMNS_OF_FILES",
    "label_filter_from_proto",
    "label_from_proto",
    "label_from_row",
    "label_import_to_proto",
    "label_to_event",
    "label_to_proto",
    "refused_row_to_proto",
]

LABEL_RECORDED = "label.recorded"
"""The type of an event of the outbox that tells of a label: no tenant can name one of its own so."""
LABEL_COLUMNS_OF_FILES = ("transaction_id", "label", "source", "reason", "amount", "currency", "known_time")
OWN_SOURCE = "api"


def label_from_proto(message: label_pb2.Label, within: str = "") -> NewLabel:
    """Raises VALIDATION_FAILED for an amount that its currency does not have, with paths within another field."""
    return NewLabel(
        transaction_id=message.transaction_id,
        kind=LabelKind(message.label),
        source=message.source or OWN_SOURCE,
        reason=message.reason,
        amount=money_from_amount(message.amount, message.currency, f"{within}amount", f"{within}currency"),
        known_at=_known_at(message, within),
    )


def label_from_row(row: Mapping[str, str]) -> NewLabel:
    """Returns the label of a row of a file, by the names of columns. Raises VALIDATION_FAILED."""
    message = label_pb2.Label(
        transaction_id=row["transaction_id"],
        label=row["label"].strip().lower(),
        source=row.get("source", "").strip(),
        reason=row.get("reason", ""),
        currency=row.get("currency", "").strip(),
    )
    amount, known_time = row.get("amount", "").strip(), row.get("known_time", "").strip()
    if amount:
        try:
            message.amount = float(amount)
        except ValueError:
            raise _refused("amount", "amount.number", "must be a number, such as 42.50") from None
    if known_time:
        try:
            message.known_time.FromJsonString(known_time)
        except ValueError:
            words = "must be a time with its zone, such as 2026-11-28T09:00:00Z"
            raise _refused("known_time", "known_time.format", words) from None
    validate(message)
    return label_from_proto(message)


def label_filter_from_proto(request: pb.ListLabelsRequest) -> LabelFilter:
    kind = LabelKind(request.label) if request.label else None
    return LabelFilter(request.transaction_id, kind, request.source, request.pending)


def label_to_proto(label: StoredLabel) -> label_pb2.Label:
    message = label_pb2.Label(
        label_id=label.label_id,
        transaction_id=label.transaction_id,
        label=label.kind.value,
        source=label.source,
        reason=label.reason,
        known_time=time_to_proto(label.known_at),
        state=label.state.value,
        number=label.number,
        decision_id=label.decision_id or "",
        created_by=label.created_by,
        create_time=time_to_proto(label.created_at),
    )
    if label.amount is not None:
        message.amount = money_to_amount(label.amount)
        message.currency = label.amount.currency
    return message


def label_to_event(tenant_id: str, label: StoredLabel, at: datetime) -> bytes:
    """Returns what the other services learn of a label at a time."""
    event = event_pb2.DecisionEvent(
        tenant_id=tenant_id,
        transaction_id=label.transaction_id,
        create_time=time_to_proto(at),
        event_type=LABEL_RECORDED,
        label=event_pb2.LabelRecorded(
            label_id=label.label_id,
            number=label.number,
            label=label.kind.value,
            source=label.source,
            known_time=time_to_proto(label.known_at),
            labelled_decision_id=label.decision_id or "",
        ),
    )
    return event.SerializeToString()


def label_import_to_proto(found: LabelImport, state: WorkState) -> label_pb2.LabelImport:
    message = label_pb2.LabelImport(
        import_id=found.import_id,
        state=state.state,
        rows=found.rows,
        done_rows=found.done,
        stored_rows=found.stored,
        unchanged_rows=found.unchanged,
        refused_rows=found.refused,
        error=state.error,
        created_by=found.created_by,
        create_time=time_to_proto(found.created_at),
    )
    if state.finished_at is not None:
        message.finish_time.FromDatetime(state.finished_at)
    return message


def refused_row_to_proto(refused: RefusedRow) -> label_pb2.LabelImportError:
    return label_pb2.LabelImportError(row=refused.row, field=refused.field, message=refused.message)


def _known_at(message: label_pb2.Label, within: str) -> datetime | None:
    if not message.HasField("known_time"):
        return None
    try:
        when = message.known_time.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise _refused(f"{within}known_time", *errors.DATE_UNKNOWN) from None
    # As events: what is known in the millisecond of an event is known by then.
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def _refused(path: str, rule: str, words: str) -> MeshError:
    return errors.fields_invalid([FieldFault(path, rule, words)])
