"""The use cases of the auth service on its ports in memory."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets

import pytest

from meshkit.context import Quota
from meshkit.errors import Kind, MeshError
from meshkit.identity.scopes import Scopes
from meshkit.identity.tokens import TokenVerifier
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.adapters.memory_keys import MemorySigningKeyStore
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.keys import KeySchedule
from services.auth.domain.tenants import Client, Tenant, TenantPlan
from services.auth.service.auth import AuthService
from services.auth.service.directory import DirectoryService
from services.auth.service.keyring import Keyring
from tests.support.tokens import AUDIENCE, ISSUER, TRUSTED

DEFAULTS = (
    "case:read case:write decision:create decision:read event_type:read event_type:write label:read label:write "
    "list:read list:write model:read model:write rate:read rate:write report:read report:write scenario:read "
    "scenario:write task:read task:write transaction:read user:read user:write"
)


SCOPES = Scopes.declared_by_methods()


class CountingDirectory(MemoryDirectory):
    lookups = 0

    async def find_client(self, client_id: str) -> tuple[Client, Tenant] | None:
        self.lookups += 1
        return await super().find_client(client_id)


class World:
    """A service with its parts in the open."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.5
        self.directory = CountingDirectory()
        store, sealer = MemorySigningKeyStore(), AesSealer(secrets.token_bytes(32))
        self.keyring = Keyring(store, sealer, KeySchedule(180, 30 * 86_400, 3600), self.clock)
        self.service = AuthService(
            directory=self.directory,
            keyring=self.keyring,
            issuer=ISSUER,
            audience=AUDIENCE,
            token_seconds=600,
            clock=self.clock,
        )
        self.managed = DirectoryService(
            self.directory, scopes=SCOPES.declared, default_scopes=SCOPES.ordinary, clock=self.clock
        )
        self.verifier = TokenVerifier(self.keyring.public_keys, TRUSTED, clock=self.clock)

    def clock(self) -> float:
        return self.now


@pytest.fixture
async def world() -> World:
    world = World()
    await world.keyring.refresh()
    return world


async def reason(world: World, client_id: str, secret: str, scope: str = "") -> tuple[Kind, str, str]:
    with pytest.raises(MeshError) as caught:
        await world.service.issue_token(client_id, secret, scope)
    return caught.value.kind, caught.value.reason, caught.value.message


async def test_token_says_who_the_client_is_and_what_it_may_do(world: World) -> None:
    tenant = await world.managed.create_tenant("acme", "EUR")
    made = await world.managed.create_client("acme", ["user:read", "decision:create"], 20, "Checkout")
    issued = await world.service.issue_token(made.client.client_id, made.secret, "")
    principal = await world.verifier.verify(issued.token)
    assert principal.tenant_id == tenant.tenant_id
    assert principal.client_id == made.client.client_id
    assert principal.scopes == {"user:read", "decision:create"}
    assert (principal.rate_limit, principal.currency) == (20, "EUR")
    assert principal.subject == made.client.client_id
    assert principal.roles == {"service"}
    assert (principal.issued_at, principal.session_id, principal.confirmation) == (1_800_000_000, "", None)
    assert (issued.scope, issued.expires_in) == ("decision:create user:read", 600)


PLANS = {
    "none": (TenantPlan(), Quota()),
    "everything": (
        TenantPlan(500, 5, (("decision", 300), ("read", 9))),
        Quota(500, 5, (("decision", 300), ("read", 9))),
    ),
    "one class": (TenantPlan(class_limits=(("write", 1),)), Quota(classes=(("write", 1),))),
}


@pytest.mark.parametrize("name", PLANS)
async def test_token_carries_the_plan_of_the_tenant(world: World, name: str) -> None:
    plan, quota = PLANS[name]
    await world.managed.create_tenant("acme", "", plan)
    made = await world.managed.create_client("acme", [], 0, "")
    issued = await world.service.issue_token(made.client.client_id, made.secret, "")
    assert (await world.verifier.verify(issued.token)).quota == quota


async def test_changed_plan_counts_from_a_token_some_seconds_later(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    before = await world.service.issue_token(made.client.client_id, made.secret, "")
    assert (await world.managed.set_plan("acme", TenantPlan(rate_limit=7))).plan == TenantPlan(rate_limit=7)
    world.now += 5.1
    after = await world.service.issue_token(made.client.client_id, made.secret, "")
    assert [(await world.verifier.verify(each.token)).quota.tenant for each in (before, after)] == [0, 7]


async def test_plan_of_an_unknown_tenant_is_not_found(world: World) -> None:
    with pytest.raises(MeshError) as caught:
        await world.managed.set_plan("nobody", TenantPlan())
    assert caught.value.reason == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize("currency", ["ZZZ", "XXX", "XAU", "usd"])
async def test_tenant_has_a_currency_in_force_that_has_minor_units(world: World, currency: str) -> None:
    with pytest.raises(MeshError) as caught:
        await world.managed.create_tenant("acme", currency)
    assert [(each.field, each.reason) for each in caught.value.violations] == [("default_currency", "currency.known")]


async def test_tenant_that_exists_keeps_its_plan(world: World) -> None:
    await world.managed.create_tenant("acme", "", TenantPlan(rate_limit=7))
    assert (await world.managed.create_tenant("acme", "", TenantPlan(rate_limit=9))).plan == TenantPlan(rate_limit=7)


async def test_token_expires_after_the_set_time(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    issued = await world.service.issue_token(made.client.client_id, made.secret, "")
    world.now += 599
    assert (await world.verifier.verify(issued.token)).currency == "USD"
    world.now += 1
    with pytest.raises(MeshError):
        await world.verifier.verify(issued.token)


async def test_every_token_is_different(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    issued = {(await world.service.issue_token(made.client.client_id, made.secret, "")).token for _ in range(10)}
    assert len(issued) == 10


async def test_narrower_scopes_are_granted_as_asked(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    issued = await world.service.issue_token(made.client.client_id, made.secret, "user:read  decision:read user:read")
    assert issued.scope == "decision:read user:read"
    assert (await world.verifier.verify(issued.token)).scopes == {"decision:read", "user:read"}


@pytest.mark.parametrize("scope", ["fraud:backfill", "user:read fraud:backfill", "USER:READ", "everything"])
async def test_scope_that_the_client_does_not_have_is_refused_by_name(world: World, scope: str) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    with pytest.raises(MeshError) as caught:
        await world.service.issue_token(made.client.client_id, made.secret, scope)
    assert (caught.value.kind, caught.value.reason) == (Kind.INVALID_ARGUMENT, "SCOPE_INVALID")
    assert caught.value.metadata == {"scope": scope.split()[-1]}


async def test_unknown_client_and_wrong_secret_get_the_same_answer(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    answers = {
        await reason(world, made.client.client_id, made.secret[:-1]),
        await reason(world, made.client.client_id, made.secret + "x"),
        await reason(world, made.client.client_id, "é😀"),
        await reason(world, "acme-nobody", made.secret),
        await reason(world, "ACME\0' OR 1=1", "x"),
        # Nobody may use up a scope error to learn that a client exists.
        await reason(world, made.client.client_id, "wrong", "no:such"),
    }
    assert answers == {(Kind.UNAUTHENTICATED, "CLIENT_INVALID", "the client credentials are wrong")}


async def test_failed_authentication_is_logged_without_the_secret(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await reason(world, "acme-nobody", "the-secret")
    (record,) = [record for record in caplog.records if record.name == "audit"]
    assert record.__dict__["fields"]["client_id"] == "acme-nobody"
    assert "the-secret" not in str(record.__dict__)


async def test_rows_are_looked_up_once_in_five_seconds_also_those_that_do_not_exist(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    for _ in range(5):
        await world.service.issue_token(made.client.client_id, made.secret, "")
        await reason(world, "acme-nobody", "x")
    assert world.directory.lookups == 2
    world.now += 5
    await world.service.issue_token(made.client.client_id, made.secret, "")
    assert world.directory.lookups == 3


async def test_creating_a_tenant_again_returns_it_unchanged(world: World) -> None:
    first = await world.managed.create_tenant("acme", "EUR")
    assert await world.managed.create_tenant("acme", "USD") == first
    assert (await world.managed.create_tenant("globex", "")).tenant_id != first.tenant_id


async def test_client_gets_a_random_secret_of_which_the_hash_is_kept(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = [await world.managed.create_client("acme", [], 0, "") for _ in range(20)]
    assert len({one.secret for one in made}) == len({one.client.client_id for one in made}) == 20
    for one in made:
        assert re.fullmatch(r"acme-[a-z2-7]{12}", one.client.client_id)
        assert len(one.secret) == 43
        assert one.client.secret_hash == hashlib.sha256(one.secret.encode()).digest()


async def test_client_defaults_to_every_scope_but_backfill_and_a_hundred_requests(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    client = (await world.managed.create_client("acme", [], 0, "")).client
    assert " ".join(sorted(client.scopes)) == DEFAULTS
    assert client.rate_limit == 100


async def test_client_of_an_unknown_tenant_is_refused(world: World) -> None:
    with pytest.raises(MeshError) as caught:
        await world.managed.create_client("nobody", [], 0, "")
    assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, "RESOURCE_NOT_FOUND")
    assert caught.value.metadata == {"resource": "tenant"}


async def test_unknown_scopes_of_a_client_are_refused_by_place(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    with pytest.raises(MeshError) as caught:
        await world.managed.create_client("acme", ["user:read", "user:delete", "root:all"], 0, "")
    assert caught.value.reason == "VALIDATION_FAILED"
    assert [violation.field for violation in caught.value.violations] == ["scopes[1]", "scopes[2]"]


async def test_rotated_client_gets_tokens_with_its_new_secret_alone(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    rotated = await world.managed.rotate_secret(made.client.client_id)
    assert rotated.secret != made.secret
    await world.service.issue_token(made.client.client_id, rotated.secret, "")
    assert (await reason(world, made.client.client_id, made.secret))[1] == "CLIENT_INVALID"


async def test_disabled_client_gets_no_token_until_it_is_enabled(world: World) -> None:
    await world.managed.create_tenant("acme", "")
    made = await world.managed.create_client("acme", [], 0, "")
    await world.service.issue_token(made.client.client_id, made.secret, "")
    disabled = await world.managed.set_disabled(made.client.client_id, True)
    assert disabled.disabled_at is not None
    world.now += 5
    wrong = await reason(world, made.client.client_id, "wrong")
    assert await reason(world, made.client.client_id, made.secret) == wrong
    await world.managed.set_disabled(made.client.client_id, False)
    world.now += 5
    await world.service.issue_token(made.client.client_id, made.secret, "")


async def test_what_is_done_to_a_client_that_does_not_exist_is_refused(world: World) -> None:
    for work in (world.managed.rotate_secret("acme-x"), world.managed.set_disabled("acme-x", True)):
        with pytest.raises(MeshError) as caught:
            await work
        assert caught.value.metadata == {"resource": "client"}
    with pytest.raises(MeshError) as caught:
        await world.managed.list_clients("nobody", "", 0)
    assert caught.value.metadata == {"resource": "tenant"}
