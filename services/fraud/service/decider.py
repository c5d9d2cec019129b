"""Decides about transactions: append and read features → rules → outcome → commit → reply.

Everything is done for a batch of checks at once: one read of profiles, one append to the logs, one commit. The middle
is pure and uses only values that were read before it and are stored with the decision. Whatever one check brings, it
alone fails.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from meshkit.context import CallContext
from meshkit.errors import MeshError, internal, unavailable
from meshkit.halving import halving
from services.fraud import errors
from services.fraud.domain.check import Check, Decided, Key, StageTimes
from services.fraud.domain.profile import Profile
from services.fraud.ports import CommitResult, DecisionStore, IpIntelligence, RiskProfiles, Stored
from services.fraud.service.judging import DecisionPolicy, Judge, ReadCheck
from services.fraud.service.rates import ExchangeRates
from services.fraud.service.reading import FeatureReader, Reading
from services.fraud.service.tenant_states import TenantState

__all__ = ["CheckCall", "Decider", "Outcome"]

_log = logging.getLogger(__name__)

MAX_AHEAD = timedelta(minutes=5)
MAX_BEHIND = timedelta(hours=24)
BACKFILL = "fraud:backfill"
BUGS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)
"""What a value brings about that nobody thought of."""


StateOf = Callable[[str], Awaitable[TenantState]]
"""Returns what the decisions of a tenant go by. Raises MeshError UNAVAILABLE."""


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


class _Read(NamedTuple):
    """What reading for some checks has led to."""

    checks: Sequence[Check]
    reading: Reading
    decided: list[Decided]
    unread: dict[Key, MeshError]
    """Why there is no decision."""


class Decider:
    """Decides about transactions and stores the decisions. The clock is handed in; so are all ports.

    `on_commit` is told of each decision that was stored.
    """

    def __init__(
        self,
        *,
        reader: FeatureReader,
        profiles: RiskProfiles,
        rates: ExchangeRates,
        store: DecisionStore,
        policy: DecisionPolicy,
        states: StateOf,
        ip: IpIntelligence,
        on_commit: Callable[[Decided], None] = lambda _: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reader = reader
        self._profiles = profiles
        self._store = store
        self._states = states
        self._on_commit = on_commit
        self._judge = Judge(rates, ip, policy, clock)
        self._clock = clock

    async def decide(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Answers each call in order with its decision or its own error, whatever the others bring."""
        return await halving(calls, partial(self._decide, True), splits=BUGS, alone=_log_bug)

    async def decide_prompt(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Does the same, but leaves checks that would hold up the others to `decide`: they get `TravelsApart`."""
        return await halving(calls, partial(self._decide, False), splits=BUGS, alone=_log_bug)

    async def _decide(self, patient: bool, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        answers: list[Outcome | MeshError | None] = [self._time_error(call) for call in calls]
        open_ = [call for call, answer in zip(calls, answers, strict=True) if answer is None]
        first = self._first_of_each(open_)
        read = await self._judge_all(first, patient)
        if read.unread:
            answers = [answer or read.unread.get(call.check.key) for call, answer in zip(calls, answers, strict=True)]
        refused = [place for place, answer in enumerate(answers) if answer is not None]
        recalling = asyncio.ensure_future(self._recall(calls, answers, refused)) if refused else None
        result = await self._commit(read)
        if recalling is not None:
            await recalling
        made = {each.check.key: each for each in read.decided}
        if result.unsure:
            return await self._decide_again(calls, answers, made, result)
        return [answer or self._answer(call.check, made, result) for call, answer in zip(calls, answers, strict=True)]

    async def _decide_again(
        self,
        calls: Sequence[CheckCall],
        answers: Sequence[Outcome | MeshError | None],
        made: Mapping[Key, Decided],
        result: CommitResult,
    ) -> Sequence[Outcome | MeshError]:
        """Decides about those from the history whose logs turned out to be not to be relied on."""
        again = {
            call.check.key: call
            for call, answer in zip(calls, answers, strict=True)
            if answer is None and call.check.key not in result.answers and call.check.key not in result.earlier
        }
        read = await self._judge_all(again, True, result.unsure)
        second = await self._commit(read)
        known = {**made, **{each.check.key: each for each in read.decided}}
        both = CommitResult({**result.answers, **second.answers}, {**result.earlier, **read.unread, **second.earlier})
        return [answer or self._answer(call.check, known, both) for call, answer in zip(calls, answers, strict=True)]

    async def _recall(
        self, calls: Sequence[CheckCall], answers: list[Outcome | MeshError | None], places: Sequence[int]
    ) -> None:
        """Gives the calls at some places the answer that they were given before, whatever the clock says by now."""
        try:
            stored = await self._store.stored([calls[place].check.key for place in places])
        except MeshError as error:
            for place in places:
                answers[place] = error
            return
        for place in places:
            check = calls[place].check
            if check.key in stored:
                answers[place] = _again(check, stored[check.key])

    async def _judge_all(
        self, calls: Mapping[Key, CheckCall], patient: bool, gapped: Collection[str] = frozenset()
    ) -> _Read:
        began = time.perf_counter()
        known, unread = await self._configured(calls)
        checks = [call.check for call, _ in known]
        profiles, reading = await asyncio.gather(
            self._read_profiles([call for call, _ in known]),
            self._reader.read(checks, patient=patient, gapped=gapped),
        )
        read_at, read = time.perf_counter(), _Read(checks, reading, [], unread)
        judged: list[ReadCheck] = []
        for (call, state), found, profile in zip(known, reading.features, profiles, strict=True):
            if isinstance(found, MeshError):
                read.unread[call.check.key] = found
            else:
                judged.append(ReadCheck(call.check, found, profile, state))
        decided = await self._judge.judge_all(judged)
        times = StageTimes(_milliseconds(read_at - began), _milliseconds(time.perf_counter() - read_at))
        read.decided.extend(each._replace(times=times) for each in decided)
        return read

    async def _read_profiles(self, calls: Sequence[CheckCall]) -> Sequence[Profile | None]:
        """Reads the profiles of the users of events; one that is nobody's has none."""
        places = [place for place, call in enumerate(calls) if call.check.user_id]
        asked = [(calls[place].context, calls[place].check.tenant_id, calls[place].check.user_id) for place in places]
        found: list[Profile | None] = [None] * len(calls)
        for place, profile in zip(places, await self._profiles.read(asked) if asked else (), strict=True):
            found[place] = profile
        return found

    async def _configured(
        self, calls: Mapping[Key, CheckCall]
    ) -> tuple[Sequence[tuple[CheckCall, TenantState]], dict[Key, MeshError]]:
        """Returns the calls with the state of their tenants, and why others have none."""
        tenants: dict[str, TenantState | MeshError] = {}
        for tenant_id in {tenant_id for tenant_id, _ in calls}:
            try:
                tenants[tenant_id] = await self._states(tenant_id)
            except MeshError as error:
                tenants[tenant_id] = error
        known: list[tuple[CheckCall, TenantState]] = []
        unread: dict[Key, MeshError] = {}
        for key, call in calls.items():
            found = tenants[key[0]]
            if isinstance(found, MeshError):
                unread[key] = found
            else:
                known.append((call, found))
        return known, unread

    def _time_error(self, call: CheckCall) -> MeshError | None:
        """Tells why a transaction is too far ahead or behind to be decided about."""
        event_time = call.check.event_time
        if event_time is None:
            return None
        now = self._clock()
        if event_time > now + MAX_AHEAD:
            return errors.event_in_future(event_time - MAX_AHEAD - now)
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

    async def _commit(self, read: _Read) -> CommitResult:
        """Stores what was decided, in the order of the keys, and withdraws from the logs what was not."""
        ordered = sorted(read.decided, key=lambda made: made.check.key)
        result = await self._store.commit(ordered) if ordered else CommitResult({}, {})
        gone = {check.key for check in read.checks if check.key not in result.answers}
        self._reader.settle(read.reading, read.checks, gone)
        for made in ordered:
            if made.check.key in result.answers:
                self._on_commit(made)
        return result

    @staticmethod
    def _answer(check: Check, made: Mapping[Key, Decided], result: CommitResult) -> Outcome | MeshError:
        now, earlier = made[check.key], result.earlier.get(check.key)
        if isinstance(earlier, MeshError):
            return earlier
        if earlier is not None:
            return _again(check, earlier)
        answer = result.answers.get(check.key)
        if answer is None:
            # Lost again in the very moment.
            return unavailable("redis")
        if not check.repeats(now.check.fingerprint, answer):
            return errors.idempotency_conflict(check.transaction_id)
        return Outcome(answer, now)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _again(check: Check, stored: Stored) -> Outcome | MeshError:
    """Answers a transaction that is stored."""
    if not check.repeats(stored.fingerprint, stored.answer):
        return errors.idempotency_conflict(check.transaction_id)
    return Outcome(stored.answer, None)


def _log_bug(call: CheckCall, error: Exception) -> MeshError:
    fields = {"request_id": call.context.request_id, "trace_id": call.context.trace_id}
    _log.error("a check failed unexpectedly", exc_info=error, extra={"fields": fields})
    return errors.value_refused() if isinstance(error, (ArithmeticError, UnicodeError, struct.error)) else internal()


def _may_backfill(context: CallContext) -> bool:
    return context.principal is not None and BACKFILL in context.principal.scopes
