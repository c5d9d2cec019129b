"""What is done with clients: nobody gives more than it has, and what ends a client ends its tokens."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from meshkit.errors import Kind, MeshError
from services.auth.domain.clients import (
    AuthenticationMethod,
    Client,
    ClientSettings,
    GrantType,
    NewClient,
    SenderConstraint,
)
from services.auth.domain.revocations import RevocationKind
from services.auth.domain.tenants import TenantPlan
from services.auth.ports import ClientChanges
from services.auth.service.recent import LIFE_SECONDS
from tests.support.programs import TOKEN_SECONDS, ProgramWorld
from tests.support.tokens import Issuer

KEY = Issuer().jwk


@pytest.fixture
async def world() -> ProgramWorld:
    world = ProgramWorld()
    await world.begin()
    return world


async def refused(call: Awaitable[Any]) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await call
    return caught.value


@asynccontextmanager
async def changing(world: ProgramWorld) -> AsyncIterator[ClientChanges]:
    async with world.clients.begin(world.tenant.tenant_id) as changes:
        yield changes


async def update(world: ProgramWorld, made: NewClient, **settings: Any) -> Client:
    async with changing(world) as changes:
        return await world.keeper.update(
            changes, world.boss, made.client.client_id, lambda known: replace(known, **settings)
        )


async def rotate(world: ProgramWorld, made: NewClient, grace: timedelta | None = None) -> NewClient:
    async with changing(world) as changes:
        return await world.keeper.rotate(changes, world.boss, made.client.client_id, grace)


async def test_client_gets_a_random_secret_of_which_the_hash_is_kept(world: ProgramWorld) -> None:
    made = [await world.client() for _ in range(20)]
    assert len({one.secret for one in made}) == len({one.client.client_id for one in made}) == 20
    for one in made:
        assert re.fullmatch(r"client-[a-z2-7]{12}", one.client.client_id)
        assert re.fullmatch(r"rcs_[A-Za-z0-9_-]{43}", one.secret)
        assert one.client.secrets.current == hashlib.sha256(one.secret.encode()).digest()


async def test_nobody_gives_a_scope_that_it_does_not_have(world: ProgramWorld) -> None:
    caller = world.caller("client:write", "user:read")
    error = await refused(world.client(None, ["user:read", "scenario:publish"], caller))
    assert (error.kind, error.reason) == (Kind.PERMISSION_DENIED, "SCOPE_NOT_HELD")
    assert error.metadata == {"scope": "scenario:publish"}
    assert (await world.client(None, [], caller)).client.settings.scopes == {"user:read"}


async def test_nobody_takes_over_a_client_that_may_do_more(world: ProgramWorld) -> None:
    made, weak = await world.client(None, ["scenario:publish"]), world.caller("client:write", "user:read")
    name = made.client.client_id
    async with changing(world) as changes:
        keeper = world.keeper
        for call in (
            keeper.rotate(changes, weak, name, None),
            keeper.enable(changes, weak, name),
            keeper.update(changes, weak, name, lambda known: replace(known, redirect_uris=("https://evil.example",))),
            keeper.update(changes, weak, name, lambda known: replace(known, scopes=frozenset({"user:read"}))),
        ):
            assert (await refused(call)).reason == "SCOPE_NOT_HELD"
        # Whoever sees a leak may always end it.
        await keeper.revoke_secrets(changes, name, previous_only=False)


async def test_unknown_scopes_are_refused_by_place(world: ProgramWorld) -> None:
    error = await refused(world.client(None, ["user:read", "user:delete", "root:all"]))
    assert [violation.field for violation in error.violations] == ["client.scopes[1]", "client.scopes[2]"]


REFUSED = {
    "plain http": (ClientSettings(redirect_uris=("http://app.example/x",)), "client.redirect_uris[0]"),
    "fragment": (ClientSettings(redirect_uris=("https://app.example/#x",)), "client.redirect_uris[0]"),
    "wildcard": (ClientSettings(redirect_uris=("https://*.example/",)), "client.redirect_uris[0]"),
    "user": (ClientSettings(redirect_uris=("https://a@app.example/",)), "client.redirect_uris[0]"),
    "name turned around": (ClientSettings(display_name="Shop \u202egnp"), "client.display_name"),
    "name of nothing": (ClientSettings(display_name=" \u00a0"), "client.display_name"),
    "name with what is not seen": (ClientSettings(display_name="Ram\u200bpart"), "client.display_name"),
    "own scheme": (ClientSettings(redirect_uris=("app:/back",)), "client.redirect_uris[0]"),
    "script": (ClientSettings(redirect_uris=("javascript:alert(1)",)), "client.redirect_uris[0]"),
    "backslash": (ClientSettings(redirect_uris=("https://app.example\\@evil.example/",)), "client.redirect_uris[0]"),
    "nowhere": (ClientSettings(grant_types=frozenset({GrantType.AUTHORIZATION_CODE})), "client.redirect_uris"),
    "refresh alone": (ClientSettings(grant_types=frozenset({GrantType.REFRESH_TOKEN})), "client.grant_types"),
    "public program": (ClientSettings(method=AuthenticationMethod.NONE), "client.grant_types"),
    "no key": (ClientSettings(method=AuthenticationMethod.PRIVATE_KEY_JWT), "client.jwks"),
    "key beside a secret": (ClientSettings(keys=(KEY,)), "client.jwks"),
    "private key": (
        ClientSettings(method=AuthenticationMethod.PRIVATE_KEY_JWT, keys=(KEY | {"crv": "P-999"},)),
        "client.jwks.keys[0]",
    ),
    "keys of one name": (
        ClientSettings(method=AuthenticationMethod.PRIVATE_KEY_JWT, keys=(KEY, KEY)), "client.jwks.keys"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_client_that_cannot_work_or_is_not_safe_is_refused(world: ProgramWorld, name: str) -> None:
    settings, field = REFUSED[name]
    error = await refused(world.client(settings))
    assert [violation.field for violation in error.violations] == [field]


async def test_name_may_be_of_any_script_and_hold_emoji(world: ProgramWorld) -> None:
    for name in ("", "Kasse \U0001f469\u200d\U0001f4bb", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"):
        assert (await world.client(ClientSettings(display_name=name))).client.settings.display_name == name


@pytest.mark.parametrize(
    "uri", ["https://app.example/back?x=1", "http://127.0.0.1/callback", "http://[::1]:8080/x", "https://a.example:444"]
)
async def test_redirect_uri_is_kept_to_the_character(world: ProgramWorld, uri: str) -> None:
    assert (await world.client(ClientSettings(redirect_uris=(uri,)))).client.settings.redirect_uris == (uri,)


async def test_tenant_has_as_many_programs_as_its_plan_says(world: ProgramWorld) -> None:
    await world.managed.set_plan("acme", TenantPlan(max_clients=2, max_api_keys=1))
    await world.key()
    for _ in range(2):
        await world.client()
    for another, words in ((world.client(), "has 2 of 2 clients"), (world.key(), "has 1 of 1 API keys")):
        error = await refused(another)
        assert (error.reason, words in error.message) == ("QUOTA_EXCEEDED", True)
    # One that is there already is not in the way of a plan with less, and goes on.
    await world.managed.set_plan("acme", TenantPlan(max_clients=1))
    assert (await refused(world.client())).metadata == {"quota": "clients", "limit": "1", "used": "2"}


async def test_both_secrets_are_good_during_the_grace(world: ProgramWorld) -> None:
    made = await world.client()
    rotated = await rotate(world, made, timedelta(hours=1))
    for _ in range(2):
        await world.token(made)
        await world.token(rotated)
        world.now += 3599 / 2
    world.now += 1
    assert (await refused(world.token(made))).reason == "CLIENT_INVALID"
    await world.token(rotated)


async def test_grace_is_a_day_unless_something_else_is_said(world: ProgramWorld) -> None:
    made = await world.client()
    rotated = await rotate(world, made)
    assert rotated.client.secrets.previous_until == world.time() + timedelta(hours=24)
    other = await world.client()
    await rotate(world, other, timedelta())
    assert (await refused(world.token(other))).reason == "CLIENT_INVALID"


async def test_rotating_while_two_secrets_are_good_is_told(world: ProgramWorld) -> None:
    made = await world.client()
    await rotate(world, made)
    error = await refused(rotate(world, made))
    assert (error.reason, error.metadata) == ("STATE_NOT_ALLOWED", {"state": "rotating"})
    async with changing(world) as changes:
        await world.keeper.revoke_secrets(changes, made.client.client_id, previous_only=True)
    world.now += LIFE_SECONDS
    assert (await refused(world.token(made))).reason == "CLIENT_INVALID"
    await rotate(world, made)


async def test_client_without_a_secret_has_none_to_rotate(world: ProgramWorld) -> None:
    made = await world.client(ClientSettings(method=AuthenticationMethod.PRIVATE_KEY_JWT, keys=(KEY,)))
    assert (made.secret, made.client.secrets.current) == ("", None)
    assert (await refused(rotate(world, made))).metadata == {"state": "private_key_jwt"}


async def test_revoked_secrets_and_the_tokens_of_before_are_refused(world: ProgramWorld) -> None:
    made = await world.client()
    async with changing(world) as changes:
        await world.keeper.revoke_secrets(changes, made.client.client_id, previous_only=False)
    (revoked,) = world.clients.revocations
    assert (revoked.kind, revoked.name) == (RevocationKind.CLIENT, made.client.client_id)
    # Nothing is issued by what a replica read before, that is not refused: and the next secret works soon.
    last = world.time() + timedelta(seconds=LIFE_SECONDS)
    assert (revoked.issued_before, revoked.until) == (last, last + timedelta(seconds=TOKEN_SECONDS))
    world.now += LIFE_SECONDS
    assert (await refused(world.token(made))).reason == "CLIENT_INVALID"
    rotated = await rotate(world, made)
    assert rotated.client.secrets.previous is None
    world.now += LIFE_SECONDS
    await world.token(rotated)


async def test_disabled_client_has_no_tokens_until_it_is_enabled(world: ProgramWorld) -> None:
    made = await world.client()
    await world.token(made)
    for _ in range(2):
        async with changing(world) as changes:
            disabled = await world.keeper.disable(changes, made.client.client_id)
        assert disabled.disabled_at == world.time()
    assert [(each.issued_before, each.until) for each in world.clients.revocations] == [(None, None)]
    world.now += LIFE_SECONDS
    assert (await refused(world.token(made))).reason == "CLIENT_INVALID"
    async with changing(world) as changes:
        await world.keeper.enable(changes, world.boss, made.client.client_id)
    assert world.clients.lifted[-1].issued_before is not None
    world.now += LIFE_SECONDS
    await world.token(made)


async def test_deleted_client_is_gone_and_so_are_its_tokens(world: ProgramWorld) -> None:
    made = await world.client()
    async with changing(world) as changes:
        await world.keeper.delete(changes, made.client.client_id)
    assert world.clients.revocations[-1].issued_before is None
    assert (await refused(world.token(made))).reason == "CLIENT_INVALID"
    assert (await refused(world.keeper.get(world.tenant.tenant_id, made.client.client_id))).metadata == {
        "resource": "client"
    }


LESS: dict[str, tuple[dict[str, Any], bool]] = {
    "name": ({"display_name": "x"}, False),
    "higher limit": ({"rate_limit": 200}, False),
    "lower limit": ({"rate_limit": 1}, True),
    "fewer scopes": ({"scopes": frozenset({"user:read"})}, True),
    "bound tokens": ({"constraint": SenderConstraint.DPOP}, True),
    "another proof": ({"method": AuthenticationMethod.PRIVATE_KEY_JWT, "keys": (KEY,)}, True),
}


@pytest.mark.parametrize("name", LESS)
async def test_tokens_of_before_are_refused_once_the_client_may_do_less(world: ProgramWorld, name: str) -> None:
    settings, ends = LESS[name]
    made = await world.client(None, ["user:read", "user:write"])
    changed = await update(world, made, **settings)
    assert changed.tag != made.client.tag
    assert bool(world.clients.revocations) is ends


async def test_update_that_changes_nothing_makes_no_new_state(world: ProgramWorld) -> None:
    made = await world.client()
    world.now += 5
    assert await update(world, made, display_name="") == made.client
    assert [event.action for event in world.clients.events] == ["client.create"]


async def test_client_of_another_tenant_is_not_there(world: ProgramWorld) -> None:
    made = await world.client()
    other = await world.managed.create_tenant("globex", "")
    async with world.clients.begin(other.tenant_id) as changes:
        name = made.client.client_id
        for call in (
            world.keeper.rotate(changes, world.boss, name, None),
            world.keeper.disable(changes, name),
            world.keeper.delete(changes, name),
            world.keeper.get(other.tenant_id, name),
        ):
            assert (await refused(call)).reason == "RESOURCE_NOT_FOUND"


async def test_every_change_is_an_event_without_secrets(world: ProgramWorld) -> None:
    made = await world.client()
    rotated = await rotate(world, made)
    await update(world, made, display_name="Ada Example")
    async with changing(world) as changes:
        await world.keeper.delete(changes, made.client.client_id)
    actions = ["client.create", "client.rotate_secret", "client.update", "client.delete"]
    assert [event.action for event in world.clients.events] == actions
    assert {event.target for event in world.clients.events} == {f"clients/{made.client.client_id}"}
    assert not [text for text in (made.secret, rotated.secret, "Ada") if text in str(world.clients.events)]
    assert made.secret not in repr(made)
