"""What of the fraud service's events has an effect, and who sees which part of an alert and a case."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rampart.fraud.v1 import event_pb2

from services.cases import convert
from services.cases.domain.added import CaseNote
from services.cases.domain.alerts import AlertCause, AlertedEntity, RaisedFor, first_alert
from services.cases.domain.cases import opened_case
from services.cases.domain.events import AskedEvent, DecidedEvent, LabelledEvent
from services.cases.domain.levels import CaseSettings
from tests.support.cases import NOON, decided_event
from tests.support.outbox import TENANT, event


def test_a_decision_is_looked_at_from_the_least_threshold_or_when_a_rule_asks() -> None:
    found = convert.event_of_fraud_from_proto(event("a", confidence_score=0.5, card_fingerprint="card-1"))
    assert isinstance(found, DecidedEvent)
    assert (found.tenant_id, found.evidence.card, found.evidence.amount_minor) == (TENANT, "card-1", 1250)
    assert found.decide_time == found.evidence.decide_time
    assert convert.event_of_fraud_from_proto(event("a", confidence_score=0.49)) is None
    asked = convert.event_of_fraud_from_proto(event("a", confidence_score=0.1, alert_rules=["burst"]))
    assert isinstance(asked, DecidedEvent) and asked.rules == ("burst",)


def test_labels_and_what_else_is_asked_for_are_read() -> None:
    label = event_pb2.DecisionEvent(tenant_id=TENANT, transaction_id="a", event_type="label.recorded")
    label.label.label = "fraud"
    label.label.known_time.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    read = convert.event_of_fraud_from_proto(label)
    assert isinstance(read, LabelledEvent)
    assert (read.transaction_id, read.label, read.known_at) == ("a", "fraud", datetime(2026, 1, 1, tzinfo=UTC))
    asked = event_pb2.DecisionEvent(tenant_id=TENANT, event_type="alert.asked")
    asked.alert.cause, asked.alert.subject, asked.alert.words = "drift", "model-1", "Others come."
    told = convert.event_of_fraud_from_proto(asked)
    assert isinstance(told, AskedEvent)
    assert told.raised_for == RaisedFor(AlertedEntity("model", "model-1"), AlertCause.DRIFT)


@pytest.mark.parametrize("cause", ["score", "overdue", "nonsense", ""])
def test_what_nobody_may_ask_for_is_refused(cause: str) -> None:
    asked = event_pb2.DecisionEvent(tenant_id=TENANT, event_type="alert.asked")
    asked.alert.cause, asked.alert.subject = cause, "x"
    with pytest.raises(ValueError, match=r".+"):
        convert.event_of_fraud_from_proto(asked)


@pytest.mark.parametrize("changes", [{"transaction_id": ""}, {"tenant_id": "nobody"}, {"currency_digits": 9}])
def test_a_decision_that_cannot_be_true_is_refused(changes: dict[str, object]) -> None:
    sent = event("a", confidence_score=0.99)
    for name, value in changes.items():
        setattr(sent, name, value)
    with pytest.raises(ValueError, match=r".+"):
        convert.event_of_fraud_from_proto(sent)


def test_people_cards_and_notes_are_masked_for_who_may_not_see_them() -> None:
    evidence = decided_event(TENANT, "a", user_id="user-4711", card="card-4711").evidence
    alert = first_alert("id", RaisedFor(AlertedEntity("card", "card-4711"), AlertCause.SCORE), NOON, NOON)
    case = opened_case("id", AlertedEntity("user", "user-4711"), CaseSettings(), NOON)
    note = CaseNote("id", "Jane was called.", "ana", NOON)
    hidden = convert.alert_to_proto(alert, [evidence], pii=False)
    assert (hidden.entity, hidden.transactions[0].user_id, hidden.transactions[0].card_fingerprint) == (
        "ca…11", "us…11", "ca…11",
    )  # fmt: skip
    covered = convert.case_to_proto(case, [note], pii=False)
    assert (covered.entity, covered.notes[0].words) == ("us…11", "…")
    assert "4711" not in str(hidden) + str(covered) and "Jane" not in str(covered)
    seen = convert.case_to_proto(case, [note], pii=True)
    assert (seen.entity, seen.notes[0].words) == ("user-4711", "Jane was called.")
    impersonal = first_alert("id", RaisedFor(AlertedEntity("scenario", "starter"), AlertCause.BREAKER), NOON, NOON)
    assert convert.alert_to_proto(impersonal, pii=False).entity == "starter"
