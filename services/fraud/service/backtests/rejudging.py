"""Judges decisions of the past anew: by any version, with the lists and event types of now, and all else of then."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from meshkit.currencies import DIGITS
from services.fraud.domain.backtests.past import PastAnswer, PastDecision
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event_types import EventType
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.deciding import decide
from services.fraud.domain.scenarios.facts import EventFacts, ValueReader, value_reader
from services.fraud.domain.scenarios.judging import Judgement
from services.fraud.domain.scenarios.snoozes import RecordedSnoozes
from services.fraud.domain.scoring.model import ModelScore
from services.fraud.ports.scoring import Scorer
from services.fraud.service.deciding.judging import missing_rates, ruling_of
from services.fraud.service.deciding.scoring import MODEL, ScoredEvent, score_events
from services.fraud.service.value_lists.catalog import TenantLists

__all__ = ["Rejudge"]


class Rejudge:
    """Judges by one version."""

    def __init__(
        self,
        version: CompiledScenario,
        event_type: EventType,
        lists: TenantLists,
        review_without: Collection[str],
        scorer: Scorer | None = None,
    ) -> None:
        """`scorer` is that of the version's model."""
        self.version = version
        self.asks = version.asks | {*scorer.features} if scorer is not None else version.asks
        """What the version, and its model, want the values of."""
        self._scorer = scorer
        self._inputs: dict[int, tuple[FeatureSet, ValueReader]] = {}
        self._event_type = event_type
        self._lists = lists
        self._review_without = frozenset(review_without)
        self._readers: dict[int, tuple[FeatureSet, ValueReader]] = {}

    def judge(
        self,
        past: PastDecision,
        answer: PastAnswer,
        facts: EventFacts,
        values: Sequence[FeatureValue],
        features: FeatureSet,
    ) -> Judgement:
        """Returns what the version says. `values` are those of `features`, in its order."""
        ruling = ruling_of(self._lists, facts.fields) if self._lists.by_name else None
        facts = facts._replace(features=values, lists=self._lists.by_name, ruling=ruling, model=None)
        facts = facts._replace(model=self._scored(facts, features, past))
        snoozes, floor = RecordedSnoozes(answer.snoozed), self._floor(answer, facts)
        values_of = self._reader(self._readers, self.version.names, features)
        return decide(self.version, values_of, facts, past.create_time, snoozes, review_floor=floor)

    def _scored(self, facts: EventFacts, features: FeatureSet, past: PastDecision) -> ModelScore | None:
        if self._scorer is None or facts.ruling is not None:
            return None
        values = self._reader(self._inputs, self._scorer.features, features)
        return score_events([ScoredEvent(self._scorer, values, facts, past.create_time)])[0]

    def _reader(
        self, known: dict[int, tuple[FeatureSet, ValueReader]], names: Sequence[str], features: FeatureSet
    ) -> ValueReader:
        found = known.get(id(features))
        if found is None:
            # Kept with its set, so that no other one gets its place in memory.
            reader = value_reader(names, self._event_type, features, DIGITS)
            found = known[id(features)] = features, reader
        return found[1]

    def _floor(self, answer: PastAnswer, facts: EventFacts) -> bool:
        """Tells whether an input is missing without which nothing is approved. Rates and models are this version's."""
        missing = {each for each in answer.degraded if each not in ("exchange_rate", MODEL)}
        missing.update(missing_rates(facts, self.version))
        if self._scorer is not None and facts.model is None and facts.ruling is None:
            missing.add(MODEL)
        return not self._review_without.isdisjoint(missing)
