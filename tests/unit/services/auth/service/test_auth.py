"""Tokens for programs: who gets one, what it says, and who is refused how."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meshkit.context import CallContext, Confirmation, Quota, set_current
from meshkit.errors import Kind, MeshError
from services.auth.domain.clients import AuthenticationMethod, ClientSettings, GrantType, SenderConstraint
from services.auth.domain.tenants import TenantPlan
from services.auth.domain.token_requests import ClientProof
from services.auth.service.recent import LIFE_SECONDS
from services.auth.service.suspension import TenantControl
from tests.support.programs import GIVEN, ROLES, ProgramWorld


@pytest.fixture
async def world() -> ProgramWorld:
    world = ProgramWorld()
    await world.begin()
    return world


async def refused(call: Awaitable[Any]) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await call
    return caught.value


async def reason(world: ProgramWorld, client_id: str, secret: str, scope: str = "") -> tuple[Kind, str, str]:
    error = await refused(world.service.issue_token(ClientProof(client_id, secret), scope))
    return error.kind, error.reason, error.message


async def test_token_says_who_the_client_is_and_what_it_may_do(world: ProgramWorld) -> None:
    made = await world.client(ClientSettings(rate_limit=20), ["user:read", "decision:create"])
    issued = await world.token(made)
    principal = await world.verifier.verify(issued.token)
    assert principal.tenant_id == world.tenant.tenant_id
    assert principal.client_id == principal.subject == made.client.client_id
    assert principal.scopes == {"user:read", "decision:create"}
    assert (principal.rate_limit, principal.currency) == (20, "EUR")
    assert principal.roles == {"service"}
    assert (principal.issued_at, principal.session_id, principal.confirmation) == (1_800_000_000, "", None)
    assert (issued.scope, issued.expires_in) == ("decision:create user:read", 600)


async def test_token_is_bound_to_the_certificate_of_a_client_that_is_registered_so(world: ProgramWorld) -> None:
    made = await world.client(ClientSettings(constraint=SenderConstraint.MTLS))
    shown = ClientProof(made.client.client_id, made.secret)
    issued = await world.service.issue_token(shown, "", "A" * 43)
    assert (await world.verifier.verify(issued.token)).confirmation == Confirmation("x5t#S256", "A" * 43)
    assert (await refused(world.service.issue_token(shown, ""))).reason == "CERTIFICATE_REQUIRED"


async def test_client_whose_tokens_are_bound_to_a_key_gets_none_where_there_are_no_proofs(world: ProgramWorld) -> None:
    made = await world.client(ClientSettings(constraint=SenderConstraint.DPOP))
    shown = ClientProof(made.client.client_id, made.secret)
    assert (await refused(world.service.issue_token(shown, "", "A" * 43))).reason == "PROOF_INVALID"


async def test_suspended_tenant_gets_no_tokens_until_it_goes_on(world: ProgramWorld) -> None:
    made = await world.client()
    control = TenantControl(world.directory, clock=world.time)
    assert (await control.suspend("acme")).suspended_at == datetime.fromtimestamp(world.now, UTC)
    assert (await control.find("acme")).suspended_at is not None
    assert (await refused(world.token(made))).reason == "TENANT_SUSPENDED"
    assert (await refused(world.service.operator_token("acme", []))).reason == "TENANT_SUSPENDED"
    # Whoever does not know the secret learns nothing of the tenant.
    assert (await reason(world, made.client.client_id, "wrong"))[1] == "CLIENT_INVALID"
    assert (await control.resume("acme")).suspended_at is None
    world.now += LIFE_SECONDS
    assert (await world.token(made)).expires_in == 600
    assert [event.action for event in world.directory.events] == ["tenant.create", "tenant.suspend", "tenant.resume"]


async def test_no_tenant_cannot_be_suspended(world: ProgramWorld) -> None:
    control = TenantControl(world.directory, clock=world.time)
    for change in (control.find, control.suspend, control.resume):
        with pytest.raises(MeshError, match="there is no such tenant"):
            await change("nobody")


PLANS = {
    "none": (TenantPlan(), Quota()),
    "everything": (
        TenantPlan(500, 5, (("decision", 300), ("read", 9))),
        Quota(500, 5, (("decision", 300), ("read", 9))),
    ),
    "one class": (TenantPlan(class_limits=(("write", 1),)), Quota(classes=(("write", 1),))),
}


@pytest.mark.parametrize("name", PLANS)
async def test_token_carries_the_plan_of_the_tenant(world: ProgramWorld, name: str) -> None:
    plan, quota = PLANS[name]
    await world.managed.set_plan("acme", plan)
    issued = await world.token(await world.client())
    assert (await world.verifier.verify(issued.token)).quota == quota


async def test_changed_plan_counts_from_a_token_a_moment_later(world: ProgramWorld) -> None:
    made = await world.client()
    before = await world.token(made)
    assert (await world.managed.set_plan("acme", TenantPlan(rate_limit=7))).plan == TenantPlan(rate_limit=7)
    world.now += LIFE_SECONDS
    after = await world.token(made)
    assert [(await world.verifier.verify(each.token)).quota.tenant for each in (before, after)] == [0, 7]


async def test_token_expires_after_the_set_time(world: ProgramWorld) -> None:
    issued = await world.token(await world.client())
    world.now += 599
    assert (await world.verifier.verify(issued.token)).currency == "EUR"
    world.now += 1
    assert (await refused(world.verifier.verify(issued.token))).reason == "TOKEN_INVALID"


async def test_every_token_is_different(world: ProgramWorld) -> None:
    made = await world.client()
    assert len({(await world.token(made)).token for _ in range(10)}) == 10


async def test_narrower_scopes_are_granted_as_asked(world: ProgramWorld) -> None:
    made = await world.client()
    issued = await world.token(made, "user:read  decision:read user:read")
    assert issued.scope == "decision:read user:read"
    assert (await world.verifier.verify(issued.token)).scopes == {"decision:read", "user:read"}


@pytest.mark.parametrize("scope", ["fraud:backfill", "user:read fraud:backfill", "USER:READ", "everything"])
async def test_scope_that_the_client_does_not_have_is_refused_by_name(world: ProgramWorld, scope: str) -> None:
    error = await refused(world.token(await world.client(), scope))
    assert (error.kind, error.reason) == (Kind.INVALID_ARGUMENT, "SCOPE_INVALID")
    assert error.metadata == {"scope": scope.split()[-1]}


async def test_whoever_is_not_a_client_gets_one_answer(world: ProgramWorld) -> None:
    made, disabled = await world.client(), await world.client()
    async with world.clients.begin(world.tenant.tenant_id) as changes:
        await world.keeper.disable(changes, disabled.client.client_id)
    answers = {
        await reason(world, made.client.client_id, made.secret[:-1]),
        await reason(world, made.client.client_id, made.secret + "x"),
        await reason(world, made.client.client_id, "é😀"),
        await reason(world, made.client.client_id, ""),
        await reason(world, "", ""),
        await reason(world, "acme-nobody", made.secret),
        await reason(world, "ACME\0' OR 1=1", "x"),
        await reason(world, disabled.client.client_id, disabled.secret),
        # Nobody may use up a scope error to learn that a client exists.
        await reason(world, made.client.client_id, "wrong", "no:such"),
    }
    assert answers == {(Kind.UNAUTHENTICATED, "CLIENT_INVALID", "the client credentials are wrong")}


async def test_failed_authentication_is_an_event_without_the_secret(
    world: ProgramWorld, caplog: pytest.LogCaptureFixture
) -> None:
    made = await world.client()
    with caplog.at_level(logging.INFO):
        await reason(world, made.client.client_id, "the-secret")
        await reason(world, "the-secret-in-the-wrong-place", "x")
    known, unknown = world.audit.events[-2:]
    assert (known.action, known.target, known.reason) == (
        "client.authenticate",
        f"clients/{made.client.client_id}",
        "CLIENT_INVALID",
    )
    assert unknown.target == ""
    assert "the-secret" not in f"{world.audit.events} {caplog.text}"


async def test_rows_are_looked_up_once_in_a_second_also_those_that_do_not_exist(world: ProgramWorld) -> None:
    made = await world.client()
    for _ in range(5):
        await world.token(made)
        await reason(world, "acme-nobody", "x")
    assert world.clients.lookups == 2
    world.now += LIFE_SECONDS
    await world.token(made)
    assert world.clients.lookups == 3


PERSON = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
CLIENTS = {
    "program": ClientSettings(),
    "web": ClientSettings(grant_types=PERSON, redirect_uris=("https://app.example/back",)),
    "both": ClientSettings(
        grant_types=PERSON | {GrantType.CLIENT_CREDENTIALS}, redirect_uris=("https://app.example/back",)
    ),
    "device": ClientSettings(
        grant_types=frozenset({GrantType.DEVICE_CODE, GrantType.REFRESH_TOKEN}), method=AuthenticationMethod.NONE
    ),
}


@pytest.mark.parametrize("grant", GrantType)
@pytest.mark.parametrize("name", CLIENTS)
async def test_client_has_its_grant_types_and_no_others(world: ProgramWorld, name: str, grant: GrantType) -> None:
    made = await world.client(CLIENTS[name])
    found = await world.authenticator.find(made.client.client_id)
    assert found is not None
    assert found.may(grant) is (grant in CLIENTS[name].grant_types)
    if GrantType.CLIENT_CREDENTIALS not in CLIENTS[name].grant_types:
        error = await refused(world.token(made))
        assert (error.reason, error.metadata) == ("GRANT_UNSUPPORTED", {"grant_type": "client_credentials"})


async def test_public_client_shows_no_secret(world: ProgramWorld) -> None:
    made = await world.client(CLIENTS["device"])
    assert made.secret == ""
    client = await world.authenticator.authenticate(ClientProof(made.client.client_id))
    assert (client.client_id, client.settings, client.tenant) == (
        made.client.client_id,
        made.client.settings,
        world.tenant,
    )
    shown = ClientProof(made.client.client_id, "anything")
    assert (await refused(world.authenticator.authenticate(shown))).reason == "CLIENT_INVALID"


async def test_api_key_is_exchanged_for_a_short_token_of_its_own(world: ProgramWorld) -> None:
    made = await world.key(["user:read"])
    issued = await world.service.exchange_api_key(made.secret)
    principal = await world.verifier.verify(issued.token)
    assert (principal.client_id, principal.subject) == (made.key.key_id, made.key.key_id)
    assert principal.tenant_id == world.tenant.tenant_id
    assert principal.scopes == {"user:read"}
    assert (principal.rate_limit, issued.expires_in) == (100, 300)


async def test_api_key_that_is_none_is_refused_without_a_look_up_if_its_checksum_tells(world: ProgramWorld) -> None:
    made = await world.key()
    shown: list[bytes] = []
    find = world.keys.shown

    async def counted(key_hash: bytes) -> Any:
        shown.append(key_hash)
        return await find(key_hash)

    world.keys.shown = counted  # type: ignore[method-assign]
    for wrong in ("", "rpk_", made.secret[:-1], made.secret + "a", made.secret.swapcase(), "é" * 53):
        assert (await refused(world.service.exchange_api_key(wrong))).reason == "API_KEY_INVALID"
    assert shown == []


async def test_token_of_an_api_key_ends_with_it(world: ProgramWorld) -> None:
    made = await world.key(life=timedelta(seconds=90))
    assert (await world.service.exchange_api_key(made.secret)).expires_in == 90
    world.now += 90
    assert (await refused(world.service.exchange_api_key(made.secret))).reason == "API_KEY_INVALID"


async def test_former_api_key_is_good_for_its_grace_alone(world: ProgramWorld) -> None:
    made = await world.key()
    async with world.keys.begin(world.tenant.tenant_id) as changes:
        rotated = await world.key_keeper.rotate(changes, world.boss, made.key.key_id, timedelta(seconds=60))
    assert (await world.service.exchange_api_key(made.secret)).expires_in == 60
    assert (await world.service.exchange_api_key(rotated.secret)).expires_in == 300
    world.now += 60
    assert (await refused(world.service.exchange_api_key(made.secret))).reason == "API_KEY_INVALID"
    await world.service.exchange_api_key(rotated.secret)


async def test_uses_of_a_key_are_written_once_for_many(world: ProgramWorld) -> None:
    made = await world.key()
    await world.service.exchange_api_key(made.secret)
    world.now += 5
    await world.service.exchange_api_key(made.secret)
    assert (await world.keys.get(world.tenant.tenant_id, made.key.key_id)) == made.key
    await world.uses.write()
    assert (await world.keys.get(world.tenant.tenant_id, made.key.key_id)) == replace(
        made.key, last_used_at=world.time()
    )


async def test_operator_with_a_name_acts_in_it(world: ProgramWorld) -> None:
    set_current(CallContext(peer="operator/alice"))
    issued = await world.service.operator_token("acme", [])
    assert (await world.verifier.verify(issued.token)).subject == "operator/alice"
    assert world.audit.events[-1].actor == "operator/alice"


async def test_operator_acts_as_an_owner_of_one_tenant_for_five_minutes(world: ProgramWorld) -> None:
    issued = await world.service.operator_token("acme", [])
    principal = await world.verifier.verify(issued.token)
    assert (principal.tenant_id, principal.subject) == (world.tenant.tenant_id, "operator")
    assert principal.roles == {"owner"}
    assert principal.scopes == ROLES.permitted(["owner"])
    assert issued.expires_in == 300
    event = world.audit.events[-1]
    assert (event.action, event.tenant_id) == ("operator.token", world.tenant.tenant_id)
    narrow = await world.service.operator_token("acme", ["client:read"])
    assert (await world.verifier.verify(narrow.token)).scopes == {"client:read"}


async def test_operator_token_for_what_does_not_exist_is_refused(world: ProgramWorld) -> None:
    assert (await refused(world.service.operator_token("nobody", []))).reason == "RESOURCE_NOT_FOUND"
    assert (await refused(world.service.operator_token("acme", ["root:all"]))).reason == "SCOPE_INVALID"


async def test_usual_scopes_of_a_program_are_ordinary_ones_that_programs_can_have(world: ProgramWorld) -> None:
    usual = (await world.client()).client.settings.scopes
    assert usual == GIVEN.usual <= ROLES.permitted(["service"])
    assert usual.isdisjoint({"fraud:backfill", "pii:read", "scenario:publish", "scenario:policy", "client:write"})
