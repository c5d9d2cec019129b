"""Decides an event. Whoever decides, and whoever computes a decision again, does it here."""

from __future__ import annotations

from datetime import datetime

from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.facts import EventFacts, ValueReader
from services.fraud.domain.scenarios.judging import NO_RULES, NOTHING_FIRED, Judgement, standing_of
from services.fraud.domain.scenarios.snoozes import Snoozes

__all__ = ["decide"]


def decide(
    version: CompiledScenario | None,
    values: ValueReader | None,
    facts: EventFacts,
    now: datetime,
    snoozes: Snoozes,
    *,
    review_floor: bool,
) -> Judgement:
    """Decides by a list's ruling, else by a version, else by the prior alone.

    `values` reads what the version asks for. With `review_floor` rules approve nothing.
    """
    if facts.ruling is not None:
        return NO_RULES.ruled(facts.ruling)
    standing = standing_of(facts.profile)
    if version is None or values is None:
        return NO_RULES.judge(NOTHING_FIRED, facts.fields.get, standing, review_floor=review_floor)
    read, key_of = values(facts), facts.fields.get
    return version.decide(read, standing, key_of, now, snoozes, model=facts.model, review_floor=review_floor)
