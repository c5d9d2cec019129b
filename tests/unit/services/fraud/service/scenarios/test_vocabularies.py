"""The names that rules of a tenant may use."""

from __future__ import annotations

from datetime import UTC, datetime

from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_features import MemoryFeatures
from services.fraud.adapters.memory_lists import MemoryLists
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.value_lists.lists import ListKind, NewList
from services.fraud.service.scenarios.vocabularies import DeclaredVocabularies
from services.fraud.service.value_lists.keeping import ListKeeper


async def test_rules_ask_lists_of_every_kind_of_their_tenant_alone() -> None:
    lists, declarations = MemoryLists(), MemoryDeclarations()
    keeper = ListKeeper(lists, lambda: datetime.now(UTC))
    vocabularies = DeclaredVocabularies(MemoryEventTypes(declarations), MemoryFeatures(declarations), lists)
    async with lists.begin("ours") as changes:
        for kind in ListKind:
            await keeper.create(changes, NewList(kind.value, kind, "user_id"))

    async def known(tenant_id: str) -> set[str]:
        names = await vocabularies.variables(tenant_id, "payment")
        assert names is not None
        return {name for name, kind in names.items() if kind is ValueKind.STRING_LIST}

    assert await known("ours") == {f"lists.{kind.value}" for kind in ListKind}
    assert await known("others") == set()
