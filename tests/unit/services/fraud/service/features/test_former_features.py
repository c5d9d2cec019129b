"""Stored vectors are read by the names of the set that they were computed with, whatever has become of the features."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_features import MemoryFeatures, MemoryFeatureWriter
from services.fraud.domain.check import Features
from services.fraud.domain.declared.declaration import DeclaredSet, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.service.tenants.feature_sets import DeclaredSets
from services.fraud.service.tenants.features import feature_set_of
from tests.support.features import counting, declare
from tests.support.fraud import check, decided

TENANT = "t"


class Counted(MemoryFeatures):
    reads = 0

    async def numbered(self, tenant_id: str, number: int) -> DeclaredSet | None:
        self.reads += 1
        return await super().numbered(tenant_id, number)


async def test_a_vector_is_read_as_it_was_written_after_any_change() -> None:
    features = Counted(MemoryDeclarations())
    writer = MemoryFeatureWriter(features)
    await declare(writer, TENANT, counting("n"), counting("mean", aggregate=Aggregate.MEAN, field="amount"))
    fresh = counting("fresh", key="card_fingerprint", aggregate=Aggregate.IS_NEW, field="user_id")
    await declare(writer, TENANT, fresh, DerivedFeature(name="half", event_type="payment", expression="mean / 2.0"))
    then = feature_set_of((await features.declared(TENANT)).current, BUILT_IN)
    await declare(writer, TENANT, counting("more", key="ip_address"), without=["n", "half"])
    said: dict[str, FeatureValue] = dict.fromkeys(then.names, 3)
    said |= {"mean": 1.5, "fresh": True, "half": 0.75, "user_new_device": None, "n": None}
    made = decided(check(TENANT))
    values = [said[name] for name in then.names]
    record = convert.decided_to_record(made._replace(features=Features(values, datetime.now(UTC), set=then)))
    sets = DeclaredSets(features, MemoryEventTypes(features.declarations))
    for _ in range(3):
        found = await sets.version(TENANT, convert.vector_version_from_record(record.inputs))
        assert found is not None
        shown = convert.stored_to_proto(record.answer, record.inputs, found.layout).inputs.features
        assert dict(shown) == {name: value for name, value in said.items() if value is not None}
    assert features.reads == 1, "a set never changes"


async def test_versions_of_all_tenants_need_no_store() -> None:
    declarations = MemoryDeclarations(available=False)
    sets = DeclaredSets(MemoryFeatures(declarations), MemoryEventTypes(declarations))
    assert await sets.version(TENANT, "3") is STARTER
    assert [await sets.version(TENANT, version) for version in ("1", "2", "")] == [None] * 3
    with pytest.raises(MeshError) as caught:
        await sets.version(TENANT, "t1")
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"


async def test_a_set_that_is_not_there_is_none() -> None:
    declarations = MemoryDeclarations()
    assert (
        await DeclaredSets(MemoryFeatures(declarations), MemoryEventTypes(declarations)).version(TENANT, "t9") is None
    )
