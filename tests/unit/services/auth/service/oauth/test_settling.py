"""Tokens that are asked for in the second in which others of the member were revoked are good, and of later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.auth.domain.members import Member
from services.auth.service.oauth.settling import Settling
from tests.support.signing_in import SignInWorld, claims_of, reason_of


def changed(world: SignInWorld, how: str) -> dict[str, Any]:
    return {"signed_out_at": world.now} if how == "signed out" else {"updated_at": world.now, "revision": 2}


@pytest.mark.parametrize("how", ["signed out", "other roles"])
async def test_tokens_of_who_comes_back_at_once_are_of_the_next_second(world: SignInWorld, how: str) -> None:
    world.wait(milliseconds=300)
    world.change(world.ann, **changed(world, how))
    ended = world.seconds()
    granted = await world.redeem(await world.code())
    assert claims_of(granted.access.token)["iat"] > ended


async def test_refresh_after_a_change_of_roles_is_of_the_next_second(world: SignInWorld) -> None:
    granted = await world.redeem(await world.code())
    world.wait(milliseconds=300)
    world.change(world.ann, **changed(world, "other roles"))
    ended = world.seconds()
    assert claims_of((await world.refresh(granted.refresh_token)).access.token)["iat"] > ended


async def test_account_page_waits_as_well(world: SignInWorld) -> None:
    view = await world.signed_in()
    world.change(world.ann, **changed(world, "other roles"))
    ended = world.seconds()
    assert claims_of((await world.server.account.open(view.session)).token)["iat"] > ended


async def test_who_is_disabled_meanwhile_gets_none(world: SignInWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    code, waiting = await world.code(), world.wait

    def disabled(**span: float) -> None:
        waiting(**span)
        world.change(world.ann, disabled_at=world.now)

    world.change(world.ann, **changed(world, "signed out"))
    monkeypatch.setattr(world, "wait", disabled)
    assert await reason_of(world.redeem(code)) == "GRANT_INVALID"


@pytest.mark.parametrize(("seconds", "waits"), [(-1.5, False), (-0.5, True), (0.0, True), (5.0, False)])
async def test_nobody_waits_for_longer_than_a_second(world: SignInWorld, seconds: float, waits: bool) -> None:
    world.wait(milliseconds=700)
    slept: list[float] = []

    async def sleep(span: float) -> None:
        slept.append(span)

    member: Member = replace(world.ann, signed_out_at=world.now + timedelta(seconds=seconds))
    assert await Settling(world.clock, sleep).wait(member) is waits
    assert all(0 < each <= 1 for each in slept) and bool(slept) is waits
