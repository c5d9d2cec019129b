"""The pipeline: check → reserve and read features → rules → outcome → commit → reply.

Everything is done for a batch of checks at once: one read of profiles, one step in Redis, one commit. The middle is
pure and uses only values that were read before it and are stored with the decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from rampart.fraud.v1 import fraud_service_pb2

from meshkit.context import Principal
from meshkit.errors import MeshError
from meshkit.ids import uuid7_text
from meshkit.rpc.batches import BatchCall
from services.fraud import convert, errors
from services.fraud.domain import features as feature_list
from services.fraud.domain.check import Check, Decided, Features, Key
from services.fraud.domain.rules import Facts, Profile
from services.fraud.domain.verdict import judge
from services.fraud.ports import DecisionStore, RiskProfiles, Stored, Windows, WindowsUnavailableError

__all__ = ["Decider", "DecisionPolicy", "Outcome"]

_log = logging.getLogger(__name__)

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(hours=24)
LONGEST_CALL = timedelta(seconds=10)
BACKFILL = "fraud:backfill"

CheckCall = BatchCall[fraud_service_pb2.CheckFraudRequest]
Outcome = tuple[bytes, Decided | None]
"""The serialised decision, and how it was reached if that was now and not earlier."""


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
        read = [self._read(call) for call in calls]
        first = self._first_of_each([check for check in read if isinstance(check, Check)])
        contexts = {check.key: call for check, call in zip(read, calls, strict=True) if isinstance(check, Check)}
        checks = list(first.values())
        profiles, features = await asyncio.gather(
            self._profiles.read([(contexts[c.key].context, c.tenant_id, c.user_id) for c in checks]),
            self._features(checks),
        )
        decided = [self._judge(*inputs) for inputs in zip(checks, features, profiles, strict=True)]
        earlier = await self._commit(decided)
        now = {made.check.key: made for made in decided}
        return [self._answer(check, first, now, earlier) if isinstance(check, Check) else check for check in read]

    def _read(self, call: CheckCall) -> Check | MeshError:
        try:
            check = convert.read_check(call.request, call.principal)
            self._check_time(check, call.principal)
        except MeshError as error:
            return error
        return check

    def _check_time(self, check: Check, principal: Principal) -> None:
        if check.event_time is None:
            return
        now = self._clock()
        if check.event_time > now + MAX_AHEAD:
            raise errors.event_in_future()
        if check.event_time < now - MAX_BEHIND and BACKFILL not in principal.scopes:
            raise errors.backfill_not_allowed(BACKFILL)

    @staticmethod
    def _first_of_each(checks: Sequence[Check]) -> dict[Key, Check]:
        """Duplicates may share a batch: the first of a key is decided, the others get its answer or a conflict."""
        first: dict[Key, Check] = {}
        for check in checks:
            first.setdefault(check.key, check)
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
        return convert.decided(check, facts, features, verdict, degraded, uuid7_text(), self._clock())

    async def _commit(self, decided: Sequence[Decided]) -> Mapping[Key, Stored | MeshError]:
        """Stores what was decided; returns what was there before, and the error of each row that cannot be stored."""
        if not decided:
            return {}
        ordered = sorted(decided, key=lambda made: made.check.key)
        earlier = await self._store.commit(ordered)
        self._settle(ordered, earlier)
        return earlier

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
    def _answer(
        check: Check, first: Mapping[Key, Check], now: Mapping[Key, Decided], earlier: Mapping[Key, Stored | MeshError]
    ) -> Outcome | MeshError:
        stored = earlier.get(check.key)
        if isinstance(stored, MeshError):
            return stored
        known = stored.fingerprint if stored else first[check.key].fingerprint
        if known != check.fingerprint:
            return errors.idempotency_conflict(check.transaction_id)
        if stored:
            return stored.answer, None
        return now[check.key].answer, now[check.key]
