from __future__ import annotations

import pytest

from meshkit.context import CallContext, set_current
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


async def test_changes_of_a_tenant_are_events_of_its_audit_log_by_the_operator() -> None:
    world = ProgramWorld()
    set_current(CallContext(request_id="r-1", peer="operator"))
    made = await world.managed.create_tenant("acme", "EUR", TenantPlan(rate_limit=7))
    await world.managed.create_tenant("acme", "EUR")
    for _ in range(2):
        await world.managed.set_plan("acme", TenantPlan(0, 2, (("read", 5), ("write", 3)), max_members=4))
    created, changed = world.directory.events
    assert (created.action, changed.action) == ("tenant.create", "tenant.set_plan")
    assert {(each.tenant_id, each.target, each.actor) for each in (created, changed)} == {
        (made.tenant_id, f"tenants/{made.tenant_id}", "operator")
    }
    numbers = {"max_members": "0", "max_clients": "0", "max_api_keys": "0"}
    assert created.details == numbers | {
        "name": "acme",
        "currency": "EUR",
        "rate_limit": "7",
        "user_rate_limit": "0",
        "class_limits": "",
    }
    rates = {"rate_limit": "0", "user_rate_limit": "2", "class_limits": "read=5 write=3"}
    assert changed.details == numbers | rates | {"max_members": "4"}
