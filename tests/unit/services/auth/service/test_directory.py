from __future__ import annotations

import pytest

from meshkit.errors import MeshError
from services.auth.domain.tenants import TenantPlan
from tests.support.programs import ProgramWorld


async def test_plan_of_an_unknown_tenant_is_not_found() -> None:
    with pytest.raises(MeshError) as caught:
        await ProgramWorld().managed.set_plan("nobody", TenantPlan())
    assert caught.value.reason == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize("currency", ["ZZZ", "XXX", "XAU", "usd"])
async def test_tenant_has_a_currency_in_force_that_has_minor_units(currency: str) -> None:
    with pytest.raises(MeshError) as caught:
        await ProgramWorld().managed.create_tenant("acme", currency)
    assert [(each.field, each.reason) for each in caught.value.violations] == [("default_currency", "currency.known")]


async def test_creating_a_tenant_again_returns_it_unchanged() -> None:
    managed = ProgramWorld().managed
    first = await managed.create_tenant("acme", "EUR", TenantPlan(rate_limit=7))
    assert await managed.create_tenant("acme", "USD", TenantPlan(rate_limit=9)) == first
    assert (await managed.create_tenant("globex", "")).tenant_id != first.tenant_id
