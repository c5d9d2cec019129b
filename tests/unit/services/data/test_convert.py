"""What is converted keeps its meaning; what cannot be converted is named or rejected."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rampart.data.v1 import data_service_pb2 as pb
from rampart.fraud.v1 import event_pb2

from meshkit.errors import MeshError
from meshkit.following.batches import Position
from meshkit.following.decisions import batch_from_proto
from services.data import convert
from services.data.convert import transaction_from_event
from services.data.domain.ledger import DailyTotal
from tests.support.continuations import PAGES
from tests.support.ledger import transaction
from tests.support.outbox import TENANT, event

LIST, TOTALS = pb.ListTransactionsRequest, pb.ListDailyTotalsRequest


def batch_of(*payloads: bytes) -> event_pb2.EventBatch:
    place = event_pb2.OutboxPosition
    return event_pb2.EventBatch(after=place(xid=7, seq=1), last=place(xid=9, seq=4), events=payloads)


@pytest.mark.parametrize(
    ("minor", "digits", "amount"),
    [(1250, 2, "12.50"), (0, 2, "0.00"), (5, 0, "5"), (1, 3, "0.001"), ((1 << 63) - 1, 2, "92233720368547758.07")],
)
def test_amounts_are_exact(minor: int, digits: int, amount: str) -> None:
    sent = event("a")
    sent.amount_minor, sent.currency_digits = minor, digits
    (entry,) = batch_from_proto(batch_of(sent.SerializeToString()), transaction_from_event).items
    assert str(entry.amount) == amount
    assert convert.transaction_to_proto(entry).amount == amount


def test_an_event_keeps_all_it_says() -> None:
    sent = event("a")
    sent.event_time.FromDatetime(datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC))
    found = batch_from_proto(batch_of(sent.SerializeToString()), transaction_from_event)
    (entry,) = found.items
    assert (found.after, found.last, len(found)) == (Position(7, 1), Position(9, 4), 1)
    assert entry.event_time == datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    message = convert.transaction_to_proto(entry)
    for field in ("transaction_id", "decision_id", "user_id", "merchant_id", "currency", "channel", "outcome"):
        assert getattr(message, field) == getattr(sent, field)
    assert message.confidence_score == sent.confidence_score
    assert (entry.tenant_id, message.event_time) == (TENANT, sent.event_time)


def without(field: str) -> bytes:
    sent = event("a")
    sent.ClearField(field)
    return sent.SerializeToString()


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"\xff\xff", id="not a message"),
        pytest.param(b"", id="empty"),
        pytest.param(without("event_time"), id="no event time"),
        pytest.param(without("create_time"), id="no create time"),
        pytest.param(without("transaction_id"), id="no transaction id"),
        pytest.param(without("tenant_id"), id="no tenant"),
        pytest.param(event("a", tenant_id="x").SerializeToString(), id="tenant is no UUID"),
        pytest.param(event("a", currency_digits=9).SerializeToString(), id="too many digits"),
        pytest.param(event("a", event_time={"seconds": 1 << 50}).SerializeToString(), id="beyond the calendar"),
        pytest.param(event("a", event_time={"seconds": 946_684_799}).SerializeToString(), id="before the year 2000"),
    ],
)
def test_an_event_that_cannot_be_read_is_rejected_alone(payload: bytes) -> None:
    good = event("good").SerializeToString()
    found = batch_from_proto(batch_of(good, payload, good), transaction_from_event)
    assert found.payloads == [good, good]
    assert [rejected.payload for rejected in found.rejected] == [payload]
    assert found.rejected[0].error
    assert len(found) == 3


def test_a_token_continues_its_request_and_no_other() -> None:
    request = LIST(user_id="u", page_size=5)
    last = transaction(TENANT, "ünï-\U0001f680", minutes=3)
    token = PAGES.encode(TENANT, request, convert.transaction_to_place(last))
    again = LIST(user_id="u", page_size=9, page_token=token)
    assert convert.transaction_query_from_proto(again, TENANT, PAGES).after == (last.event_time, last.transaction_id)
    for other in (LIST(user_id="v", page_token=token), LIST(page_token=token)):
        with pytest.raises(MeshError, match="page_token"):
            convert.transaction_query_from_proto(other, TENANT, PAGES)
    day = date(2026, 1, 2)
    place = convert.total_to_place(DailyTotal(day, "USD", "review", 1, Decimal(1)))
    following = TOTALS(page_token=PAGES.encode(TENANT, TOTALS(), place))
    assert convert.totals_query_from_proto(following, TENANT, PAGES).after == (day, "USD", "review")


@pytest.mark.parametrize("place", [("x", "a"), ("9" * 30, "a"), ("1",), ("1", "a", "b")])
def test_a_place_of_transactions_that_no_answer_ever_named_is_refused(place: tuple[str, ...]) -> None:
    token = PAGES.encode(TENANT, LIST(), place)
    with pytest.raises(MeshError) as raised:
        convert.transaction_query_from_proto(LIST(page_token=token), TENANT, PAGES)
    assert raised.value.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize("place", [("2026-02-30", "USD", "review"), ("", "", "")])
def test_a_place_of_totals_that_no_answer_ever_named_is_refused(place: tuple[str, ...]) -> None:
    token = PAGES.encode(TENANT, TOTALS(), place)
    with pytest.raises(MeshError) as raised:
        convert.totals_query_from_proto(TOTALS(page_token=token), TENANT, PAGES)
    assert raised.value.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize("field", ["start_date", "end_date"])
@pytest.mark.parametrize("text", ["2023-02-29", "2023-00-10", "0000-01-01", "2023-12-32"])
def test_a_day_that_does_not_exist_is_named(field: str, text: str) -> None:
    with pytest.raises(MeshError) as raised:
        request = TOTALS(start_date=text) if field == "start_date" else TOTALS(end_date=text)
        convert.totals_query_from_proto(request, TENANT, PAGES)
    assert [(found.field, raised.value.reason) for found in raised.value.violations] == [(field, "VALIDATION_FAILED")]


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (1, 1), (1000, 1000), (5000, 1000)])
def test_the_page_size_is_bounded(asked: int, given: int) -> None:
    assert convert.transaction_query_from_proto(LIST(page_size=asked), TENANT, PAGES).limit == given
    assert convert.totals_query_from_proto(TOTALS(page_size=asked), TENANT, PAGES).limit == given


def test_absent_filters_are_absent() -> None:
    query = convert.transaction_query_from_proto(LIST(), TENANT, PAGES)
    assert (query.user_id, query.merchant_id, query.start, query.end, query.after) == ("", "", None, None, None)
    request = LIST(start_time={"seconds": 0}, end_time={"seconds": 60})
    query = convert.transaction_query_from_proto(request, TENANT, PAGES)
    assert query.start == datetime(1970, 1, 1, tzinfo=UTC) and query.end == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
