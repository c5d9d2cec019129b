"""Labels: which one is in effect at a time, what is refused, and what says nothing new."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.fraud.domain.event import Money
from services.fraud.domain.labels.label import (
    LabelKind,
    LabelledTransaction,
    LabelState,
    NewLabel,
    StoredLabel,
    assigned,
    in_effect,
    label_faults,
)
from tests.support.labels import NOW, label, said

DAY = timedelta(days=1)
UNKNOWN = LabelledTransaction(None, None, ())


def decided(*labels: object) -> LabelledTransaction:
    return LabelledTransaction("0199c2a4-5f6e-7c31-9d0a-4b8e2f6a1c57", NOW - DAY, labels)  # type: ignore[arg-type]


def test_the_label_that_became_known_last_is_in_effect_whichever_was_stored_last() -> None:
    late, early = label(1, "legitimate", known=NOW), label(2, "fraud", known=NOW - DAY)
    assert in_effect([late, early]) is late


def test_of_two_that_became_known_at_once_the_one_stored_last_is_in_effect() -> None:
    first, second = label(1, "fraud"), label(2, "legitimate")
    assert in_effect([second, first]) is second


def test_a_label_is_not_in_effect_before_it_was_known() -> None:
    first, second = label(1, "fraud", known=NOW - 2 * DAY), label(2, "legitimate", known=NOW)
    assert in_effect([first, second], NOW - DAY) is first
    assert in_effect([first, second], NOW - 3 * DAY) is None
    assert in_effect([first, second], NOW) is second


def test_a_label_that_was_refused_is_never_in_effect() -> None:
    assert in_effect([label(1, refused=True)]) is None


def test_chargebacks_are_fraud_and_false_positives_are_not() -> None:
    assert {kind.value for kind in LabelKind if kind.is_fraud} == {"fraud", "chargeback"}


@pytest.mark.parametrize(
    ("ahead", "rule"), [(timedelta(minutes=1), "known_time.future"), (-2 * DAY, "known_time.before_event")]
)
def test_a_label_of_the_future_or_of_before_its_transaction_is_refused_by_its_field(
    ahead: timedelta, rule: str
) -> None:
    (fault,) = label_faults(said(known=NOW + ahead), NOW - DAY, NOW)
    assert (fault.path, fault.rule) == ("known_time", rule)


def test_a_clock_that_is_a_moment_ahead_is_taken_as_now() -> None:
    ahead = said(known=NOW + timedelta(seconds=2))
    assert label_faults(ahead, NOW - DAY, NOW) == []
    stored, _ = assigned(ahead, decided(), "id", "alice", NOW)
    assert stored.known_at == NOW


def test_a_label_of_an_unknown_transaction_waits_for_it() -> None:
    stored, created = assigned(said(), UNKNOWN, "id", "alice", NOW)
    assert (stored.state, stored.number, stored.known_at, created) == (LabelState.PENDING, 1, NOW, True)


def test_what_is_said_again_is_the_label_that_is_there() -> None:
    known = label(1, known=NOW - timedelta(hours=1))
    for again in (said(), said(known=known.known_at)):
        stored, created = assigned(again, decided(known), "id", "alice", NOW)
        assert (stored.label_id, created) == (known.label_id, False)


@pytest.mark.parametrize(
    "other",
    [
        said(kind="legitimate"),
        said(source="issuer"),
        said(reason="called"),
        said(amount=Money(100, "EUR")),
        said(known=NOW - timedelta(minutes=1)),
    ],
)
def test_what_differs_in_anything_is_another_label(other: object) -> None:
    stored, created = assigned(other, decided(label(1)), "id", "alice", NOW)  # type: ignore[arg-type]
    assert (stored.number, created) == (2, True)


def test_a_label_of_a_clock_that_is_ahead_is_stored_once() -> None:
    ahead = said(known=NOW + timedelta(seconds=3))
    stored, _ = assigned(ahead, decided(), "id", "alice", NOW)
    later = NOW + timedelta(minutes=1)
    again, created = assigned(ahead, decided(stored), "other", "alice", later)
    assert (again.label_id, created) == (stored.label_id, False)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (label(1), said(known=NOW + timedelta(seconds=6))),
        (label(1, known=NOW - timedelta(seconds=1)), said(known=NOW + timedelta(seconds=3))),
        (label(1), said(kind="legitimate", known=NOW + timedelta(seconds=3))),
    ],
)
def test_what_no_clock_explains_is_another_label(stored: StoredLabel, told: NewLabel) -> None:
    _, created = assigned(told, decided(stored), "id", "alice", NOW + DAY)
    assert created


def test_a_correction_within_seconds_is_no_label_told_again() -> None:
    corrected = label(2, "legitimate", known=NOW + timedelta(seconds=1))
    known = decided(label(1, "fraud"), corrected)
    again = said(kind="fraud", known=NOW + timedelta(seconds=2))
    stored, created = assigned(again, known, "id", "alice", NOW + timedelta(seconds=2))
    assert (stored.number, stored.effective, created) == (3, True, True)


def test_numbers_go_on_after_the_last_where_earlier_labels_were_deleted() -> None:
    stored, _ = assigned(said(kind="legitimate"), UNKNOWN._replace(labels=[label(2)]), "id", "alice", NOW)
    assert stored.number == 3


def test_a_label_that_was_corrected_can_be_said_anew() -> None:
    known = decided(label(1, "fraud", known=NOW - DAY), label(2, "legitimate", known=NOW - timedelta(hours=1)))
    stored, created = assigned(said(kind="fraud"), known, "id", "alice", NOW)
    assert (stored.number, stored.state, created) == (3, LabelState.EFFECTIVE, True)


def test_a_label_that_became_known_before_the_one_in_effect_is_superseded_at_once() -> None:
    known = decided(label(1, "legitimate", known=NOW - timedelta(minutes=1)))
    stored, created = assigned(said(known=NOW - timedelta(hours=1)), known, "id", "alice", NOW)
    assert (stored.state, created) == (LabelState.SUPERSEDED, True)
