"""A version of a scenario, ready to decide: its rules as a program over numbered values, and its judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from services.fraud.domain.expressions.exact import Failure
from services.fraud.domain.expressions.generate import NO_PATTERNS, Patterns
from services.fraud.domain.expressions.run import RuleProgram
from services.fraud.domain.expressions.tree import references, tree_from_json
from services.fraud.domain.scenarios.judging import Fired, Judgement, Judging, Standing
from services.fraud.domain.scenarios.scenario import ScenarioContent, VersionRef
from services.fraud.domain.scenarios.snoozes import Snoozes
from services.fraud.domain.scenarios.words import Words
from services.fraud.domain.scoring.model import ModelScore

__all__ = ["NO_SNOOZES", "CompiledScenario"]

NO_SNOOZES = Snoozes()


class CompiledScenario:
    """Decides by one version. `trees` are the checked trees of its rules, serialised, in their order."""

    __slots__ = ("_judging", "_places", "_program", "_rule_ids", "asks", "model", "names", "ref")

    def __init__(
        self, ref: VersionRef, content: ScenarioContent, trees: Sequence[str], patterns: Patterns = NO_PATTERNS
    ) -> None:
        self.ref = ref
        read = [tree_from_json(json.loads(tree)) for tree in trees]
        asked = {name for tree in read for name in references(tree)}
        self.model = content.model.ref if content.model is not None else None
        """Whose score `decide` wants; None for no model's."""
        texts = [rule.words for rule in content.rules]
        texts += [reason.words for reason in content.model.reasons] if content.model is not None else []
        told = {name for text in texts for name in Words(text).names}
        self.names = tuple(sorted(asked | told))
        """What `decide` wants the values of, in this order."""
        self.asks = frozenset(self.names)
        self._places = {name: place for place, name in enumerate(self.names)}
        self._program = RuleProgram(read, self._places, patterns)
        self._judging = Judging(content)
        self._rule_ids = tuple(rule.rule_id for rule in content.rules)

    def decide(
        self,
        values: Sequence[object],
        standing: Standing | None,
        key_of: Callable[[str], object],
        now: datetime,
        snoozes: Snoozes = NO_SNOOZES,
        *,
        model: ModelScore | None = None,
        review_floor: bool = False,
    ) -> Judgement:
        """Judges an event. `values` are those of `names`, None for one that is missing; `key_of` gives its keys."""
        hits, failures = self._program.evaluate(values)
        asleep = snoozes.of((self._rule_ids[hit] for hit in hits), key_of, now) if hits and snoozes else ()
        fired = Fired(hits, *_sorted_out(failures)) if failures else Fired(hits)

        def value_of(name: str) -> object:
            return values[self._places[name]]

        return self._judging.judge(fired, value_of, standing, model=model, snoozed=asleep, review_floor=review_floor)


def _sorted_out(failures: Sequence[tuple[int, Failure]]) -> tuple[Sequence[int], Sequence[int]]:
    errors = [place for place, failure in failures if failure is Failure.ERROR]
    return errors, [place for place, failure in failures if failure is not Failure.ERROR]
