"""Decides about transactions: reserve and read features → rules → outcome → commit → reply.

Everything is done for a batch of checks at once: one read of profiles, one step in Redis, one commit. The middle is
pure and uses only values that were read before it and are stored with the decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from meshkit.context import CallContext
from meshkit.errors import MeshError
from meshkit.ids import uuid7_text
from services.fraud import errors
from services.fraud.domain import features as feature_list
from services.fraud.domain.check import Check, Decided, Features, Key
from services.fraud.domain.rules import Facts, Profile
from services.fraud.domain.verdict import judge
from services.fraud.ports import CommitResult, DecisionStore, RiskProfiles, Stored, Windows, WindowsUnavailableError

__all__ = ["CheckCall", "Decider", "DecisionPolicy", "Outcome"]

_log = logging.getLogger(__name__)

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(hours=24)
LONGEST_CALL = timedelta(seconds=10)
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


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """What the operator decides about decisions."""

    review_without: frozenset[str] = frozenset({"user_profile"})
    """Inputs whose absence makes the outcome review at least."""


class Decider:
    """Decides about transactions and stores the decisions. The clock is handed in; so are all ports."""

    def __init__(
        self,
        *,
        windows: Windows,
        profiles: RiskProfiles,
        store: DecisionStore,
        policy: DecisionPolicy,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._windows = windows
        self._profiles = profiles
        self._store = store
        self._policy = policy
        self._clock = clock

    async def decide(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Answers each call in order with its decision or its own error."""
        found = [self._time_error(call) for call in calls]
        first = self._first_of_each([call for call, error in zip(calls, found, strict=True) if error is None])
        checks = [call.check for call in first.values()]
        profiles, features = await asyncio.gather(
            self._profiles.read([(call.context, call.check.tenant_id, call.check.user_id) for call in first.values()]),
            self._features(checks),
        )
        decided = [self._judge(*inputs) for inputs in zip(checks, features, profiles, strict=True)]
        result = await self._commit(decided)
        made = {each.check.key: each for each in decided}
        return [error or self._answer(call.check, made, result) for call, error in zip(calls, found, strict=True)]

    def _time_error(self, call: CheckCall) -> MeshError | None:
        """Tells why a transaction is too far ahead or behind to be decided about."""
        event_time = call.check.event_time
        if event_time is None:
            return None
        now = self._clock()
        if event_time > now + MAX_AHEAD:
            return errors.event_in_future()
        if event_time < now - MAX_BEHIND and not _may_backfill(call.context):
            return errors.backfill_not_allowed(BACKFILL)
        return None

    @staticmethod
    def _first_of_each(calls: Sequence[CheckCall]) -> dict[Key, CheckCall]:
        """Duplicates may share a batch: the first of a key is decided, the others get its answer or a conflict."""
        first: dict[Key, CheckCall] = {}
        for call in calls:
            first.setdefault(call.check.key, call)
        return first

    async def _features(self, checks: Sequence[Check]) -> Sequence[Features]:
        if not checks:
            return []
        try:
            found = list(await self._windows.reserve(checks))
        except WindowsUnavailableError as error:
            _log.warning("features come from the store: %s", error)
            return await self._store.features(checks, self._clock())
        # A transaction too late for its windows in Redis to be whole has them in the store.
        late = [index for index, features in enumerate(found) if not features.whole]
        if late:
            slow = await self._store.features([checks[index] for index in late], self._clock())
            for index, features in zip(late, slow, strict=True):
                found[index] = replace(found[index], values=features.values)
        return found

    def _judge(self, check: Check, features: Features, profile: Profile | None) -> Decided:
        degraded = features.degraded if profile is not None else (*features.degraded, "user_profile")
        facts = Facts(
            amount_minor=check.amount_minor,
            currency_digits=check.currency_digits,
            channel=check.channel,
            features=feature_list.by_name(features.values),
            profile=profile,
        )
        verdict = judge(facts, review_floor=not self._policy.review_without.isdisjoint(degraded))
        return Decided(check, uuid7_text(), features, facts, verdict, degraded, self._clock())

    async def _commit(self, decided: Sequence[Decided]) -> CommitResult:
        """Stores what was decided, in the order of the keys, and tells the windows."""
        if not decided:
            return CommitResult({}, {})
        ordered = sorted(decided, key=lambda made: made.check.key)
        result = await self._store.commit(ordered)
        self._settle(ordered, result.earlier)
        return result

    def _settle(self, decided: Sequence[Decided], earlier: Mapping[Key, Stored | MeshError]) -> None:
        """Tells the windows which reservations stay.

        A decision found stored may have been made a moment ago from this very reservation. If it is older than any
        call under way, the reservation counts the transaction a second time and goes.
        """
        recent = self._clock() - LONGEST_CALL
        committed, withdrawn = [], []
        for made in decided:
            stored = earlier.get(made.check.key)
            if isinstance(stored, MeshError) or (stored and made.features.reserved and stored.create_time < recent):
                withdrawn.append(made.check.key)
            else:
                committed.append(made.check.key)
        self._windows.settle(committed, withdrawn)

    @staticmethod
    def _answer(check: Check, made: Mapping[Key, Decided], result: CommitResult) -> Outcome | MeshError:
        now, earlier = made[check.key], result.earlier.get(check.key)
        if isinstance(earlier, MeshError):
            return earlier
        known = earlier.fingerprint if earlier else now.check.fingerprint
        if known != check.fingerprint:
            return errors.idempotency_conflict(check.transaction_id)
        return Outcome(earlier.answer, None) if earlier else Outcome(result.answers[check.key], now)


def _may_backfill(context: CallContext) -> bool:
    return context.principal is not None and BACKFILL in context.principal.scopes
