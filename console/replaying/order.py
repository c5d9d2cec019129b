"""Keeps events of one key in the order of the file while everything else runs at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from console.replaying.records import Record


class Order(Protocol):
    """Says when a record may be sent."""

    def add(self, record: Record) -> list[Record]:
        """Takes the next record of the file; returns what may be sent now."""
        ...

    def done(self, record: Record) -> list[Record]:
        """Takes note that a record is answered; returns what may be sent now."""
        ...


class AnyOrder:
    """Every record may be sent at once."""

    def add(self, record: Record) -> list[Record]:
        return [record]

    def done(self, record: Record) -> list[Record]:
        return []


@dataclass(eq=False, slots=True)
class _Node:
    record: Record
    waits_for: int = 0
    followers: list[_Node] = field(default_factory=list)


class KeyOrder:
    """A record is sent when every earlier record that shares a key with it is answered.

    A graph of conflicts: each record waits for the last one before it of each of its keys.
    """

    def __init__(self) -> None:
        self._nodes: dict[int, _Node] = {}
        self._last: dict[str, _Node] = {}

    def add(self, record: Record) -> list[Record]:
        node = _Node(record)
        for earlier in {id(last): last for key in record.keys if (last := self._last.get(key))}.values():
            earlier.followers.append(node)
            node.waits_for += 1
        self._last.update(dict.fromkeys(record.keys, node))
        self._nodes[record.row] = node
        return [] if node.waits_for else [record]

    def done(self, record: Record) -> list[Record]:
        node = self._nodes.pop(record.row)
        for key in record.keys:
            if self._last.get(key) is node:
                del self._last[key]
        free = []
        for follower in node.followers:
            follower.waits_for -= 1
            if not follower.waits_for:
                free.append(follower.record)
        return free
