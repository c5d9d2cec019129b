"""Stored vectors are read by the names of the set that they were computed with, whatever has become of the features."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.adapters.memory_features import MemoryFeatures, MemoryFeatureWriter
from services.fraud.domain.check import Features
from services.fraud.domain.declared.declaration import DeclaredSet, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.service.vector_layouts import VectorLayouts
from tests.support.features import counting, declare
from tests.support.fraud import check, decided

TENANT = "t"


class Counted(MemoryFeatures):
    reads = 0

    async def numbered(self, tenant_id: str, number: int) -> DeclaredSet | None:
        self.reads += 1
        return await super().numbered(tenant_id, number)


def _set(of: DeclaredSet) -> FeatureSet:
    return FeatureSet(of.version, of.aggregates, BUILT_IN, [each.name for each, _ in of.derived])


async def test_a_vector_is_read_as_it_was_written_after_any_change() -> None:
    features = Counted(MemoryDeclarations())
    writer = MemoryFeatureWriter(features)
    await declare(writer, TENANT, counting("n"), counting("mean", aggregate=Aggregate.MEAN, field="amount"))
    fresh = counting("fresh", key="card_fingerprint", aggregate=Aggregate.IS_NEW, field="user_id")
    await declare(writer, TENANT, fresh, DerivedFeature(name="half", event_type="payment", expression="mean / 2.0"))
    then = _set((await features.declared(TENANT)).current)
    await declare(writer, TENANT, counting("more", key="ip_address"), without=["n", "half"])
    said: dict[str, FeatureValue] = dict.fromkeys(then.names, 3)
    said |= {"mean": 1.5, "fresh": True, "half": 0.75, "user_new_device": None, "n": None}
    made = decided(check(TENANT))
    values = [said[name] for name in then.names]
    record = convert.decided_to_record(made._replace(features=Features(values, datetime.now(UTC), set=then)))
    layouts = VectorLayouts(features)
    for _ in range(3):
        layout = await layouts.of(TENANT, convert.vector_version(record.inputs))
        shown = convert.stored_to_proto(record.answer, record.inputs, layout).inputs.features
        assert dict(shown) == {name: value for name, value in said.items() if value is not None}
    assert features.reads == 1, "a set never changes"


async def test_versions_of_all_tenants_need_no_store() -> None:
    declarations = MemoryDeclarations(available=False)
    layouts = VectorLayouts(MemoryFeatures(declarations))
    for version in ("1", "2", "3"):
        assert await layouts.of(TENANT, version) == STARTER.layout
    with pytest.raises(MeshError) as caught:
        await layouts.of(TENANT, "t1")
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"


async def test_a_set_that_is_not_there_is_an_error_of_the_service() -> None:
    with pytest.raises(MeshError) as caught:
        await VectorLayouts(MemoryFeatures(MemoryDeclarations())).of(TENANT, "t9")
    assert caught.value.reason == "INTERNAL"
