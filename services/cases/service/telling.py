"""Tells what is done with alerts and cases: the other services by events, operators by counts."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import Counter, Gauge

from meshkit.following.consumer import FollowingWatch
from services.cases.domain.alerts import StoredAlert
from services.cases.domain.cases import StoredCase
from services.cases.ports import CaseTold

__all__ = ["CASES_WATCH", "alert_told", "alerts_raised", "case_told", "cases_overdue", "open_cases"]

CASES_WATCH = FollowingWatch(
    lag=Gauge("cases_lag_seconds", "Age of the newest decision that was looked at; 0 if all were."),
    applied=Counter("cases_applied", "Events of decisions and labels that were looked at or put aside."),
    gaps=Counter("cases_gaps", "Entries of the stream that did not follow on what was looked at."),
    lost=Gauge("cases_place_lost", "1 while it is not possible to go on from the place in the outbox."),
    stopped="the place in the outbox is lost, alerts are found again from the decisions",
)
alerts_raised = Counter("alerts_raised", "Alerts that were raised.", ["cause"])
cases_overdue = Counter("cases_overdue", "Cases that were not closed in time.")
open_cases = Gauge("cases_open", "Cases that are not closed, as the leader saw them last.", ["priority"])


def alert_told(done: str, alert: StoredAlert, at: datetime) -> CaseTold:
    cause = alert.raised_for.cause.value
    return CaseTold(f"alert.{done}", alert.alert_id, alert.case_id or "", alert.state.value, cause, at)


def case_told(done: str, case: StoredCase, at: datetime) -> CaseTold:
    return CaseTold(f"case.{done}", "", case.case_id, case.state.value, case.disposition, at)
