"""Checks what a scenario says of its model."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.model_inputs import NUMERIC_KINDS, OWN_SCORE
from services.fraud.domain.scenarios.scenario import ScenarioModel
from services.fraud.domain.scoring.model import MODEL_NAME

__all__ = ["MOST_REASONS", "input_faults", "model_faults"]

MOST_REASONS = 200
_NAME = re.compile(MODEL_NAME)
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,62}")


def model_faults(model: ScenarioModel, codes: Collection[str]) -> Iterator[ContentFault]:
    """Yields what is wrong with the form. `codes` are those of rules."""
    if not _NAME.fullmatch(model.name):
        yield ContentFault("model.name", "model.name.form", "must be the name of a model")
    if model.version < 1:
        yield ContentFault("model.version", "model.version.range", "must be at least 1")
    if len(model.reasons) > MOST_REASONS:
        yield ContentFault("model.reasons", "model.reasons.count", f"must be at most {MOST_REASONS}")
    features: set[str] = set()
    taken = set(codes)
    for index, reason in enumerate(model.reasons[:MOST_REASONS]):
        place = f"model.reasons[{index}]"
        if reason.feature in features:
            yield ContentFault(f"{place}.feature", "feature.unique", "has a reason already")
        if not _CODE.fullmatch(reason.code):
            words = "must be 1 to 63 capital letters, digits or '_'"
            yield ContentFault(f"{place}.code", "code.form", words)
        elif reason.code in taken:
            yield ContentFault(f"{place}.code", "code.unique", "is that of a rule or of another reason as well")
        features.add(reason.feature)
        taken.add(reason.code)


def input_faults(
    model: ScenarioModel, inputs: Sequence[str] | None, variables: Mapping[str, ValueKind]
) -> Iterator[ContentFault]:
    """Yields what is wrong with a model in a scenario: `inputs` are its features, None if there is no such version.

    `variables` are what is known of the events that the scenario decides.
    """
    if inputs is None:
        words = f"names {model.ref}, which is no version that is ready"
        yield ContentFault("model.version", "model.version.known", words)
        return
    missing = [name for name in inputs if variables.get(name) not in NUMERIC_KINDS or name == OWN_SCORE]
    if missing:
        words = f"is of {model.ref}, which needs {', '.join(missing[:5])}: no such number is known of these events"
        yield ContentFault("model.name", "model.features.known", words)
    for index, reason in enumerate(model.reasons):
        if reason.feature not in inputs:
            words = f"is no feature of {model.ref}"
            yield ContentFault(f"model.reasons[{index}].feature", "feature.known", words)
