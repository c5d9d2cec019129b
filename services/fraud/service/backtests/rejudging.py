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
from services.fraud.service.deciding.judging import missing_rates, ruling_of
from services.fraud.service.value_lists.catalog import TenantLists

__all__ = ["Rejudge"]


class Rejudge:
    """Judges by one version."""

    def __init__(
        self, version: CompiledScenario, event_type: EventType, lists: TenantLists, review_without: Collection[str]
    ) -> None:
        self.version = version
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
        facts = facts._replace(features=values, lists=self._lists.by_name, ruling=ruling)
        snoozes, floor = RecordedSnoozes(answer.snoozed), self._floor(answer, facts)
        return decide(self.version, self._reader(features), facts, past.create_time, snoozes, review_floor=floor)

    def _reader(self, features: FeatureSet) -> ValueReader:
        found = self._readers.get(id(features))
        if found is None:
            reader = value_reader(self.version.names, self._event_type, features, DIGITS)
            # Kept with its set, so that no other one gets its place in memory.
            found = self._readers[id(features)] = features, reader
        return found[1]

    def _floor(self, answer: PastAnswer, facts: EventFacts) -> bool:
        """Tells whether an input is missing without which nothing is approved. Rates count if this version asks."""
        missing = {each for each in answer.degraded if each != "exchange_rate"}
        missing.update(missing_rates(facts, self.version))
        return not self._review_without.isdisjoint(missing)
