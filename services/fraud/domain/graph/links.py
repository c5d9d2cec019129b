"""Which entities an event links with each other, as the keys of its type say.

The first key that an event has of the user, or else of those that its type declares, is in the middle, and linked with
every other: a star, not each with each. Two keys of one kind, such as two accounts, are a transfer from the one that is
declared first to the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from services.fraud.domain.event import Fields
from services.fraud.domain.event_types import EventType
from services.fraud.domain.graph.entities import EntityName

__all__ = ["EntityLink", "EventLinks"]

USER = "user_id"


class EntityLink(NamedTuple):
    """Two entities of one event."""

    source: EntityName
    """Who pays, if it is a transfer."""
    target: EntityName
    is_transfer: bool


class EventLinks:
    """Reads the entities of events of a type, and how they are linked."""

    def __init__(self, event_type: EventType) -> None:
        self._kinds = {field.name: field.entity or field.name for field in event_type.keys}
        self.kinds = frozenset(self._kinds.values())
        """The kinds of entities that they have."""
        self.personal = frozenset(self._kinds[field.name] for field in event_type.keys if field.personal)
        """Those of them whose values are personal data."""

    def entity(self, key: str, fields: Fields) -> EntityName | None:
        """Returns the entity that a key of an event names, None for an event without it."""
        value = fields.get(key)
        kind = self._kinds.get(key)
        return EntityName(kind, value) if kind is not None and isinstance(value, str) and value else None

    def entities(self, fields: Fields) -> Sequence[EntityName]:
        """Returns the entities of an event, those in the middle first."""
        named = [each for key in self._kinds if (each := self.entity(key, fields)) is not None]
        user = [each for each in named if each.kind == self._kinds.get(USER)]
        return list(dict.fromkeys((*user, *named)))

    def links(self, fields: Fields) -> Iterator[EntityLink]:
        """Yields the links of an event, each once."""
        found = self.entities(fields)
        for one, other in combinations(found, 2):
            if one.kind == other.kind:
                yield EntityLink(one, other, is_transfer=True)
        for other in found[1:]:
            if other.kind != found[0].kind:
                yield EntityLink(found[0], other, is_transfer=False)
