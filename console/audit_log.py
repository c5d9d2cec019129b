"""Reads an audit log as it is chained: from the platform, or from a file that was exported."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from console.api import Api, Json
from console.failure import CommandFailure, WrongArgument
from meshkit.audit.chain import FIELDS, START, ChainedEvent, ChainPlace, canonical, canonical_time

__all__ = ["EVENTS", "ApiAuditLog", "AuditSource", "FileAuditLog", "noted_anchors", "place_from", "read_anchor"]

EVENTS = "/api/v1/audit-events"
HEAD = "/api/v1/audit-head"
ANCHORS = "/api/v1/audit-anchors"


class AuditSource(Protocol):
    """An audit log to be checked."""

    async def head(self) -> Json:
        """Returns how far it goes, and what it follows."""
        ...

    def anchors(self) -> AsyncIterator[Json]:
        """Yields the anchors that are kept with it."""
        ...

    def events(self, head: Json) -> AsyncIterator[Json]:
        """Yields its events up to the head, as they are chained."""
        ...


class ApiAuditLog:
    """Implements `AuditSource` with the platform."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def head(self) -> Json:
        return await self._api.call("GET", HEAD)

    async def anchors(self) -> AsyncIterator[Json]:
        async for anchor in self._api.pages(ANCHORS, "anchors", {}, None):
            yield anchor

    async def events(self, head: Json) -> AsyncIterator[Json]:
        last = int(head["sequence"])
        if last == 0:
            return
        async for event in self._api.pages(EVENTS, "events", {"oldest_first": "true"}, None):
            # What came after the head was asked for is checked next time.
            if int(event["sequence"]) > last:
                return
            yield event


class FileAuditLog:
    """Implements `AuditSource` with a file of `rampart audit export`: the head, the anchors, the events, one a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def head(self) -> Json:
        first = next(self._lines(), (0, {}))[1]
        if "head" not in first:
            raise WrongArgument(f"{self._path} is no export of an audit log: its first line is not the head.")
        head: Json = first["head"]
        return head

    async def anchors(self) -> AsyncIterator[Json]:
        for _, line in self._lines():
            if "anchor" in line:
                yield line["anchor"]

    async def events(self, head: Json) -> AsyncIterator[Json]:
        for number, line in self._lines():
            if "event" in line:
                yield line["event"]
            elif not {"head", "anchor"} & line.keys():
                raise WrongArgument(f"{self._path}, line {number}: is no event, anchor or head.")

    def _lines(self) -> Iterator[tuple[int, Json]]:
        yield from _json_lines(self._path)


def chained_event(event: Json) -> ChainedEvent:
    """Returns an event of the API in its canonical form. Raises CommandFailure for what is none."""
    try:
        fields = {name: event[name] for name in FIELDS}
        fields["time"] = canonical_time(datetime.fromisoformat(event["time"]))
        content = canonical(fields, event["details"])
        place = place_from(event)
        return ChainedEvent(place.sequence, bytes.fromhex(event["previous_hash"]), place.hash, content)
    except (KeyError, TypeError, ValueError) as error:
        raise CommandFailure(f"Event {event.get('sequence', '?')} is not as events are: {error!r}.") from error


def place_from(item: Json) -> ChainPlace:
    """Returns the place of an event, anchor or head."""
    return ChainPlace(int(item["sequence"]), bytes.fromhex(item["hash"]))


def start_of(head: Json) -> ChainPlace:
    """Returns what the first event should follow."""
    return place_from(head["checkpoint"]) if head.get("checkpoint") else START


def read_anchor(text: str) -> ChainPlace:
    """Reads SEQUENCE:HASH, as `rampart audit anchor` prints it. Raises ValueError."""
    sequence, _, digest = text.strip().partition(":")
    place = ChainPlace(int(sequence), bytes.fromhex(digest))
    if place.sequence < 1 or len(place.hash) != len(START.hash):
        raise ValueError(text)
    return place


def noted_anchors(path: Path, tenant_id: str) -> Iterator[ChainPlace]:
    """Yields the anchors of a tenant in a file: SEQUENCE:HASH, or lines of the auth service's log."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongArgument(f"Cannot read {path}: {error}.") from error
    for number, line in enumerate(lines, 1):
        try:
            if not line.lstrip().startswith("{"):
                if line.strip():
                    yield read_anchor(line)
                continue
            entry = json.loads(line)
            if entry.get("message") == "audit anchor" and entry["tenant_id"] == tenant_id:
                yield place_from(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise WrongArgument(f"{path}, line {number}: is no anchor.") from error


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise WrongArgument(f"{path}, line {number}: is no JSON object.")
                yield number, line
    except (OSError, ValueError) as error:
        raise WrongArgument(f"Cannot read {path}: {error}.") from error
