"""Moves between states by people and by attempts, and the pauses between attempts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.task.domain.leases import AttemptOutcome, EngineRules, backoff, state_after
from services.task.domain.tasks import (
    FINAL,
    LEASE_EXPIRED,
    ForbiddenMoveError,
    Task,
    TaskChange,
    changed,
)

NOW = datetime(2026, 11, 27, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
STATES = ("pending", "running", "cancelling", "succeeded", "failed", "dead", "cancelled")
TASK = Task("t", UUID(int=1), "work", 1, "manual", "pending", NOW, NOW, NOW, 5)
ALLOWED = {
    ("pending", "running"),
    ("pending", "succeeded"),
    ("pending", "failed"),
    ("running", "pending"),
    ("running", "succeeded"),
    ("running", "failed"),
}


@pytest.mark.parametrize("state", ["pending", "running", *FINAL])
@pytest.mark.parametrize("to", STATES)
def test_person_moves_a_manual_task_only_as_documented(state: str, to: str) -> None:
    task = replace(TASK, state=state)
    if (state, to) in ALLOWED:
        moved = changed(task, TaskChange(state=to), LATER)
        assert (moved.state, moved.revision, moved.updated_at) == (to, 2, LATER)
        assert (moved.finished_at == LATER) == (to in FINAL)
        assert (moved.started_at == LATER) == (to == "running")
    elif state == to and state not in FINAL:
        assert changed(task, TaskChange(state=to), LATER) is task
    else:
        with pytest.raises(ForbiddenMoveError) as caught:
            changed(task, TaskChange(state=to), LATER)
        assert caught.value.state == state


def test_work_of_a_worker_is_not_for_people() -> None:
    with pytest.raises(ForbiddenMoveError):
        changed(replace(TASK, kind="report.daily"), TaskChange(title="x"), LATER)


@pytest.mark.parametrize(
    ("outcome", "cancelling", "retryable", "attempts", "state"),
    [
        (AttemptOutcome.SUCCEEDED, False, False, 1, "succeeded"),
        (AttemptOutcome.SUCCEEDED, True, False, 5, "succeeded"),
        (AttemptOutcome.FAILED, False, True, 4, "pending"),
        (AttemptOutcome.FAILED, False, True, 5, "dead"),
        (AttemptOutcome.FAILED, False, True, 6, "dead"),
        (AttemptOutcome.FAILED, False, False, 1, "failed"),
        (AttemptOutcome.FAILED, True, True, 1, "cancelled"),
        (AttemptOutcome.EXPIRED, False, LEASE_EXPIRED.retryable, 4, "pending"),
        (AttemptOutcome.EXPIRED, False, LEASE_EXPIRED.retryable, 5, "dead"),
        (AttemptOutcome.EXPIRED, True, LEASE_EXPIRED.retryable, 1, "cancelled"),
        (AttemptOutcome.RETURNED, False, False, 5, "pending"),
        (AttemptOutcome.RETURNED, True, False, 1, "cancelled"),
    ],
)
def test_end_of_an_attempt_decides_the_state(
    outcome: AttemptOutcome, cancelling: bool, retryable: bool, attempts: int, state: str
) -> None:
    assert state_after(outcome, cancelling=cancelling, retryable=retryable, attempts=attempts, limit=5) == state


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [(0, 0.5, 1), (1, 0.5, 1), (2, 1, 2), (5, 8, 16), (9, 128, 256), (10, 150, 300), (2_000, 150, 300)],
)
def test_pauses_double_up_to_a_bound_and_are_spread_over_half(attempts: int, least: float, most: float) -> None:
    rules = EngineRules(first_backoff=1.0, max_backoff=300.0)
    assert (backoff(rules, attempts, 0.0), backoff(rules, attempts, 1.0)) == (least, most)
