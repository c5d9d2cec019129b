"""Tells which names the rules of a tenant may use: what it has declared, and what every tenant has."""

from __future__ import annotations

from collections.abc import Mapping

from services.fraud.domain.declaring import all_types
from services.fraud.domain.event_types import FieldType
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.vocabulary import variables_of
from services.fraud.domain.value_lists.lists import MAX_LISTS
from services.fraud.ports import EventTypes, FeatureReads
from services.fraud.ports.value_lists import ListStore

__all__ = ["DeclaredVocabularies"]


class DeclaredVocabularies:
    """Implements `Vocabularies` on the event types, the features and the lists of tenants."""

    def __init__(self, event_types: EventTypes, features: FeatureReads, lists: ListStore) -> None:
        self._event_types = event_types
        self._features = features
        self._lists = lists

    async def variables(self, tenant_id: str, event_type: str) -> Mapping[str, ValueKind] | None:
        declared = all_types(await self._event_types.all(tenant_id)).get(event_type)
        if declared is None:
            return None
        features = (await self._features.declared(tenant_id)).current
        derived = [each.name for each, _ in features.derived if each.event_type == event_type]
        lists = [each.name for each in await self._lists.page(tenant_id, "", MAX_LISTS)]
        return variables_of(declared.event_type, features.read_by(event_type), lists, derived)

    async def keys(self, tenant_id: str) -> Mapping[str, FieldType]:
        types = all_types(await self._event_types.all(tenant_id)).values()
        return {field.name: field.type for each in types for field in each.event_type.keys}
