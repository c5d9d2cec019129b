"""Rules are snoozed for keys in their canonical form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.fraud.domain.scenarios.snoozes import LONGEST_SNOOZE, MOST_SNOOZES, Snooze
from services.fraud.ports.scenarios import SnoozePlace
from services.fraud.service.scenarios.snoozing import Snoozing
from tests.support.scenarios import BuiltInNames, ScenarioBench


@pytest.fixture
def bench() -> ScenarioBench:
    return ScenarioBench()


@pytest.fixture
def snoozing(bench: ScenarioBench) -> Snoozing:
    return Snoozing(bench.reads, BuiltInNames(), bench.clock)


async def snooze(bench: ScenarioBench, snoozing: Snoozing, tenant: str = "t", **changed: Any) -> Snooze:
    values: dict[str, Any] = {
        "rule_id": "high",
        "field": "user_id",
        "value": "u1",
        "until": bench.now + timedelta(hours=1),
    } | changed
    async with bench.writer.begin(tenant) as changes:
        return await snoozing.snooze(changes, tenant, Snooze(created_at=bench.now, created_by="bob", **values))


@pytest.mark.parametrize(
    ("field", "sent", "stored"),
    [
        ("user_id", " U1 ", " U1 "),
        ("ip_address", "2001:0DB8::0001", "2001:db8::1"),
        ("email", "Ann@EXAMPLE.com", "ann@example.com"),
    ],
)
async def test_a_key_has_one_form(bench: ScenarioBench, snoozing: Snoozing, field: str, sent: str, stored: str) -> None:
    assert (await snooze(bench, snoozing, field=field, value=sent)).value == stored
    (found,), more = await snoozing.page("t", SnoozePlace(), 10)
    assert (found.value, more) == (stored, False)
    async with bench.writer.begin("t") as changes:
        await snoozing.end(changes, "t", SnoozePlace("high", field, sent))
        with pytest.raises(MeshError) as caught:
            await snoozing.end(changes, "t", SnoozePlace("high", field, sent))
    assert caught.value.reason == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"rule_id": ""}, "snooze.rule_id"),
        ({"value": ""}, "snooze.value"),
        ({"field": "channel"}, "snooze.field"),
        ({"field": "nothing"}, "snooze.field"),
        ({"field": "ip_address", "value": "1.2.3"}, "snooze.value"),
        ({"field": "email", "value": "none"}, "snooze.value"),
        ({"until": timedelta(0)}, "snooze.until"),
        ({"until": LONGEST_SNOOZE + timedelta(seconds=1)}, "snooze.until"),
    ],
)
async def test_what_is_no_snooze_is_refused(
    bench: ScenarioBench, snoozing: Snoozing, changed: dict[str, Any], field: str
) -> None:
    if "until" in changed:
        changed = {"until": bench.now + changed["until"]}
    with pytest.raises(MeshError) as caught:
        await snooze(bench, snoozing, **changed)
    assert [each.field for each in caught.value.violations] == [field]


async def test_a_tenant_has_ten_thousand_and_no_other_pays_for_them(bench: ScenarioBench, snoozing: Snoozing) -> None:
    for place in range(MOST_SNOOZES):
        each = Snooze(
            rule_id="r", field="user_id", value=f"u{place}", until=bench.now + timedelta(1), created_at=bench.now
        )
        bench.rows.snoozes["t", SnoozePlace("r", "user_id", f"u{place}")] = each
    with pytest.raises(MeshError) as caught:
        await snooze(bench, snoozing)
    assert caught.value.reason == "STATE_NOT_ALLOWED"
    await snooze(bench, snoozing, rule_id="r", value="u7")
    await snooze(bench, snoozing, "other")
