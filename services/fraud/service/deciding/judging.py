"""Judges checks by what was read for them: lists → model → rules → outcome.

Only the tenants' exchange rates are read here. Events of a batch are scored together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import inf
from typing import NamedTuple

from meshkit.currencies import DIGITS
from meshkit.ids import uuid7_text
from services.fraud.domain.check import FEATURES, Check, Decided, Features
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.event import Fields
from services.fraud.domain.ip_signals import ADDRESS
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import RULE_CURRENCY, RateTable, Spend
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.consulted import ConsultedLists
from services.fraud.domain.scenarios.deciding import decide
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.judging import Judgement, Ruling
from services.fraud.domain.scenarios.shadows import Shadow
from services.fraud.domain.scoring.model import ModelScore
from services.fraud.domain.value_lists.lists import ListKind
from services.fraud.domain.verdict import APPROVE, Factor
from services.fraud.ports import IpIntelligence
from services.fraud.service.checks.waits import COMMIT_SECONDS
from services.fraud.service.deciding.scoring import MODEL, ScoredEvent, explained, score_events
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantState
from services.fraud.service.value_lists.catalog import TenantLists

__all__ = ["DecisionPolicy", "Judge", "ReadCheck", "missing_model", "missing_rates", "ruling_of"]

_NO_RATES = RateTable()
_NO_LISTS: Mapping[str, Container[str]] = {}
WORTHS = frozenset({"amount_usd", "spent_usd_24h"})
"""Values that need exchange rates."""


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """What the operator decides about decisions."""

    review_without: frozenset[str] = frozenset({"user_profile", FEATURES})
    """Inputs whose absence makes the outcome review at least."""
    commit_seconds: float = COMMIT_SECONDS
    """What of a caller's time is kept for the commit and the way back."""


class ReadCheck(NamedTuple):
    """A check with what was read for it."""

    check: Check
    features: Features
    profile: Profile | None
    state: TenantState


class _Case(NamedTuple):
    """An event with everything that versions judge it by."""

    check: Check
    features: Features
    facts: EventFacts
    state: TenantState
    now: datetime
    version: CompiledScenario | None
    shadows: Sequence[CompiledScenario]

    def asked(self, version: CompiledScenario | None) -> ScoredEvent | None:
        """Returns what scores the event for a version; None if nothing does, or need not."""
        if version is None or version.model is None or self.facts.ruling is not None:
            return None
        scorer = self.state.models.get(version.model)
        if scorer is None:
            return None
        values = self.state.configuration.inputs(scorer, self.check.event_type, self.features.set)
        return ScoredEvent(scorer, values, self.facts, self.now)


class _Judged(NamedTuple):
    """What a version makes of an event, and the inputs that it went without."""

    facts: EventFacts
    judgement: Judgement
    degraded: tuple[str, ...]
    required: tuple[str, ...]
    """Those of `degraded` without which the operator approves nothing."""


class Judge:
    """Reaches judgements, with the scenarios and the exchange rates of each check's tenant."""

    def __init__(
        self, rates: ExchangeRates, ip: IpIntelligence, policy: DecisionPolicy, clock: Callable[[], datetime]
    ) -> None:
        self._rates = rates
        self._ip = ip
        self._missing: Collection[str] = ()
        self._untold: frozenset[str] = frozenset()
        self._policy = policy
        self._clock = clock

    async def judge_all(self, inputs: Sequence[ReadCheck], seconds: float = inf) -> Sequence[Decided]:
        """Decides about each check, in order, with the rates that are there within some seconds."""
        tables = await self._tables(inputs, seconds)
        cases = [self._case(each, tables) for each in inputs]
        judged = self._explained(cases, self._judged(cases))
        return [self._decided(case, each) for case, each in zip(cases, judged, strict=True)]

    async def _tables(self, inputs: Sequence[ReadCheck], seconds: float) -> Mapping[str, RateTable]:
        """Returns the exchange rates of the tenants that need any: dollars do not."""
        tenants = {
            each.check.tenant_id
            for each in inputs
            if each.check.currency not in ("", RULE_CURRENCY) or each.features.elsewhere
        }
        return await self._rates.tables(tenants, seconds) if tenants else {}

    def _case(self, read: ReadCheck, tables: Mapping[str, RateTable]) -> _Case:
        check, features, profile, state = read
        facts = self._facts(check, features, profile, state, tables.get(check.tenant_id, _NO_RATES))
        key = check.user_id or check.transaction_id
        deciding = state.configuration.scenarios.deciding(check.tenant_id, check.event_type, key)
        return _Case(check, features, facts, state, self._clock(), *deciding)

    def _judged(self, cases: Sequence[_Case]) -> list[_Judged]:
        """Judges each event by the version that decides it, with the score of the version's model."""
        asked = [(place, event) for place, case in enumerate(cases) if (event := case.asked(case.version)) is not None]
        scores = dict(zip([place for place, _ in asked], score_events([event for _, event in asked]), strict=True))
        return [self._by(case.version, case, scores.get(place)) for place, case in enumerate(cases)]

    def _explained(self, cases: Sequence[_Case], judged: list[_Judged]) -> Sequence[_Judged]:
        """Adds to what is not approved what the model's score is made of."""
        places, events, scores = [], [], []
        for place, (case, found) in enumerate(zip(cases, judged, strict=True)):
            score = found.facts.model
            if score is not None and found.judgement.verdict.outcome != APPROVE:
                event = case.asked(case.version)
                assert event is not None, "what was scored can be asked for"
                places.append(place)
                events.append(event)
                scores.append(score)
        for place, told in zip(places, explained(events, scores) if places else (), strict=True):
            judged[place] = self._by(cases[place].version, cases[place], told)
        return judged

    def _decided(self, case: _Case, judged: _Judged) -> Decided:
        check, version = case.check, case.version
        made = Decided(
            check,
            uuid7_text(),
            case.features,
            judged.facts,
            judged.judgement,
            version.ref if version is not None else None,
            judged.degraded,
            case.now,
            required=judged.required,
            type_version=case.state.configuration.readers[check.event_type].event_type.version,
        )
        return made._replace(shadows=[self._shadow(each, case) for each in case.shadows]) if case.shadows else made

    def _by(self, version: CompiledScenario | None, case: _Case, score: ModelScore | None) -> _Judged:
        """Judges an event by a version, given what the version's model says."""
        check, configuration = case.check, case.state.configuration
        facts = case.facts if score is None else case.facts._replace(model=score)
        missing = (*case.state.missing, *_missing(check, facts, version), *self._blind(version, case.features.set))
        degraded = (*case.features.degraded, *missing, *check.kept.unusable)
        required = tuple(name for name in degraded if name in self._policy.review_without) if degraded else ()
        values = configuration.values(version, check.event_type, case.features.set) if version is not None else None
        snoozes = configuration.scenarios.snoozes
        judgement = decide(version, values, facts, case.now, snoozes, review_floor=bool(required))
        return _Judged(facts, judgement, degraded, required)

    def _shadow(self, version: CompiledScenario, case: _Case) -> Shadow:
        def judged() -> Judgement:
            event = case.asked(version)
            return self._by(version, case, score_events([event])[0] if event is not None else None).judgement

        return Shadow(version.ref, judged)

    def _facts(
        self, check: Check, features: Features, profile: Profile | None, state: TenantState, table: RateTable
    ) -> EventFacts:
        day, address = features.event_time.date(), check.fields.get(ADDRESS)
        listed = bool(state.lists.by_name)
        return EventFacts(
            fields=check.fields,
            features=features.values,
            currency=check.currency,
            digits=check.currency_digits,
            profile=profile,
            ip=features.ip or (self._ip.look_up(address) if isinstance(address, str) else None),
            rate=table.at(check.currency, day),
            elsewhere=_spends(features.elsewhere, table, day) if features.elsewhere else (),
            lists=ConsultedLists(state.lists.by_name) if listed else _NO_LISTS,
            ruling=ruling_of(state.lists, check.fields) if listed else None,
        )

    def _blind(self, version: CompiledScenario | None, features: FeatureSet) -> Sequence[str]:
        """Says so if the version asks for what no file of the operator tells."""
        missing = self._ip.missing
        if missing is not self._missing:
            self._missing, self._untold = missing, frozenset(f"ip.{name}" for name in missing)
        if version is None:
            return ()
        told = version.asks.isdisjoint(self._untold)
        if features.of_places and "place" in missing:
            told = told and version.asks.isdisjoint(features.of_places)
        return () if told else ("ip_intelligence",)


def ruling_of(lists: TenantLists, fields: Fields) -> Ruling | None:
    """Returns what the lists of the tenant say of an event: those that allow before those that block."""
    for kind, code, words in ((ListKind.ALLOW, "LIST_ALLOWED", "allows"), (ListKind.BLOCK, "LIST_BLOCKED", "blocks")):
        for each in lists.of_kind(kind):
            if fields.get(each.about.field) in each.members:
                message = f"The list {each.about.name} {words} this {each.about.field}."
                score = 0.0 if kind is ListKind.ALLOW else 1.0
                return Ruling(kind is ListKind.ALLOW, Factor(code, message, score))
    return None


def _spends(sums: Mapping[str, int], table: RateTable, day: date) -> Sequence[Spend]:
    # A code that was taken before codes were looked up may be no currency: it has no rate either.
    return [Spend(code, amount, DIGITS.get(code, 0), table.at(code, day)) for code, amount in sorted(sums.items())]


def _missing(check: Check, facts: EventFacts, version: CompiledScenario | None) -> Sequence[str]:
    """Names the inputs that a check is judged without."""
    nobody = ("user_profile",) if check.user_id and facts.profile is None else ()
    return (*nobody, *missing_rates(facts, version), *missing_model(facts, version))


def missing_model(facts: EventFacts, version: CompiledScenario | None) -> Sequence[str]:
    """Says so if the model of a version said nothing of an event that no list has ruled upon."""
    wanted = version is not None and version.model is not None and facts.ruling is None
    return (MODEL,) if wanted and facts.model is None else ()


def missing_rates(facts: EventFacts, version: CompiledScenario | None) -> Sequence[str]:
    """Says so if a version asks for an amount in dollars, and a rate is missing for it."""
    asked = version is not None and facts.currency and not version.asks.isdisjoint(WORTHS)
    if asked and (facts.rate is None or any(spend.rate is None for spend in facts.elsewhere)):
        return ("exchange_rate",)
    return ()
