"""A transaction that is sent again reads what it read at first, also after what reads its logs has changed."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from meshkit.errors import MeshError
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryStore
from services.fraud.domain.check import Check
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.service.tenants.features import TenantFeatures
from tests.support.features import counting, following
from tests.support.fraud import check, new_tenant
from tests.support.readers import patiently, reader_of

OF_LOGINS = counting("payments_before_login", event_type="login", counts=("payment",))
OF_CLAIMS = counting("payments_before_claim", event_type="claim", counts=("payment",))
BOTH = following(following(DeclaredSet(), OF_CLAIMS), OF_LOGINS)


@dataclass
class Declared:
    """Implements `FeatureSets` with one set for everybody."""

    current: DeclaredSet

    async def prepare(self, tenants: Collection[str]) -> None:
        return

    def of(self, tenant_id: str) -> TenantFeatures:
        return TenantFeatures(DeclaredFeatures(self.current, self.current), BUILT_IN)


def login(tenant: str, name: str) -> Check:
    return check(tenant, name, event_type="login", fields={"user_id": "u1", "success": True})


async def test_login_is_read_as_one_after_claims_read_its_log_no_longer() -> None:
    tenant, sets = new_tenant(), Declared(BOTH)
    reader = reader_of(MemoryLogs(time.time), MemoryStore(), sets)

    async def payments_seen_by(asked: Check) -> object:
        (features,) = (await reader.read([asked], patiently(as_of_first=True))).features
        assert not isinstance(features, MeshError)
        return features.values[features.set.names.index(OF_LOGINS.name)]

    await reader.read([check(tenant, "p1"), check(tenant, "p2")], patiently())
    first = login(tenant, "l1")
    assert await payments_seen_by(first) == 2
    await reader.read([check(tenant, "p3")], patiently())
    sets.current = following(BOTH, without=[OF_CLAIMS.name])
    assert await payments_seen_by(login(tenant, "l2")) == 3
    assert await payments_seen_by(first) == 2


async def test_what_comes_again_stands_where_it_came_first() -> None:
    tenant = new_tenant()
    reader = reader_of(MemoryLogs(time.time), MemoryStore(), Declared(BOTH))

    async def arrival(*asked: Check) -> list[int]:
        found = (await reader.read(asked, patiently(as_of_first=True))).features
        return [each.arrival for each in found if not isinstance(each, MeshError)]

    first = await arrival(check(tenant, "p1"), check(tenant, "p2"))
    assert first[1] == first[0] + 1
    (other,) = await arrival(check(tenant, "p3"))
    later, again = await arrival(check(tenant, "p4"), check(tenant, "p2"))
    assert first[1] < other < later and again == first[1]
