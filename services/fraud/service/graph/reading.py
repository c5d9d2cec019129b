"""Reads the graph for checks, beside the append to the logs: one query a batch, for tenants with features of it.

What is there when the logs have answered, or shortly after, is used, and the decision keeps how old it was. What is not
is missing: no decision waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from prometheus_client import Counter, Histogram

from meshkit.errors import MeshError
from services.fraud.domain.check import Check, GraphInputs
from services.fraud.domain.graph.entities import EntityName, entity_number
from services.fraud.domain.graph.measures import is_partial, measured
from services.fraud.ports.graph import EntityRef, GraphReads, ReadEntities
from services.fraud.service.logs.groups import CheckRecords, to_time
from services.fraud.service.tenants.features import GraphReading

__all__ = ["GRAPH_DEGRADED", "GraphAnswer", "GraphReadBatch", "GraphReader"]

_log = logging.getLogger(__name__)
_missed = Counter("graph_reads_missed", "Checks that went on without what they ask the graph.")
_ages = Histogram(
    "graph_age_seconds",
    "How old what checks read of the graph was.",
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3_600.0),
)

GRAPH_DEGRADED = "graph"
WAIT_SECONDS = 0.002
"""For how long a batch waits for the graph, once the logs have answered."""
READ_SECONDS = 0.2
"""After which a query is given up."""
PAUSE_SECONDS = 1.0
"""For how long nobody asks again after a query that failed or was given up."""
STALE = timedelta(hours=1)
"""What is older is not used."""

_Asked: TypeAlias = "dict[CheckRecords, Sequence[tuple[GraphReading, EntityRef | None]]]"
"""What checks read, and of which entities."""


class GraphAnswer(NamedTuple):
    """What the graph gave a check."""

    degraded: tuple[str, ...] = ()
    inputs: GraphInputs | None = None
    """What is kept with the decision besides the values; None if there are none."""


NOTHING = GraphAnswer()


class GraphReader:
    """Reads for many checks at once."""

    def __init__(
        self,
        reads: GraphReads,
        *,
        wait_seconds: float = WAIT_SECONDS,
        read_seconds: float = READ_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reads = reads
        self._wait_seconds = wait_seconds
        self._read_seconds = read_seconds
        self._clock = clock
        self._reading: set[asyncio.Task[ReadEntities | None]] = set()
        self._paused_until = 0.0

    def begin(self, checks: Sequence[Check], records: Sequence[CheckRecords]) -> GraphReadBatch | None:
        """Begins to read what checks ask for; None if none of them asks for anything."""
        asked: _Asked = {}
        for check, each in zip(checks, records, strict=True):
            if each.features.links and each.features.linked:
                readings = each.features.graph(check.event_type)
                if readings:
                    asked[each] = [(reading, _ref(check, each, reading)) for reading in readings]
        if not asked:
            return None
        refs = {ref: None for own in asked.values() for _, ref in own if ref is not None}
        if not refs or asyncio.get_running_loop().time() < self._paused_until:
            return GraphReadBatch(asked, None, self._wait_seconds, self._clock)
        task = asyncio.create_task(self._read(list(refs)))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
        return GraphReadBatch(asked, task, self._wait_seconds, self._clock)

    async def _read(self, refs: Sequence[EntityRef]) -> ReadEntities | None:
        try:
            async with asyncio.timeout(self._read_seconds):
                return await self._reads.entities(refs)
        except TimeoutError:
            why = "not in time"
        except MeshError as error:
            why = error.message
        _log.warning("the graph cannot be read: %s", why)
        self._paused_until = asyncio.get_running_loop().time() + PAUSE_SECONDS
        return None


class GraphReadBatch:
    """What the graph gives a batch of checks."""

    def __init__(
        self,
        asked: _Asked,
        reading: asyncio.Task[ReadEntities | None] | None,
        wait_seconds: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._asked = asked
        self._reading = reading
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._found: ReadEntities | None = None
        self._age_ms = 0

    async def read(self, seconds: float) -> None:
        """Waits for what is being read: as long as a batch waits for the graph, and so long at most."""
        if self._reading is None:
            return
        if not self._reading.done():
            await asyncio.wait({self._reading}, timeout=min(seconds, self._wait_seconds))
        found = self._reading.result() if self._reading.done() else None
        if found is not None and found.reached is not None:
            age = max(self._clock() - found.reached, timedelta())
            _ages.observe(age.total_seconds())
            if age <= STALE:
                self._found, self._age_ms = found, age // timedelta(milliseconds=1)

    def complete(self, check: Check, records: CheckRecords, values: list[Any], time: int) -> GraphAnswer:
        """Puts values into their places, as the event of a time sees them (ms since 1970)."""
        asked = self._asked.get(records)
        if asked is None:
            return NOTHING
        found = self._found
        if found is None or check.tenant_id in found.missing:
            is_missed = any(ref is not None for _, ref in asked)
            _missed.inc(is_missed)
            return GraphAnswer((GRAPH_DEGRADED,)) if is_missed else NOTHING
        when, partial = to_time(time), []
        for (place, feature), ref in asked:
            if ref is None:
                continue
            summary = found.summaries.get(ref)
            values[place] = measured(feature.measure, summary, when, check.currency, check.currency_digits)
            if is_partial(feature.measure, summary):
                partial.append(feature.name)
        return GraphAnswer((), GraphInputs(self._age_ms, tuple(partial)))


def _ref(check: Check, records: CheckRecords, reading: GraphReading) -> EntityRef | None:
    """Returns which entity a feature is of: none for an event without the key."""
    name: EntityName | None = records.features.links[check.event_type].entity(reading.feature.key, check.fields)
    return EntityRef(check.tenant_id, entity_number(name)) if name is not None else None
