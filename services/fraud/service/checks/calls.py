"""Calls that ask for decisions, and what they are answered without one being made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from meshkit.context import CallContext
from meshkit.errors import MeshError
from services.fraud import errors
from services.fraud.domain.check import Check, Decided, Key
from services.fraud.ports import Stored

__all__ = ["CheckCall", "Outcome", "answered_before", "first_of_each", "time_error"]

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(hours=24)
BACKFILL = "fraud:backfill"


class CheckCall(NamedTuple):
    """A transaction to decide about, and the call that asks for it."""

    check: Check
    context: CallContext


class Outcome(NamedTuple):
    """What a call is answered."""

    answer: bytes
    """The decision as it is stored, serialised."""
    decided: Decided | None
    """How it was reached, if that was now and not earlier."""


def time_error(call: CheckCall, now: datetime) -> MeshError | None:
    """Tells why a transaction is too far ahead or behind to be decided about."""
    event_time = call.check.event_time
    if event_time is None:
        return None
    if event_time > now + MAX_AHEAD:
        return errors.event_in_future(event_time - MAX_AHEAD - now)
    if event_time < now - MAX_BEHIND and not _may_backfill(call.context):
        return errors.backfill_not_allowed(BACKFILL)
    return None


def first_of_each(calls: Sequence[CheckCall]) -> dict[Key, CheckCall]:
    """Returns the first call of each transaction: it is decided, the others get its answer or a conflict."""
    first: dict[Key, CheckCall] = {}
    for call in calls:
        first.setdefault(call.check.key, call)
    return first


def answered_before(check: Check, stored: Stored) -> Outcome | MeshError:
    """Answers a transaction that is stored."""
    if not check.repeats(stored.fingerprint, stored.answer):
        return errors.idempotency_conflict(check.transaction_id)
    return Outcome(stored.answer, None)


def _may_backfill(context: CallContext) -> bool:
    return context.principal is not None and BACKFILL in context.principal.scopes
