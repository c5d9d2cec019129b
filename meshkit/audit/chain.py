"""Chains the events of a tenant's audit log by their hashes, and finds where a chain was broken.

    content   the event in its canonical form (RFC 8785): a JSON object of strings, each member always there
    hash      SHA-256(previous hash || sequence, 8 bytes, most significant first || SHA-256(content))

The first event of a tenant follows 32 zero bytes. Whoever has the events needs nothing else to check them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = [
    "FIELDS",
    "START",
    "ChainCheck",
    "ChainFault",
    "ChainPlace",
    "ChainedEvent",
    "canonical",
    "canonical_time",
    "chain_faults",
    "link",
]

FIELDS = (
    "tenant_id",
    "time",
    "action",
    "outcome",
    "actor",
    "client_id",
    "target",
    "reason",
    "request_id",
    "peer",
    "recorder",
    "address",
)
"""Members of the canonical form besides `details`."""


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """How far a chain goes: the sequence of an event, and its hash."""

    sequence: int
    hash: bytes


START = ChainPlace(0, bytes(32))
"""What the first event of a chain follows."""


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event where it stands."""

    sequence: int
    previous: bytes
    """Hash of the event before, as it is stored with this one."""
    hash: bytes
    content: str

    @property
    def place(self) -> ChainPlace:
        return ChainPlace(self.sequence, self.hash)


@dataclass(frozen=True, slots=True)
class ChainFault:
    """What is wrong with an event, or with the place where one should be."""

    sequence: int
    what: str
    """In words, as the end of a sentence."""


def canonical(fields: Mapping[str, str], details: Mapping[str, str]) -> str:
    """Returns the canonical form of an event (RFC 8785). What `fields` lacks is empty.

    With strings alone, and names in ASCII, it is what `json.dumps` writes: the escapes and the order are the same.
    """
    members: dict[str, object] = {name: fields.get(name, "") for name in FIELDS}
    members["details"] = dict(details)
    return json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical_time(at: datetime) -> str:
    """Returns a time as events have it: UTC with microseconds, such as 2026-11-29T21:08:02.000000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def link(previous: bytes, sequence: int, content: str) -> bytes:
    """Returns the hash of an event that follows the one with the hash `previous`."""
    own = hashlib.sha256(content.encode()).digest()
    return hashlib.sha256(previous + sequence.to_bytes(8, "big") + own).digest()


class ChainCheck:
    """Follows events in the order in which they should stand, and tells what is wrong with each.

    They should follow `after` without a gap, and have the hashes of all `known` places between. What comes after a
    fault is checked against what stands there, so that one change is one fault.
    """

    def __init__(self, after: ChainPlace, known: Iterable[ChainPlace] = ()) -> None:
        self._expected: dict[int, list[bytes]] = {}
        self.compared = 0
        """How many of the known places lie where the events are."""
        for place in known:
            if place.sequence >= after.sequence:
                self._expected.setdefault(place.sequence, []).append(place.hash)
                self.compared += 1
        self._after = after
        self._last = after
        self.count = 0
        """How many events were followed."""

    def begin(self) -> Iterator[ChainFault]:
        """Yields what is wrong with the place that the first event should follow."""
        yield from self._differs(self._after)

    def follow(self, event: ChainedEvent) -> Iterator[ChainFault]:
        """Yields what is wrong with the next event."""
        yield from _event_faults(event, self._last)
        yield from self._differs(event.place)
        self._last = event.place
        self.count += 1

    def end(self, head: ChainPlace | None = None) -> Iterator[ChainFault]:
        """Yields what is wrong with the end: it should be `head`, and no known place lie beyond it."""
        if head is not None:
            yield from _head_faults(self._last, head)
        for sequence in sorted(self._expected):
            yield ChainFault(sequence, "is missing, although an anchor names it")

    def _differs(self, place: ChainPlace) -> Iterator[ChainFault]:
        if any(known != place.hash for known in self._expected.pop(place.sequence, ())):
            yield ChainFault(place.sequence, "is not the event that an anchor names: the log was written anew")


def chain_faults(
    events: Iterable[ChainedEvent], after: ChainPlace, head: ChainPlace | None = None, known: Iterable[ChainPlace] = ()
) -> Iterator[ChainFault]:
    """Yields what is wrong with events that are all there (see `ChainCheck`)."""
    check = ChainCheck(after, known)
    yield from check.begin()
    for event in events:
        yield from check.follow(event)
    yield from check.end(head)


def _event_faults(event: ChainedEvent, last: ChainPlace) -> Iterator[ChainFault]:
    if event.sequence != last.sequence + 1:
        missing = last.sequence + 1
        yield ChainFault(missing, f"is missing: event {event.sequence} stands in its place")
    elif event.previous != last.hash:
        yield ChainFault(event.sequence, "does not follow the event before it")
    if event.hash != link(event.previous, event.sequence, event.content):
        yield ChainFault(event.sequence, "does not say what its hash says: it was changed")


def _head_faults(last: ChainPlace, head: ChainPlace) -> Iterator[ChainFault]:
    if last.sequence < head.sequence:
        yield ChainFault(last.sequence + 1, f"is missing: the log had {head.sequence} events")
    elif last.sequence > head.sequence:
        yield ChainFault(head.sequence + 1, "is more than the head of the log names")
    elif last.hash != head.hash:
        yield ChainFault(last.sequence, "is not the event that the head of the log names")
