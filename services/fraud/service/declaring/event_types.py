"""Declares, reads, lists and changes event types."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

from meshkit.preconditions import etag_mismatch
from services.fraud import errors
from services.fraud.domain.declaring import MAX_TYPES, DeclaredType, TypeChange, all_types, changed, declaration_faults
from services.fraud.domain.event_types import BUILT_IN, EventType
from services.fraud.ports import EventTypeChanges, EventTypes

__all__ = ["EventTypeService"]


class EventTypeService:
    """Keeps the event types of tenants. `tenant_id` is that of the verified caller.

    What changes something does so in the transaction that it is given.
    """

    def __init__(self, event_types: EventTypes) -> None:
        self._event_types = event_types

    async def create(self, changes: EventTypeChanges, new: EventType) -> DeclaredType:
        """Raises RESOURCE_EXISTS and VALIDATION_FAILED."""
        known = all_types(await changes.all())
        if new.name in known:
            raise errors.event_type_exists()
        if len(known) - len(BUILT_IN) >= MAX_TYPES:
            raise errors.too_many_event_types(MAX_TYPES)
        _check(new, None, known.values(), await changes.features())
        return await changes.put(new)

    async def get(self, tenant_id: str, name: str) -> DeclaredType:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(all_types(await self._event_types.all(tenant_id)).get(name))

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[DeclaredType], bool]:
        """Returns at most `limit` event types, in the order of their names after one, and whether there are more."""
        known = all_types(await self._event_types.all(tenant_id)).items()
        following = [each for name, each in known if name > after]
        return following[:limit], len(following) > limit

    async def update(
        self,
        changes: EventTypeChanges,
        name: str,
        change: TypeChange,
        *,
        admits: Callable[[int], bool],
        check: Callable[[DeclaredType], None],
    ) -> DeclaredType:
        """Changes an event type, only a version that is admitted and of which `check` finds nothing wrong.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH and VALIDATION_FAILED.
        """
        known = all_types(await changes.all())
        found = _found(known.get(name))
        before = found.event_type
        if not admits(before.version):
            raise etag_mismatch()
        check(found)
        if change.fields is not None:
            _check(EventType(name, tuple(change.fields)), before, known.values(), await changes.features())
        after = changed(before, change)
        return found if after is before else await changes.put(after)


def _check(new: EventType, before: EventType | None, known: Iterable[DeclaredType], features: Container[str]) -> None:
    faults = declaration_faults(new.name, new.fields, before, [each.event_type for each in known], features)
    if faults:
        raise errors.event_type_invalid(faults)


def _found(declared: DeclaredType | None) -> DeclaredType:
    if declared is None:
        raise errors.event_type_not_found()
    return declared
