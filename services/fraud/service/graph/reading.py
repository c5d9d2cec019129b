"""Reads the graph for checks, beside the append to the logs: one query a batch, for tenants with features of it.

What is there when the logs have answered, or shortly after, is used; what is not is as it was when it was last read, or
missing: no decision waits for it. The decision keeps how old it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from prometheus_client import Counter, Histogram

from meshkit.errors import MeshError
from services.fraud.domain.check import Check, GraphInputs
from services.fraud.domain.graph.entities import EntityName, EntitySummary, entity_number
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
KNOWN = 20_000
"""Entities of which what was read last is at hand: 10 MB."""
TURNS = 4
"""Of the event loop, after the wait: what has arrived on a busy one is taken in."""

_Asked: TypeAlias = "dict[CheckRecords, Sequence[tuple[GraphReading, EntityRef | None]]]"
"""What checks read, and of which entities."""


class _AtHand(NamedTuple):
    """What was read of an entity."""

    summary: EntitySummary | None
    """None if it is not in the graph."""
    reached: datetime


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
        known: int = KNOWN,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reads = reads
        self._wait_seconds = wait_seconds
        self._read_seconds = read_seconds
        self._most_known = known
        self._clock = clock
        self._known: OrderedDict[EntityRef, _AtHand] = OrderedDict()
        self._reading: set[asyncio.Task[None]] = set()
        self._paused_until = 0.0

    def begin(self, checks: Sequence[Check], records: Sequence[CheckRecords]) -> GraphReadBatch | None:
        """Begins to read what checks ask for; None if none of them asks for anything."""
        asked: _Asked = {}
        for check, each in zip(checks, records, strict=True):
            if each.features.links and each.features.linked:
                readings = each.features.graph(check.event_type)
                if readings:
                    asked[each] = [(reading, _ref(check, each, reading)) for reading in readings]
        refs = {ref: None for own in asked.values() for _, ref in own if ref is not None}
        if not refs:
            return None
        reading = None
        if asyncio.get_running_loop().time() >= self._paused_until:
            reading = asyncio.create_task(self._read(list(refs)))
            self._reading.add(reading)
            reading.add_done_callback(self._reading.discard)
        return GraphReadBatch(asked, reading, self._wait_seconds, self.at_hand)

    def at_hand(self) -> tuple[Mapping[EntityRef, _AtHand], datetime]:
        """Returns what is known of entities, and now."""
        return self._known, self._clock()

    async def _read(self, refs: Sequence[EntityRef]) -> None:
        try:
            async with asyncio.timeout(self._read_seconds):
                self._keep(refs, await self._reads.entities(refs))
                return
        except TimeoutError:
            why = "not in time"
        except MeshError as error:
            why = error.message
        _log.warning("the graph cannot be read: %s", why)
        self._paused_until = asyncio.get_running_loop().time() + PAUSE_SECONDS

    def _keep(self, refs: Sequence[EntityRef], read: ReadEntities) -> None:
        for ref in refs:
            if ref.tenant_id not in read.missing and read.reached is not None:
                self._known[ref] = _AtHand(read.summaries.get(ref), read.reached)
                self._known.move_to_end(ref)
        while len(self._known) > self._most_known:
            self._known.popitem(last=False)


class GraphReadBatch:
    """What the graph gives a batch of checks."""

    def __init__(
        self,
        asked: _Asked,
        reading: asyncio.Task[None] | None,
        wait_seconds: float,
        at_hand: Callable[[], tuple[Mapping[EntityRef, _AtHand], datetime]],
    ) -> None:
        self._asked = asked
        self._reading = reading
        self._wait_seconds = wait_seconds
        self._at_hand = at_hand

    async def read(self, seconds: float) -> None:
        """Waits for what is being read: as long as a batch waits for the graph, and so long at most."""
        if self._reading is None or self._reading.done():
            return
        await asyncio.wait({self._reading}, timeout=min(seconds, self._wait_seconds))
        for _ in range(TURNS):
            if not self._reading.done():
                await asyncio.sleep(0)

    def complete(self, check: Check, records: CheckRecords, values: list[Any], time: int) -> GraphAnswer:
        """Puts values into their places, as the event of a time sees them (ms since 1970)."""
        asked = self._asked.get(records)
        if asked is None:
            return NOTHING
        known, now = self._at_hand()
        when, oldest, missed, partial = to_time(time), now, False, []
        for (place, feature), ref in asked:
            if ref is None:
                continue
            found = known.get(ref)
            if found is None or now - found.reached > STALE:
                missed = True
                continue
            oldest = min(oldest, found.reached)
            values[place] = measured(feature.measure, found.summary, when, check.currency, check.currency_digits)
            if is_partial(feature.measure, found.summary):
                partial.append(feature.name)
        _missed.inc(missed)
        age = now - oldest
        _ages.observe(age.total_seconds())
        return GraphAnswer(
            (GRAPH_DEGRADED,) if missed else (), GraphInputs(age // timedelta(milliseconds=1), tuple(partial))
        )


def _ref(check: Check, records: CheckRecords, reading: GraphReading) -> EntityRef | None:
    """Returns which entity a feature is of: none for an event without the key."""
    name: EntityName | None = records.features.links[check.event_type].entity(reading.feature.key, check.fields)
    return EntityRef(check.tenant_id, entity_number(name)) if name is not None else None
