"""The authorization server in memory."""

from __future__ import annotations

import pytest

from tests.support.signing_in import SignInWorld


@pytest.fixture
async def world() -> SignInWorld:
    world = SignInWorld()
    await world.keyring.refresh()
    return world
