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
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from prometheus_client import Counter

from meshkit.errors import Kind, MeshError, deadline_exceeded, internal, unavailable
from meshkit.halving import halving
from services.fraud import errors
from services.fraud.domain.check import Check, Decided, Key, StageTimes
from services.fraud.ports import CommitResult, DecisionStore, IpIntelligence, RiskProfiles
from services.fraud.service.checks.calls import CheckCall, Outcome, answered_before, first_of_each, time_error
from services.fraud.service.checks.waits import Waits, is_late
from services.fraud.service.deciding.distrust import DistrustedTenants
from services.fraud.service.deciding.inputs import CheckInputs, InputsRead, StateOf
from services.fraud.service.deciding.judging import DecisionPolicy, Judge
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.features.readings import CameBefore, Manner
from services.fraud.service.tenants.rates import ExchangeRates

__all__ = ["CheckCall", "Decider", "Outcome", "StateOf"]

_log = logging.getLogger(__name__)
_degraded = Counter("decisions_degraded", "Decisions that were made without an input, by input.", ["input"])

BUGS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error)
"""What a value brings about that nobody thought of."""
COMMIT_BY = 4.0
"""Seconds after which what was read is not committed any more: nobody waits for it, and together with the time that a
statement may take it is less than `keeping.LONGEST_COMMIT`, when what is not stored is withdrawn from the logs."""


class _Judged(NamedTuple):
    """What was decided about some checks."""

    inputs: InputsRead
    decided: Sequence[Decided]
    began: float
    """Before anything was read, as `time.perf_counter` has it."""


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
        self._inputs = CheckInputs(reader=reader, profiles=profiles, states=states)
        self._reader = reader
        self._store = store
        self._on_commit = on_commit
        self._judge = Judge(rates, ip, policy, clock)
        self._commit_seconds = policy.commit_seconds
        self._clock = clock
        self._distrusted = DistrustedTenants(time.monotonic)

    async def decide(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Answers each call in order with its decision or its own error, whatever the others bring.

        What is not read by the time that the first caller needs an answer is missing in its decision. Calls that have
        more time than that get `TravelsApart`, and are to be decided again.
        """
        return await halving(calls, partial(self._decide, patient=True), splits=BUGS, alone=_log_bug)

    async def decide_prompt(self, calls: Sequence[CheckCall], *, sheds: bool = False) -> Sequence[Outcome | MeshError]:
        """Does the same, but leaves checks that would hold up the others to `decide`: they get `TravelsApart`.

        If it `sheds`, more than can be read of the history goes on without it at once: see `HistoryAdmission`.
        """
        return await halving(calls, partial(self._decide, patient=False, sheds=sheds), splits=BUGS, alone=_log_bug)

    async def _decide(
        self, calls: Sequence[CheckCall], *, patient: bool, sheds: bool = False
    ) -> Sequence[Outcome | MeshError]:
        now, ticks = self._clock(), time.monotonic()
        answers: list[Outcome | MeshError | None] = [
            deadline_exceeded() if is_late(call, ticks) else time_error(call, now) for call in calls
        ]
        open_ = [call for call, answer in zip(calls, answers, strict=True) if answer is None]
        # Made from the logs they would be refused: each would be made twice, for as long as something is missing there.
        gapped = self._distrusted.among({call.check.tenant_id for call in open_})
        first = first_of_each(open_)
        waits = Waits(first, self._commit_seconds)
        judged = await self._judge_all(first, Manner(waits, patient, gapped, sheds=sheds))
        unread = judged.inputs.unread
        if unread:
            answers = [answer or unread.get(call.check.key) for call, answer in zip(calls, answers, strict=True)]
        refused = [place for place, answer in enumerate(answers) if answer is not None and not _has_gone(answer)]
        recalling = asyncio.ensure_future(self._recall(calls, answers, refused, waits)) if refused else None
        result = await self._commit(judged)
        if recalling is not None:
            await recalling
        made = {each.check.key: each for each in judged.decided}
        unstored = [place for place, answer in enumerate(answers) if isinstance(answer, CameBefore)]
        for place in unstored:
            answers[place] = None
        if result.unsure or unstored:
            self._distrusted.add(result.unsure)
            return await self._decide_again(calls, answers, made, result)
        return [answer or self._answer(call.check, made, result) for call, answer in zip(calls, answers, strict=True)]

    async def _decide_again(
        self,
        calls: Sequence[CheckCall],
        answers: Sequence[Outcome | MeshError | None],
        made: Mapping[Key, Decided],
        result: CommitResult,
    ) -> Sequence[Outcome | MeshError]:
        """Decides about those from the history whose logs turned out to be not to be relied on.

        Those that came before and were not stored are decided as of their first attempts.
        """
        again = {
            call.check.key: call
            for call, answer in zip(calls, answers, strict=True)
            if answer is None and call.check.key not in result.answers and call.check.key not in result.earlier
        }
        gapped = self._distrusted.among({tenant_id for tenant_id, _ in again})
        waits = Waits(again, self._commit_seconds)
        judged = await self._judge_all(again, Manner(waits, patient=True, gapped=gapped, as_of_first=True))
        second = await self._commit(judged)
        known = {**made, **{each.check.key: each for each in judged.decided}}
        earlier = {**result.earlier, **judged.inputs.unread, **second.earlier}
        both = CommitResult({**result.answers, **second.answers}, earlier)
        return [answer or self._answer(call.check, known, both) for call, answer in zip(calls, answers, strict=True)]

    async def _recall(
        self,
        calls: Sequence[CheckCall],
        answers: list[Outcome | MeshError | None],
        places: Sequence[int],
        waits: Waits,
    ) -> None:
        """Gives the calls at some places the answer that they were given before, whatever the clock says by now."""
        try:
            async with asyncio.timeout(waits.to_the_end):
                stored = await self._store.stored([calls[place].check.key for place in places])
        except (MeshError, TimeoutError) as failure:
            error = failure if isinstance(failure, MeshError) else deadline_exceeded()
            for place in places:
                answers[place] = error
            return
        for place in places:
            check = calls[place].check
            if check.key in stored:
                answers[place] = answered_before(check, stored[check.key])

    async def _judge_all(self, calls: Mapping[Key, CheckCall], manner: Manner) -> _Judged:
        began = time.perf_counter()
        inputs = await self._inputs.read(calls, manner)
        read_at = time.perf_counter()
        decided = await self._judge.judge_all(inputs.read, manner.waits.left)
        times = StageTimes(_milliseconds(read_at - began), _milliseconds(time.perf_counter() - read_at))
        return _Judged(inputs, [each._replace(times=times) for each in decided], began)

    async def _commit(self, judged: _Judged) -> CommitResult:
        """Stores what was decided, in the order of the keys, and withdraws from the logs what was not."""
        ordered = sorted(judged.decided, key=lambda made: made.check.key)
        if time.perf_counter() - judged.began > COMMIT_BY:
            result = CommitResult({}, {made.check.key: deadline_exceeded() for made in ordered})
        else:
            result = await self._store.commit(ordered) if ordered else CommitResult({}, {})
        gone = {check.key for check in judged.inputs.checks if check.key not in result.answers}
        self._reader.settle(judged.inputs.reading, judged.inputs.checks, gone)
        for made in ordered:
            if made.check.key in result.answers:
                for name in made.degraded:
                    _degraded.labels(name).inc()
                self._on_commit(made)
        return result

    @staticmethod
    def _answer(check: Check, made: Mapping[Key, Decided], result: CommitResult) -> Outcome | MeshError:
        earlier = result.earlier.get(check.key)
        if isinstance(earlier, MeshError):
            return earlier
        if earlier is not None:
            return answered_before(check, earlier)
        answer = result.answers.get(check.key)
        if answer is None:
            # Lost again in the very moment.
            return unavailable("redis")
        now = made[check.key]
        if not check.repeats(now.check.fingerprint, answer):
            return errors.idempotency_conflict(check.transaction_id)
        return Outcome(answer, now)


def _has_gone(answer: Outcome | MeshError) -> bool:
    """Tells whether nobody waits for a better answer."""
    return isinstance(answer, MeshError) and answer.kind is Kind.DEADLINE_EXCEEDED


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _log_bug(call: CheckCall, error: Exception) -> MeshError:
    fields = {"request_id": call.context.request_id, "trace_id": call.context.trace_id}
    _log.error("a check failed unexpectedly", exc_info=error, extra={"fields": fields})
    return errors.value_refused() if isinstance(error, (ArithmeticError, UnicodeError, struct.error)) else internal()
