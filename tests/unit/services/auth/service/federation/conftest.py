"""The authorization server in memory, with a tenant whose members sign in by a provider of its own."""

from __future__ import annotations

import pytest

from tests.support.signing_in import SignInWorld


@pytest.fixture
async def world() -> SignInWorld:
    world = SignInWorld()
    await world.keyring.refresh()
    await world.federation.set(world.tenant.tenant_id)
    return world
