"""Snoozes rules for keys, and lets them count again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from meshkit.canonical import canonical_address, canonical_email
from services.fraud import errors
from services.fraud.domain.event_types import FieldType
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.snoozes import LONGEST_SNOOZE, MOST_SNOOZES, Snooze
from services.fraud.ports.scenarios import ScenarioChanges, ScenarioReads, SnoozePlace, Vocabularies

__all__ = ["Snoozing"]

_CANONICAL: dict[FieldType, Callable[[str], str | None]] = {
    FieldType.IP: canonical_address,
    FieldType.EMAIL: canonical_email,
}


class Snoozing:
    """Keeps snoozes. `tenant_id` is that of the verified caller."""

    def __init__(self, reads: ScenarioReads, vocabularies: Vocabularies, clock: Callable[[], datetime]) -> None:
        self._reads = reads
        self._vocabularies = vocabularies
        self._clock = clock

    async def snooze(self, changes: ScenarioChanges, tenant_id: str, snooze: Snooze) -> Snooze:
        """Stores a snooze. Raises VALIDATION_FAILED, and STATE_NOT_ALLOWED for one more than a tenant may have."""
        if not snooze.rule_id:
            raise errors.content_refused([ContentFault("rule_id", "rule_id.required", "must name a rule")], "snooze.")
        snooze = replace(snooze, value=await self._value(tenant_id, snooze.field, snooze.value))
        left = snooze.until - snooze.created_at
        if not 0 < left.total_seconds() <= LONGEST_SNOOZE.total_seconds():
            message = f"must be ahead, by at most {LONGEST_SNOOZE.days} days"
            raise errors.content_refused([ContentFault("until", "until.range", message)], "snooze.")
        if not await changes.snooze(snooze, MOST_SNOOZES):
            raise errors.step_not_allowed(f"a tenant has at most {MOST_SNOOZES} snoozes", "full")
        return snooze

    async def end(self, changes: ScenarioChanges, tenant_id: str, place: SnoozePlace) -> None:
        """Lets a rule count again. Raises RESOURCE_NOT_FOUND."""
        place = place._replace(value=await self._value(tenant_id, place.field, place.value))
        if not await changes.wake(place):
            raise errors.found_none("snooze")

    async def page(self, tenant_id: str, after: SnoozePlace, limit: int) -> tuple[Sequence[Snooze], bool]:
        """Returns a page of at most `limit` snoozes that are not over, and whether there are more."""
        found = await self._reads.snoozes(tenant_id, after, limit + 1, self._clock())
        return found[:limit], len(found) > limit

    async def _value(self, tenant_id: str, field: str, value: str) -> str:
        """Returns a key in its canonical form. Raises VALIDATION_FAILED for what is none."""
        kind = (await self._vocabularies.keys(tenant_id)).get(field)
        if kind is None:
            raise errors.content_refused([ContentFault("field", "field.key", "is no key of any event type")], "snooze.")
        canonical = _CANONICAL[kind](value) if kind in _CANONICAL else value
        if not canonical:
            fault = ContentFault("value", "value.form", f"must have the form of a field of the type {kind.value}")
            raise errors.content_refused([fault], "snooze.")
        return canonical
