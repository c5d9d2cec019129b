"""Levels, alerts, cases and masks: what follows from what, and which step is allowed in which state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from meshkit.masking import masked
from services.cases.domain.alerts import (
    AlertCause,
    AlertedEntity,
    RaisedFor,
    entity_of,
    first_alert,
    with_evidence,
)
from services.cases.domain.cases import (
    CaseDisposition,
    CaseState,
    CaseStepError,
    StoredCase,
    assigned_to,
    closed_as,
    merged_into,
    opened_case,
    reopened_for,
    weighed,
)
from services.cases.domain.levels import (
    AmountSum,
    CaseSettings,
    UrgencyLevel,
    at_stake,
    level_of,
    priority_at,
    summed,
)
from tests.support.cases import NOON, decided_event

USER = AlertedEntity("user", "user-1")
LOW, NORMAL, HIGH, URGENT = UrgencyLevel
TENANT = "0192f0c1-2d7a-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", ""), ("a", "…"), ("abcde", "…"), ("abcdef", "ab…ef"), ("card-4711-42", "ca…42"), ("ü" * 9, "üü…üü")],
)
def test_masks_are_stable_and_hide_what_is_short(value: str, shown: str) -> None:
    assert masked(value) == masked(value) == shown


@pytest.mark.parametrize(
    ("score", "minor", "level"),
    [(0.5, 0, LOW), (0.9, 0, NORMAL), (0.98, 0, HIGH), (0.5, 500_00, NORMAL), (0.5, 5_000_00, HIGH),
     (0.9, 5_000_00, URGENT), (1.0, 9_999_999_00, URGENT)],
)  # fmt: skip
def test_a_level_is_by_score_and_money(score: float, minor: int, level: UrgencyLevel) -> None:
    assert level_of(score, [AmountSum("USD", minor, 2)]) is level


def test_money_is_compared_across_currencies_in_one_unit() -> None:
    amounts = summed([AmountSum("USD", 1_50, 2), AmountSum("JPY", 200, 0), AmountSum("USD", 50, 2)])
    assert amounts == (AmountSum("JPY", 200, 0), AmountSum("USD", 2_00, 2))
    assert at_stake([*amounts, AmountSum("KWD", 1_000, 3)]) == 200_00 + 2_00 + 1_00


@pytest.mark.parametrize(
    ("hours", "level"), [(0, LOW), (23.9, LOW), (24, NORMAL), (71, NORMAL), (72, HIGH), (1_000, HIGH)]
)
def test_what_waits_gets_more_urgent_in_two_steps(hours: float, level: UrgencyLevel) -> None:
    assert priority_at(LOW, NOON, NOON + timedelta(hours=hours)) is level
    assert priority_at(URGENT, NOON, NOON + timedelta(hours=hours)) is URGENT


def test_a_case_is_due_by_what_it_is_about_and_not_by_its_age() -> None:
    settings = CaseSettings()
    hours = [(settings.due(level, NOON) - NOON) // timedelta(hours=1) for level in UrgencyLevel]
    assert hours == [168, 72, 24, 4]


def test_evidence_adds_up_and_the_entity_is_the_user_before_the_card() -> None:
    late, early = decided_event(TENANT, "a", minutes=9).evidence, decided_event(TENANT, "b", score=0.99).evidence
    alert = first_alert("id", RaisedFor(USER, AlertCause.SCORE), late.event_time, NOON)
    alert = with_evidence(with_evidence(alert, late, NOON), early, NOON)
    assert (alert.count, alert.score, alert.severity) == (2, 0.99, HIGH)
    assert alert.amounts == (AmountSum("USD", 25_00, 2),)
    assert (alert.first_time, alert.last_time) == (NOON, NOON + timedelta(minutes=9))
    assert entity_of(late) == USER
    assert entity_of(late._replace(user_id="", card="c")) == AlertedEntity("card", "c")
    assert entity_of(late._replace(user_id="")) == AlertedEntity("transaction", "a")
    assert [cause for cause in AlertCause if cause.of_transactions] == [AlertCause.SCORE, AlertCause.RULE]


def a_case(**changes: object) -> StoredCase:
    return replace(opened_case("case", USER, CaseSettings(), NOON), **changes)  # type: ignore[arg-type]


def test_a_case_weighs_what_its_alerts_weigh() -> None:
    evidence = decided_event(TENANT, "a", minor=600_00, score=0.99).evidence
    alert = with_evidence(first_alert("id", RaisedFor(USER, AlertCause.SCORE), NOON, NOON), evidence, NOON)
    case = weighed(a_case(), [alert, alert], CaseSettings(high_hours=1), NOON)
    assert (case.level, case.score, case.money, case.alert_count, case.transaction_count) == (
        URGENT,
        0.99,
        120_000,
        2,
        2,
    )
    assert case.due_at == NOON + timedelta(hours=4)


Step = Callable[[StoredCase], StoredCase]


def assign(to: str, *, seen: bool = False) -> Step:
    return lambda case: assigned_to(case, to, NOON, seen=seen)


CLOSE: Step = lambda case: closed_as(case, "fraud", NOON)  # noqa: E731
MERGE: Step = lambda case: merged_into(case, "other", NOON)  # noqa: E731
REOPEN: Step = lambda case: reopened_for(case, "ana", CaseSettings(), NOON)  # noqa: E731
ASSIGNED = {"state": CaseState.ASSIGNED, "assignee": "ana"}
CLOSED = {"state": CaseState.CLOSED, "disposition": "fraud"}
MERGED_CASE = {"state": CaseState.CLOSED, "disposition": "merged", "merged_into": "other"}


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        ({}, assign("ana"), ASSIGNED),
        (ASSIGNED, assign("ana"), ASSIGNED),
        (ASSIGNED, assign("bob", seen=True), {"state": CaseState.ASSIGNED, "assignee": "bob"}),
        (ASSIGNED, assign("", seen=True), {"state": CaseState.OPEN, "assignee": ""}),
        ({}, CLOSE, CLOSED),
        (CLOSED, CLOSE, CLOSED),
        (ASSIGNED, MERGE, MERGED_CASE),
        (MERGED_CASE, MERGE, MERGED_CASE),
        (CLOSED, REOPEN, {**ASSIGNED, "disposition": ""}),
    ],
)
def test_steps_that_are_allowed(before: dict[str, object], step: Step, after: dict[str, object]) -> None:
    moved = step(a_case(**before))
    assert {name: getattr(moved, name) for name in after} == after


@pytest.mark.parametrize(
    ("before", "step"),
    [
        (ASSIGNED, assign("bob")),
        (CLOSED, assign("bob", seen=True)),
        ({**CLOSED, "disposition": "legitimate"}, CLOSE),
        (CLOSED, MERGE),
        (MERGED_CASE, CLOSE),
        (MERGED_CASE, REOPEN),
        ({}, REOPEN),
    ],
)
def test_steps_that_are_refused(before: dict[str, object], step: Step) -> None:
    with pytest.raises(CaseStepError):
        step(a_case(**before))


def test_only_what_is_known_becomes_a_label() -> None:
    labels = {each: each.label for each in CaseDisposition}
    assert labels.pop(CaseDisposition.INCONCLUSIVE) == ""
    assert all(label == each.value for each, label in labels.items())


def test_times_are_those_of_the_change() -> None:
    later: datetime = NOON + timedelta(hours=1)
    changed = a_case().changed(later, overdue=True)
    assert (changed.updated_at, changed.revision, changed.created_at) == (later, 2, NOON)
