"""What every implementation of the ports of clients, API keys and assertions does."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from meshkit.errors import MeshError
from meshkit.ids import uuid7
from meshkit.named_requests import Answered, NamedRequest
from meshkit.storage.postgres import open_pool
from services.auth.adapters.memory_api_keys import MemoryApiKeys
from services.auth.adapters.memory_assertions import MemoryAssertions
from services.auth.adapters.memory_clients import MemoryClients
from services.auth.adapters.memory_directory import MemoryDirectory
from services.auth.adapters.postgres_api_keys import PostgresApiKeys
from services.auth.adapters.postgres_assertions import PostgresAssertions
from services.auth.adapters.postgres_clients import PostgresClients
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.api_keys import ApiKey
from services.auth.domain.audit import AuditEvent
from services.auth.domain.clients import AuthenticationMethod, Client, ClientSettings, GrantType, SenderConstraint
from services.auth.domain.revocations import Revocation
from services.auth.domain.secrets import StoredSecrets
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports import ApiKeyStore, ClientStore, Directory, RecordedAct, UsedAssertions
from services.auth.service.quotas import check_room
from tests.support.servers import Database
from tests.support.tenants import add_tenant, give_plan
from tests.support.tokens import Issuer

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)
SETTINGS = ClientSettings(
    display_name="Checkout é",
    scopes=frozenset({"user:read", "decision:create"}),
    rate_limit=20,
    grant_types=frozenset(GrantType),
    redirect_uris=("https://b.example/x?y=1", "https://a.example/"),
    method=AuthenticationMethod.PRIVATE_KEY_JWT,
    keys=(Issuer("a").jwk, Issuer("b").jwk),
    constraint=SenderConstraint.MTLS,
)


@dataclass
class ProgramStores:
    directory: Directory
    clients: ClientStore
    keys: ApiKeyStore
    used: UsedAssertions


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[ProgramStores]:
    if request.param == "memory":
        directory = MemoryDirectory()
        used = MemoryAssertions(lambda: datetime.now(UTC))
        yield ProgramStores(directory, MemoryClients(directory), MemoryApiKeys(directory), used)
        return
    pool = await open_pool(request.getfixturevalue("database").dsn)
    sealer = AesSealer(secrets.token_bytes(32))
    yield ProgramStores(
        PostgresDirectory(pool), PostgresClients(pool, sealer), PostgresApiKeys(pool, sealer), PostgresAssertions(pool)
    )
    await pool.close()


async def owner_in(stores: ProgramStores) -> Tenant:
    return await add_tenant(stores.directory, Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW))


def event(tenant_id: str) -> AuditEvent:
    return AuditEvent("client.test", tenant_id, NOW)


def client_of(owner: Tenant, settings: ClientSettings = SETTINGS) -> Client:
    name = f"client-{secrets.token_hex(6)}"
    stored = StoredSecrets(secrets.token_bytes(32))
    return Client(name, owner.tenant_id, settings, stored, created_at=NOW, updated_at=NOW, tag=uuid4())


def key_of(owner: Tenant) -> ApiKey:
    name, stored = f"key-{secrets.token_hex(6)}", StoredSecrets(secrets.token_bytes(32))
    scopes = frozenset({"user:read"})
    return ApiKey(name, owner.tenant_id, "Export é", scopes, 7, "rpk_abcd", stored, NOW, LATER)


async def stored_client(stores: ProgramStores, owner: Tenant) -> Client:
    made = client_of(owner)
    async with stores.clients.begin(owner.tenant_id) as changes:
        await changes.create(made, RecordedAct(event(owner.tenant_id)))
    return made


async def stored_key(stores: ProgramStores, owner: Tenant) -> ApiKey:
    made = key_of(owner)
    async with stores.keys.begin(owner.tenant_id) as changes:
        await changes.create(made, RecordedAct(event(owner.tenant_id)))
    return made


async def test_client_is_found_as_stored(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    made = await stored_client(stores, owner)
    assert await stores.clients.get(owner.tenant_id, made.client_id) == made
    assert await stores.clients.find(made.client_id) == (made, owner)
    assert await stores.clients.find(f"{made.client_id}0") is None


async def test_every_part_of_a_client_is_replaced(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    made = await stored_client(stores, owner)
    changed = replace(
        made,
        settings=ClientSettings(display_name="x", scopes=frozenset({"pii:read"})),
        secrets=StoredSecrets(secrets.token_bytes(32), made.secrets.current, LATER),
        updated_at=LATER,
        tag=uuid4(),
        rotated_at=LATER,
        disabled_at=LATER,
    )
    for state in (changed, replace(made, secrets=StoredSecrets())):
        async with stores.clients.begin(owner.tenant_id) as changes:
            assert await changes.lock(made.client_id) is not None
            await changes.replace(state, RecordedAct(event(owner.tenant_id)))
        assert await stores.clients.get(owner.tenant_id, made.client_id) == state


async def test_programs_of_another_tenant_are_not_there(stores: ProgramStores) -> None:
    owner, other = await owner_in(stores), await owner_in(stores)
    client, key = await stored_client(stores, owner), await stored_key(stores, owner)
    assert await stores.clients.get(other.tenant_id, client.client_id) is None
    assert await stores.keys.get(other.tenant_id, key.key_id) is None
    assert await stores.clients.page(other.tenant_id, "", 10) == []
    assert await stores.keys.page(other.tenant_id, "", 10) == []
    async with stores.clients.begin(other.tenant_id) as changes:
        assert await changes.lock(client.client_id) is None
        assert (await changes.use()).used == 0
    async with stores.keys.begin(other.tenant_id) as changes_of_keys:
        assert await changes_of_keys.lock(key.key_id) is None
        assert (await changes_of_keys.use()).used == 0


async def test_programs_are_listed_from_any_place_on(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    clients = sorted([await stored_client(stores, owner) for _ in range(3)], key=lambda each: each.client_id)
    keys = sorted([await stored_key(stores, owner) for _ in range(3)], key=lambda each: each.key_id)
    assert await stores.clients.page(owner.tenant_id, "", 10) == clients
    assert await stores.clients.page(owner.tenant_id, clients[0].client_id, 1) == [clients[1]]
    assert await stores.keys.page(owner.tenant_id, "", 10) == keys
    assert await stores.keys.page(owner.tenant_id, keys[0].key_id, 1) == [keys[1]]


async def test_what_fails_changes_nothing(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    made = await stored_client(stores, owner)
    with pytest.raises(ZeroDivisionError):
        async with stores.clients.begin(owner.tenant_id) as changes:
            await changes.delete(made.client_id, RecordedAct(event(owner.tenant_id)))
            _ = 1 / 0
    assert await stores.clients.get(owner.tenant_id, made.client_id) == made
    async with stores.clients.begin(owner.tenant_id) as changes:
        tokens = Revocation.of_client(owner.tenant_id, made.client_id)
        await changes.delete(made.client_id, RecordedAct(event(owner.tenant_id), tokens, [tokens.up_to(NOW)]))
        assert (await changes.use()).used == 0
    assert await stores.clients.get(owner.tenant_id, made.client_id) is None


async def test_changes_of_one_client_at_once_take_turns(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    made = await stored_client(stores, owner)

    async def raise_limit() -> None:
        async with stores.clients.begin(owner.tenant_id) as changes:
            client = await changes.lock(made.client_id)
            assert client is not None
            raised = replace(client.settings, rate_limit=client.settings.rate_limit + 1)
            await changes.replace(replace(client, settings=raised), RecordedAct(event(owner.tenant_id)))

    await asyncio.gather(*[raise_limit() for _ in range(8)])
    stored = await stores.clients.get(owner.tenant_id, made.client_id)
    assert stored is not None
    assert stored.settings.rate_limit == SETTINGS.rate_limit + 8


async def test_tenant_has_no_more_programs_than_its_plan_lets_it_have_however_many_come_at_once(
    stores: ProgramStores,
) -> None:
    owner = await owner_in(stores)
    await give_plan(stores.directory, owner, TenantPlan(max_clients=2, max_api_keys=3))

    async def client() -> None:
        async with stores.clients.begin(owner.tenant_id) as changes:
            check_room(await changes.use())
            await changes.create(client_of(owner), RecordedAct(event(owner.tenant_id)))

    async def key() -> None:
        async with stores.keys.begin(owner.tenant_id) as changes:
            check_room(await changes.use())
            await changes.create(key_of(owner), RecordedAct(event(owner.tenant_id)))

    for create, most, quota in ((client, 2, "clients"), (key, 3, "api_keys")):
        ended = await asyncio.gather(*[create() for _ in range(8)], return_exceptions=True)
        refused = [each for each in ended if isinstance(each, MeshError)]
        assert (ended.count(None), len(refused)) == (most, 8 - most)
        assert all(each.metadata == {"quota": quota, "limit": str(most), "used": str(most)} for each in refused)


async def test_what_a_tenant_has_of_its_quotas_is_told(stores: ProgramStores) -> None:
    owner, other = await owner_in(stores), await owner_in(stores)
    for _ in range(2):
        await stored_client(stores, owner)
    await stored_key(stores, owner)
    await stored_key(stores, other)
    planned = replace(owner, plan=TenantPlan(max_clients=1))
    told = {each.resource.value: (each.used, each.limit) for each in await stores.directory.uses(planned)}
    assert told == {"members": (0, 10_000), "clients": (2, 1), "api_keys": (1, 1_000)}


async def test_quota_that_no_plan_names_is_that_of_everybody(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    async with stores.clients.begin(owner.tenant_id) as changes:
        assert (await changes.use()).limit == 1_000
    async with stores.keys.begin(owner.tenant_id) as changes_of_keys:
        assert (await changes_of_keys.use()).limit == 1_000


async def test_named_request_has_its_answer_again(stores: ProgramStores) -> None:
    owner, request = await owner_in(stores), NamedRequest(uuid4(), "CreateClient", b"f" * 16)
    for store in (stores.clients, stores.keys):
        named = replace(request, request_id=uuid4())
        async with store.begin(owner.tenant_id) as changes:
            assert await changes.claim(named) is None
            await changes.answer(named.request_id, b"rcs_secret")
        async with store.begin(owner.tenant_id) as changes:
            assert await changes.claim(named) == Answered("CreateClient", named.fingerprint, b"rcs_secret")


async def test_answer_that_is_kept_cannot_be_read_from_the_database(database: Database) -> None:
    pool = await open_pool(database.dsn, size=1)
    stores = ProgramStores(
        PostgresDirectory(pool),
        PostgresClients(pool, AesSealer(secrets.token_bytes(32))),
        PostgresApiKeys(pool, AesSealer(secrets.token_bytes(32))),
        PostgresAssertions(pool),
    )
    owner, named = await owner_in(stores), NamedRequest(uuid4(), "CreateClient", b"f" * 16)
    async with stores.clients.begin(owner.tenant_id) as changes:
        await changes.claim(named)
        await changes.answer(named.request_id, b"rcs_secret")
    await pool.close()
    reader = await asyncpg.connect(database.reader_dsn)
    kept = await reader.fetchval("SELECT response FROM requests WHERE request_id = $1", named.request_id)
    await reader.close()
    assert len(kept) > 20
    assert b"rcs_secret" not in kept


async def test_key_is_shown_by_its_present_and_its_former_secret(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    made = await stored_key(stores, owner)
    assert made.secrets.current is not None
    assert await stores.keys.shown(made.secrets.current) == (made, owner)
    successor = secrets.token_bytes(32)
    rotated = replace(
        made, prefix="rpk_efgh", secrets=made.secrets.rotated(successor, NOW, timedelta(1)), rotated_at=NOW
    )
    async with stores.keys.begin(owner.tenant_id) as changes:
        await changes.replace(rotated, RecordedAct(event(owner.tenant_id)))
    for shown in (made.secrets.current, successor):
        assert await stores.keys.shown(shown) == (rotated, owner)
    assert await stores.keys.shown(secrets.token_bytes(32)) is None
    async with stores.keys.begin(owner.tenant_id) as changes:
        ended = Revocation.of_client(owner.tenant_id, made.key_id, LATER)
        await changes.delete(made.key_id, RecordedAct(event(owner.tenant_id), ended))
    assert await stores.keys.shown(successor) is None


async def test_uses_of_keys_of_several_tenants_are_noted_and_never_set_back(stores: ProgramStores) -> None:
    owners = [await owner_in(stores) for _ in range(2)]
    keys = [await stored_key(stores, owner) for owner in owners]
    for at in (LATER, NOW):
        await stores.keys.note_uses(
            {(key.tenant_id, key.key_id): at for key in keys} | {(keys[0].tenant_id, "gone"): at}
        )
    for key in keys:
        assert await stores.keys.get(key.tenant_id, key.key_id) == replace(key, last_used_at=LATER)


async def test_assertion_is_used_once_by_any_number_at_once(stores: ProgramStores) -> None:
    owner, other = await owner_in(stores), await owner_in(stores)
    until = datetime.now(UTC) + timedelta(minutes=5)
    uses = [stores.used.use(owner.tenant_id, "client-1", "jti é", until) for _ in range(8)]
    assert sorted(await asyncio.gather(*uses)) == [False] * 7 + [True]
    assert await stores.used.use(owner.tenant_id, "client-2", "jti é", until)
    assert await stores.used.use(other.tenant_id, "client-1", "jti é", until)


async def test_assertion_is_forgotten_once_it_has_expired(stores: ProgramStores) -> None:
    owner = await owner_in(stores)
    for name, seconds in (("old", -1), ("new", 60)):
        assert await stores.used.use(owner.tenant_id, "c", name, datetime.now(UTC) + timedelta(seconds=seconds))
    while await stores.used.delete_expired():
        pass
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert await stores.used.use(owner.tenant_id, "c", "old", until)
    assert not await stores.used.use(owner.tenant_id, "c", "new", until)
