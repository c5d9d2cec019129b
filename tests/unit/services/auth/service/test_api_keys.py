from __future__ import annotations

import re
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.auth.domain.secrets import secret_hash
from tests.support.programs import ProgramWorld


@pytest.fixture
async def world() -> ProgramWorld:
    world = ProgramWorld()
    await world.begin()
    return world


async def refused(call: Awaitable[Any]) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await call
    return caught.value


async def test_key_is_random_and_only_its_hash_is_kept(world: ProgramWorld) -> None:
    made = await world.key(["user:read"])
    assert re.fullmatch(r"rpk_[A-Za-z0-9]{49}", made.secret)
    assert re.fullmatch(r"key-[a-z2-7]{12}", made.key.key_id)
    assert (made.key.prefix, made.key.secrets.current) == (made.secret[:8], secret_hash(made.secret))
    assert made.secret not in repr(made)


async def test_key_lives_for_ninety_days_and_at_most_a_year(world: ProgramWorld) -> None:
    assert (await world.key()).key.expires_at == world.time() + timedelta(days=90)
    await world.key(life=timedelta(days=366))
    for life in (timedelta(days=366, seconds=1), timedelta(), timedelta(days=-1)):
        error = await refused(world.key(life=life))
        assert [violation.field for violation in error.violations] == ["api_key.expire_time"]


async def test_key_gets_no_name_that_nobody_can_read(world: ProgramWorld) -> None:
    error = await refused(world.key(name="Till\u202e"))
    assert [violation.field for violation in error.violations] == ["api_key.display_name"]


async def test_nobody_gives_a_key_more_than_it_has(world: ProgramWorld) -> None:
    weak = world.caller("client:write", "user:read")
    assert (await refused(world.key(["pii:read"], weak))).reason == "SCOPE_NOT_HELD"
    strong = await world.key(["pii:read"])
    async with world.keys.begin(world.tenant.tenant_id) as changes:
        assert (
            await refused(world.key_keeper.rotate(changes, weak, strong.key.key_id, None))
        ).reason == "SCOPE_NOT_HELD"
        await world.key_keeper.delete(changes, strong.key.key_id)


async def test_rotating_while_two_are_good_or_after_the_end_is_told(world: ProgramWorld) -> None:
    made = await world.key()
    async with world.keys.begin(world.tenant.tenant_id) as changes:
        rotated = await world.key_keeper.rotate(changes, world.boss, made.key.key_id, None)
        error = await refused(world.key_keeper.rotate(changes, world.boss, made.key.key_id, None))
    assert error.metadata == {"state": "rotating"}
    assert rotated.key.expires_at == made.key.expires_at
    assert rotated.key.secrets.previous_until == world.time() + timedelta(hours=24)
    world.now += timedelta(days=90).total_seconds()
    async with world.keys.begin(world.tenant.tenant_id) as changes:
        error = await refused(world.key_keeper.rotate(changes, world.boss, made.key.key_id, None))
    assert error.metadata == {"state": "expired"}


async def test_deleted_key_and_its_tokens_are_refused(world: ProgramWorld) -> None:
    made = await world.key()
    async with world.keys.begin(world.tenant.tenant_id) as changes:
        await world.key_keeper.delete(changes, made.key.key_id)
    (revoked,) = world.keys.revocations
    assert (revoked.name, revoked.issued_before) == (made.key.key_id, None)
    assert (await refused(world.service.exchange_api_key(made.secret))).reason == "API_KEY_INVALID"


async def test_key_of_another_tenant_is_not_there(world: ProgramWorld) -> None:
    made = await world.key()
    other = await world.managed.create_tenant("globex", "")
    async with world.keys.begin(other.tenant_id) as changes:
        assert (await refused(world.key_keeper.delete(changes, made.key.key_id))).metadata == {"resource": "api_key"}
    assert (await refused(world.key_keeper.get(other.tenant_id, made.key.key_id))).reason == "RESOURCE_NOT_FOUND"
    assert await world.key_keeper.page(other.tenant_id, "", 10) == ([], False)
