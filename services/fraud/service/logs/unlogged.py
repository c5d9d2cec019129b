"""Knows what was decided without a record in the logs, for tenants whose logs lack it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from meshkit.errors import MeshError
from services.fraud.domain.declared.plan import KindPlan
from services.fraud.domain.declared.recording import currency_of
from services.fraud.domain.event import StoredEvent, transaction_hash
from services.fraud.domain.logs.fold import Fold
from services.fraud.ports import History
from services.fraud.service.logs.groups import LogGroup, to_milliseconds

__all__ = ["MissingEvents", "UnloggedDecisions", "add_missing"]

_log = logging.getLogger(__name__)

MOST = 5_000
"""Decisions of a tenant that are kept at hand. If there are more, everything is read from the history."""
AT_ONCE = 200
"""Decisions that are read in one step: a millisecond or two. What is read stays, though the others were not in time."""
TENANTS = 20
"""Whose decisions are kept, at most: gaps are rare and short."""


class MissingEvents:
    """The events of one tenant that its logs may lack, by the values of keys."""

    def __init__(self) -> None:
        self.decisions: set[UUID] = set()
        self._events: list[StoredEvent] = []
        self._by_key: dict[KindPlan, tuple[int, dict[str, list[StoredEvent]]]] = {}
        """How many of the events are in it, and they by their value."""

    def add(self, decisions: Collection[UUID], events: Sequence[StoredEvent]) -> None:
        self.decisions.update(decisions)
        self._events += events

    def of(self, group: LogGroup) -> Sequence[StoredEvent]:
        """Returns the events that are to be in the log of a group."""
        plan = group.recorder.plan
        taken, by_value = self._by_key.get(plan, (0, {}))
        for event in self._events[taken:]:
            if event.event_type in plan.types:
                value = group.features.set.recorder(plan, event.event_type).key(event.fields)
                if value is not None:
                    by_value.setdefault(value, []).append(event)
        self._by_key[plan] = len(self._events), by_value
        return by_value.get(group.key.value, ())


class UnloggedDecisions:
    """Reads these decisions, each once."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[str, MissingEvents] = {}

    async def read(self, tenants: Collection[str], seconds: float) -> Mapping[str, MissingEvents]:
        """Returns what the logs of tenants may lack by now; those of which that cannot be told lack."""
        try:
            async with asyncio.timeout(seconds):
                found = await self._history.unlogged(tenants)
                return {tenant: await self._read(tenant, ids) for tenant, ids in found.items() if len(ids) <= MOST}
        except (MeshError, TimeoutError) as error:
            _log.warning("what logs lack cannot be told: %s", str(error) or "it takes too long")
            return {}

    async def _read(self, tenant: str, decisions: Collection[UUID]) -> MissingEvents:
        known = self._known.get(tenant)
        if known is None or not known.decisions.issubset(decisions):
            # Some of it is in the logs by now.
            known = MissingEvents()
        if len(self._known) >= TENANTS:
            self._known.clear()
        self._known[tenant] = known
        new = [each for each in decisions if each not in known.decisions]
        for start in range(0, len(new), AT_ONCE):
            part = new[start : start + AT_ONCE]
            # What another batch adds meanwhile is there twice, and counts once.
            known.add(part, await self._history.decided_events(tenant, part))
        return known


def add_missing(group: LogGroup, events: Sequence[StoredEvent]) -> None:
    """Gives a group a fold of its own that holds these events as well, if that of its log lacks any."""
    assert group.fold is not None
    records = b"".join(_missing_records(group, events))
    if not records:
        return
    log, whole = group.fold, Fold(group.recorder.plan)
    whole.extend(bytes(log.rows.packed) + records)
    if not group.begins and not group.holds_own:
        # Of the log it was said that they are there.
        log.extend(group.packed)
    group.fold, group.begins = whole, False


def _missing_records(group: LogGroup, events: Sequence[StoredEvent]) -> Iterator[bytes]:
    plan, features, fold = group.recorder.plan, group.features.set, group.fold
    assert fold is not None
    for event in events:
        transaction = transaction_hash(group.key.stream.tenant_id, event.transaction_id)
        if not fold.holds(transaction):
            fields, time = event.fields, to_milliseconds(event.event_time)
            recorder = features.recorder(plan, event.event_type)
            yield recorder.restored(fields, currency_of(fields), time, transaction, event.place)
