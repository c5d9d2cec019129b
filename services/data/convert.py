"""Converts between protobuf messages and the domain of the data service. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.data.v1 import data_service_pb2, transaction_pb2
from rampart.fraud.v1 import event_pb2

from meshkit.pages import Pages, invalid, page_size
from services.data.domain.ledger import DailyTotal, LedgerState, Transaction
from services.data.errors import not_a_date, not_a_time
from services.data.ports import TotalsQuery, TransactionQuery

__all__ = [
    "state_to_proto",
    "total_to_place",
    "total_to_proto",
    "totals_query_from_proto",
    "transaction_from_event",
    "transaction_query_from_proto",
    "transaction_to_place",
    "transaction_to_proto",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_DIGITS = 4
_LEDGER_TYPES = ("payment", "")
# 2000-01-01T00:00:00Z: what the contract of the fraud service takes at the earliest.
_EARLIEST = 946_684_800


def state_to_proto(state: LedgerState) -> data_service_pb2.LedgerState:
    return data_service_pb2.LedgerState(lost=state.lost, rebuilding=state.rebuilding, decisions=state.decisions)


def transaction_from_event(event: event_pb2.DecisionEvent) -> Transaction | None:
    """Reads a payment: no other event moves money. Raises ValueError and OverflowError for one that cannot be true."""
    if event.event_type not in _LEDGER_TYPES:
        return None
    if not event.transaction_id or not event.HasField("event_time") or not event.HasField("create_time"):
        raise ValueError("a required field is not set")
    if event.currency_digits > _MAX_DIGITS:
        raise ValueError("no currency has that many digits")
    if event.event_time.seconds < _EARLIEST:
        raise ValueError("the event is from before the year 2000")
    return Transaction(
        _tenant(event.tenant_id),
        event.transaction_id,
        event.decision_id,
        event.user_id,
        event.merchant_id,
        Decimal(event.amount_minor).scaleb(-event.currency_digits),
        event.currency,
        event.channel,
        event.outcome,
        event.confidence_score,
        _datetime(event.event_time),
        _datetime(event.create_time),
    )


@lru_cache(maxsize=4096)
def _tenant(text: str) -> str:
    return str(UUID(text))


def _datetime(time: Timestamp) -> datetime:
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1000)


def transaction_query_from_proto(
    request: data_service_pb2.ListTransactionsRequest, tenant_id: str, pages: Pages
) -> TransactionQuery:
    place = pages.decode(tenant_id, request, request.page_token, 2)
    return TransactionQuery(
        tenant_id=tenant_id,
        limit=page_size(request.page_size),
        user_id=request.user_id,
        merchant_id=request.merchant_id,
        start=_time_field(request, "start_time"),
        end=_time_field(request, "end_time"),
        after=None if place is None else (_token_time(place[0]), place[1]),
    )


def totals_query_from_proto(
    request: data_service_pb2.ListDailyTotalsRequest, tenant_id: str, pages: Pages
) -> TotalsQuery:
    place = pages.decode(tenant_id, request, request.page_token, 3)
    return TotalsQuery(
        tenant_id=tenant_id,
        limit=page_size(request.page_size),
        start=_date_field("start_date", request.start_date),
        end=_date_field("end_date", request.end_date),
        after=None if place is None else (_token_date(place[0]), place[1], place[2]),
    )


def transaction_to_place(last: Transaction) -> Sequence[str]:
    """Returns where the page after `last` begins."""
    return str((last.event_time - _EPOCH) // _MICROSECOND), last.transaction_id


def total_to_place(last: DailyTotal) -> Sequence[str]:
    """Returns where the page after `last` begins."""
    return last.day.isoformat(), last.currency, last.outcome


def transaction_to_proto(transaction: Transaction) -> transaction_pb2.Transaction:
    return transaction_pb2.Transaction(
        transaction_id=transaction.transaction_id,
        decision_id=transaction.decision_id,
        user_id=transaction.user_id,
        merchant_id=transaction.merchant_id,
        amount=f"{transaction.amount:f}",
        currency=transaction.currency,
        channel=transaction.channel,
        outcome=transaction.outcome,
        confidence_score=transaction.confidence_score,
        event_time=transaction.event_time,
        decide_time=transaction.decide_time,
    )


def total_to_proto(total: DailyTotal) -> transaction_pb2.DailyTotal:
    return transaction_pb2.DailyTotal(
        date=total.day.isoformat(),
        currency=total.currency,
        outcome=total.outcome,
        count=total.count,
        amount=f"{total.amount:f}",
    )


def _time_field(request: data_service_pb2.ListTransactionsRequest, field: str) -> datetime | None:
    if not request.HasField(field):
        return None
    try:
        return _datetime(getattr(request, field))
    except OverflowError as error:
        raise not_a_time(field) from error


def _date_field(field: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise not_a_date(field) from error


def _token_time(text: str) -> datetime:
    try:
        return _EPOCH + int(text) * _MICROSECOND
    except (ValueError, OverflowError) as error:
        raise invalid() from error


def _token_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise invalid() from error
