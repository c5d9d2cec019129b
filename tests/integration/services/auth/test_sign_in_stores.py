"""What every implementation of the stores of signing in and of grants does."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.errors import MeshError
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.auth import errors
from services.auth.adapters.memory_consents import MemoryConsents
from services.auth.adapters.memory_sign_in import (
    MemoryAttempts,
    MemoryDevices,
    MemoryGrants,
    MemoryRevocationLog,
    MemorySeenProofs,
    MemorySessions,
    SignInMemory,
)
from services.auth.adapters.named_rows import clean_up
from services.auth.adapters.postgres_attempts import PostgresAttempts
from services.auth.adapters.postgres_consents import PostgresConsents
from services.auth.adapters.postgres_devices import PostgresDevices, PostgresSeenProofs
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_grants import PostgresGrants, PostgresRevocationLog
from services.auth.adapters.postgres_sessions import PostgresSessions
from services.auth.domain.audit import AuditEvent
from services.auth.domain.authorization import AuthorizationRequest
from services.auth.domain.consents import Consent
from services.auth.domain.devices import DeviceAuthorization, DeviceState
from services.auth.domain.endings import AccessEnding
from services.auth.domain.grants import AuthorizationCode, Grant
from services.auth.domain.revocations import Revocation, RevocationKind
from services.auth.domain.sessions import BrowserSession
from services.auth.domain.sign_in import SignInAttempt
from services.auth.domain.tenants import Tenant
from services.auth.domain.token_binding import TokenBinding
from services.auth.ports.grants import (
    DeviceChange,
    DeviceStore,
    GrantChange,
    GrantStore,
    MadeGrant,
    RevocationLog,
    SeenProofs,
)
from services.auth.ports.sign_in import AttemptStore, ConsentStore, SessionStore
from tests.support.servers import Database
from tests.support.tenants import add_tenant

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@dataclass
class Stores:
    attempts: AttemptStore
    sessions: SessionStore
    consents: ConsentStore
    grants: GrantStore
    devices: DeviceStore
    proofs: SeenProofs
    log: RevocationLog
    tenant_id: str
    memory: SignInMemory | None = None
    pool: Pool | None = None

    async def revoked(self) -> set[tuple[str, str]]:
        """Returns kind and name of the revocations of the tenant."""
        if self.memory is not None:
            return {(each.kind.value, each.name) for each in self.memory.revocations}
        assert self.pool is not None
        async with transaction(self.pool, [self.tenant_id]) as connection:
            rows = await connection.fetch("SELECT kind, name FROM revocations")
            return {(row["kind"], row["name"]) for row in rows}


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        memory = SignInMemory()
        yield Stores(
            MemoryAttempts(memory),
            MemorySessions(memory),
            MemoryConsents(memory),
            MemoryGrants(memory),
            MemoryDevices(memory),
            MemorySeenProofs(memory),
            MemoryRevocationLog(memory),
            str(uuid7()),
            memory=memory,
        )
        return
    pool = await open_pool(request.getfixturevalue("database").dsn)
    owner = Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW)
    await add_tenant(PostgresDirectory(pool), owner)
    yield Stores(
        PostgresAttempts(pool),
        PostgresSessions(pool),
        PostgresConsents(pool),
        PostgresGrants(pool),
        PostgresDevices(pool),
        PostgresSeenProofs(pool),
        PostgresRevocationLog(pool),
        owner.tenant_id,
        pool=pool,
    )
    await pool.close()


def event(stores: Stores) -> AuditEvent:
    return AuditEvent("test.act", stores.tenant_id, NOW)


def ending(stores: Stores) -> AccessEnding:
    return AccessEnding(LATER, LATER + timedelta(hours=1), event(stores))


def session(stores: Stores, member_id: str = "") -> BrowserSession:
    return BrowserSession(
        str(uuid7()), stores.tenant_id, member_id or str(uuid7()), secrets.token_bytes(32), frozenset({"pwd", "otp"}),
        NOW, NOW, NOW + timedelta(hours=12),
    )  # fmt: skip


def grant(stores: Stores, of: BrowserSession, offline: bool = False) -> Grant:
    return Grant(
        grant_id=str(uuid7()),
        tenant_id=stores.tenant_id,
        member_id=of.member_id,
        client_id="shop-1",
        session_id="" if offline else of.session_id,
        scopes=frozenset({"case:read", "openid"}),
        methods=of.methods,
        authenticated_at=NOW,
        created_at=NOW,
        used_at=NOW,
        expires_at=NOW + timedelta(days=30),
        seed=secrets.token_bytes(32),
        bound=TokenBinding(certificate="A" * 43),
    )


def code(stores: Stores, of: BrowserSession) -> AuthorizationCode:
    return AuthorizationCode(
        secrets.token_bytes(32), stores.tenant_id, of.member_id, of.session_id, "shop-1", "https://a.example/é?x=1",
        frozenset({"case:read"}), "c" * 43, "nonce", "", of.methods, NOW, NOW + timedelta(seconds=60),
    )  # fmt: skip


def device(**changed: object) -> DeviceAuthorization:
    made = DeviceAuthorization(
        secrets.token_bytes(32), secrets.token_bytes(32), "rampart-cli", frozenset({"case:read"}), LATER
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def attempt(**changed: object) -> SignInAttempt:
    made = SignInAttempt(secrets.token_urlsafe(16), secrets.token_bytes(32), LATER)
    return replace(made, **changed)  # type: ignore[arg-type]


async def stored(stores: Stores, wanted: Grant) -> Grant:
    """Stores a grant by way of a code."""
    of = BrowserSession(str(uuid7()), stores.tenant_id, wanted.member_id, b"", frozenset(), NOW, NOW, LATER)
    made = code(stores, of)
    assert await stores.grants.add_code(made, by_consent=False)
    redeemed = await stores.grants.redeem(
        made.code_hash, lambda _: MadeGrant(wanted, event(stores)), lambda _, __: ending(stores)
    )
    assert redeemed == (made, wanted)
    return wanted


FULL = AuthorizationRequest(
    "shop-1", "https://a.example/cb?x=é", frozenset({"openid", "case:read"}), "st ate", "c" * 43, "n",
    frozenset({"login"}), "ann@a.example", 0, "acme", "j" * 43,
)  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"request": FULL, "tenant": "acme", "tenant_id": str(uuid7()), "email_hint": "é@a.example"},
        {"user_code": "WDJB-MJHT", "member_id": str(uuid7()), "methods": frozenset({"pwd"}), "passkey": b"\x00\xff"},
        {"session": "ab" * 32, "former": "cd" * 32, "federation": "sealed"},
    ],
)
async def test_attempt_is_found_as_it_was_begun(stores: Stores, changed: dict[str, object]) -> None:
    made = attempt(**changed)
    assert await stores.attempts.find(made.attempt_id) is None
    await stores.attempts.begin(made)
    assert await stores.attempts.find(made.attempt_id) == made


async def test_steps_of_an_attempt_follow_one_another(stores: Stores) -> None:
    made = attempt()
    await stores.attempts.begin(made)
    first = replace(made, revision=1, member_id=str(uuid7()))
    assert await stores.attempts.step(first)
    assert not await stores.attempts.step(replace(made, revision=1, member_id=str(uuid7())))
    assert not await stores.attempts.finish(made)
    assert await stores.attempts.find(made.attempt_id) == first
    assert sorted(await asyncio.gather(*[stores.attempts.finish(first) for _ in range(5)])) == [False] * 4 + [True]
    assert await stores.attempts.find(made.attempt_id) is None


async def test_session_is_found_by_its_secret_alone(stores: Stores) -> None:
    made = session(stores)
    await stores.sessions.open(made, event(stores))
    assert await stores.sessions.find(made.secret_hash) == made
    assert await stores.sessions.find(secrets.token_bytes(32)) is None


async def test_use_of_a_session_is_noted_to_the_minute(stores: Stores) -> None:
    made = session(stores)
    await stores.sessions.open(made, event(stores))
    for seconds, noted in [(30, NOW), (61, NOW + timedelta(seconds=61)), (90, NOW + timedelta(seconds=61))]:
        await stores.sessions.use(made, NOW + timedelta(seconds=seconds))
        assert await stores.sessions.find(made.secret_hash) == replace(made, used_at=noted)


async def test_renewed_session_has_another_secret_and_keeps_its_name(stores: Stores) -> None:
    made = session(stores)
    await stores.sessions.open(made, event(stores))
    renewed = replace(made, secret_hash=secrets.token_bytes(32), methods=frozenset({"hwk"}), authenticated_at=LATER,
                      used_at=LATER, expires_at=LATER + timedelta(hours=12))  # fmt: skip
    assert await stores.sessions.renew(renewed, event(stores))
    assert await stores.sessions.find(made.secret_hash) is None
    assert await stores.sessions.find(renewed.secret_hash) == renewed
    await stores.sessions.end(stores.tenant_id, made.member_id, made.session_id, ending(stores))
    assert not await stores.sessions.renew(renewed, event(stores))


async def test_end_of_a_session_ends_what_does_not_outlive_it(stores: Stores) -> None:
    made = session(stores)
    other = session(stores, made.member_id)
    for each in (made, other):
        await stores.sessions.open(each, event(stores))
    bound, offline = await stored(stores, grant(stores, made)), await stored(stores, grant(stores, made, offline=True))
    of_other = await stored(stores, grant(stores, other))
    assert await stores.sessions.end(stores.tenant_id, made.member_id, made.session_id, ending(stores))
    assert not await stores.sessions.end(stores.tenant_id, made.member_id, made.session_id, ending(stores))
    assert await stores.sessions.find(made.secret_hash) == replace(made, ended_at=LATER)
    assert await stores.grants.find_grant(bound.grant_id) == replace(bound, ended_at=LATER)
    assert [await stores.grants.find_grant(each.grant_id) for each in (offline, of_other)] == [offline, of_other]
    assert await stores.revoked() == {("session", made.session_id), ("session", bound.grant_id)}
    assert await stores.sessions.of_member(stores.tenant_id, made.member_id) == [other]
    assert {each.grant_id for each in await stores.grants.of_member(stores.tenant_id, made.member_id)} == {
        offline.grant_id, of_other.grant_id,
    }  # fmt: skip


async def test_session_is_ended_by_its_member_alone(stores: Stores) -> None:
    made = session(stores)
    await stores.sessions.open(made, event(stores))
    assert not await stores.sessions.end(stores.tenant_id, str(uuid7()), made.session_id, ending(stores))
    assert not await stores.sessions.end(str(uuid7()), made.member_id, made.session_id, ending(stores))
    assert not await stores.sessions.end(stores.tenant_id, made.member_id, str(uuid7()), ending(stores))
    assert await stores.revoked() == set()


async def test_end_of_all_leaves_a_member_with_nothing(stores: Stores) -> None:
    made, stranger = session(stores), session(stores)
    for each in (made, stranger):
        await stores.sessions.open(each, event(stores))
    offline = await stored(stores, grant(stores, made, offline=True))
    theirs = await stored(stores, grant(stores, stranger))
    under_way = code(stores, made)
    assert await stores.grants.add_code(under_way, by_consent=False)
    let_in = await allowed(stores, made)
    await stores.sessions.end_all(stores.tenant_id, made.member_id, ending(stores))
    assert await stores.sessions.of_member(stores.tenant_id, made.member_id) == []
    assert await stores.grants.of_member(stores.tenant_id, made.member_id) == []
    assert await stores.grants.find_grant(offline.grant_id) == replace(offline, ended_at=LATER)
    assert await stores.grants.find_grant(theirs.grant_id) == theirs
    assert await stores.revoked() == {("subject", made.member_id)}
    await gone(stores, under_way)
    assert await stores.devices.change(let_in.device_hash, DeviceChange) is None


async def gone(stores: Stores, made: AuthorizationCode) -> None:
    """Asserts that nothing can be had for a code."""
    nothing = await stores.grants.redeem(
        made.code_hash, lambda _: pytest.fail("it is gone"), lambda _, __: ending(stores)
    )
    assert nothing is None


async def test_code_is_redeemed_once_and_its_second_use_ends_what_came_of_it(stores: Stores) -> None:
    of = session(stores)
    made, wanted = code(stores, of), grant(stores, of)
    assert await stores.grants.add_code(made, by_consent=False)
    plan = MadeGrant(wanted, event(stores))
    uses = [stores.grants.redeem(made.code_hash, lambda _: plan, lambda _, __: ending(stores)) for _ in range(4)]
    redeemed = await asyncio.gather(*uses)
    assert [each for each in redeemed if each is not None] == [(made, wanted)]
    assert await stores.grants.find_grant(wanted.grant_id) == replace(wanted, ended_at=LATER)
    assert await stores.revoked() == {("session", wanted.grant_id)}


async def test_refused_use_of_a_code_leaves_it_as_it_was(stores: Stores) -> None:
    of = session(stores)
    made, wanted = code(stores, of), grant(stores, of)
    assert await stores.grants.add_code(made, by_consent=False)

    def refuse(_: AuthorizationCode) -> MadeGrant:
        raise errors.grant_invalid()

    with pytest.raises(MeshError):
        await stores.grants.redeem(made.code_hash, refuse, lambda _, __: ending(stores))
    plan = MadeGrant(wanted, event(stores))
    assert await stores.grants.redeem(made.code_hash, lambda _: plan, lambda _, __: ending(stores)) == (made, wanted)


async def test_unknown_code_and_grant_are_nothing(stores: Stores) -> None:
    unknown = str(uuid7())
    assert await stores.grants.find_grant(unknown) is None
    assert await stores.grants.change(unknown, GrantChange) is None
    nothing = await stores.grants.redeem(b"x" * 32, lambda _: pytest.fail("no code"), lambda _, __: ending(stores))
    assert nothing is None


async def test_changes_of_a_grant_take_turns(stores: Stores) -> None:
    made = await stored(stores, grant(stores, session(stores)))

    def further(found: Grant) -> GrantChange:
        return GrantChange(replace(found, generation=found.generation + 1, rotated_at=LATER, used_at=LATER))

    await asyncio.gather(*[stores.grants.change(made.grant_id, further) for _ in range(20)])
    expected = replace(made, generation=20, rotated_at=LATER, used_at=LATER)
    assert await stores.grants.find_grant(made.grant_id) == expected


async def test_grant_ends_once(stores: Stores) -> None:
    made = await stored(stores, grant(stores, session(stores)))

    def end(found: Grant) -> GrantChange:
        return GrantChange(replace(found, ended_at=LATER), ending(stores))

    for _ in range(2):
        changed = await stores.grants.change(made.grant_id, end)
        assert changed is not None and changed.ended_at == LATER
    assert await stores.revoked() == {("session", made.grant_id)}


async def test_consents_add_up_for_one_client_of_one_member(stores: Stores) -> None:
    ann, ben = str(uuid7()), str(uuid7())
    for scopes in ({"b", "a"}, {"c", "a"}):
        await stores.consents.consent(stores.tenant_id, ann, "shop-1", frozenset(scopes), event(stores))
    assert await stores.consents.consented(stores.tenant_id, ann, "shop-1") == {"a", "b", "c"}
    assert await stores.consents.consented(stores.tenant_id, ann, "shop-2") == frozenset()
    assert await stores.consents.consented(stores.tenant_id, ben, "shop-1") == frozenset()


async def allowed(stores: Stores, of: BrowserSession, client_id: str = "shop-1") -> DeviceAuthorization:
    """Returns a device that the member of a session has let in."""
    made = device(client_id=client_id)
    assert await stores.devices.add(made)
    let_in = replace(
        made,
        state=DeviceState.ALLOWED,
        tenant_id=stores.tenant_id,
        member_id=of.member_id,
        session_id=of.session_id,
        authenticated_at=NOW,
    )
    assert await stores.devices.change(made.device_hash, lambda _: DeviceChange(let_in)) is not None
    return let_in


async def test_consents_of_a_member_are_listed_the_latest_first(stores: Stores) -> None:
    ann = str(uuid7())
    for client_id, at in (("shop-1", NOW), ("shop-2", NOW), ("shop-1", LATER)):
        given = replace(event(stores), at=at)
        await stores.consents.consent(stores.tenant_id, ann, client_id, frozenset({"a"}), given)
    assert await stores.consents.of_member(stores.tenant_id, ann) == [
        Consent("shop-1", frozenset({"a"}), NOW, LATER),
        Consent("shop-2", frozenset({"a"}), NOW, NOW),
    ]
    assert await stores.consents.of_member(str(uuid7()), ann) == []


async def test_consent_that_is_taken_back_takes_with_it_what_came_of_it_and_nothing_else(stores: Stores) -> None:
    of = session(stores)
    whose = stores.tenant_id, of.member_id
    for client_id in ("shop-1", "shop-2"):
        await stores.consents.consent(*whose, client_id, frozenset({"a"}), event(stores))
    ends = [await stored(stores, grant(stores, of, offline)) for offline in (True, False)]
    stays = await stored(stores, replace(grant(stores, of), client_id="shop-2"))
    theirs = await stored(stores, grant(stores, session(stores)))
    under_way, other = code(stores, of), replace(code(stores, of), client_id="shop-2")
    for made in (under_way, other):
        assert await stores.grants.add_code(made, by_consent=True)
    let_in, else_in = await allowed(stores, of), await allowed(stores, of, "shop-2")
    assert not await stores.consents.withdraw(stores.tenant_id, theirs.member_id, "shop-1", ending(stores))
    assert not await stores.consents.withdraw(str(uuid7()), of.member_id, "shop-1", ending(stores))
    assert await stores.consents.withdraw(*whose, "shop-1", ending(stores))
    assert not await stores.consents.withdraw(*whose, "shop-1", ending(stores))
    assert [each.client_id for each in await stores.consents.of_member(*whose)] == ["shop-2"]
    for each in ends:
        assert await stores.grants.find_grant(each.grant_id) == replace(each, ended_at=LATER)
    for each in (stays, theirs):
        assert await stores.grants.find_grant(each.grant_id) == each
    assert await stores.revoked() == {("session", each.grant_id) for each in ends}
    await gone(stores, under_way)
    assert await stores.devices.change(let_in.device_hash, DeviceChange) is None
    assert await stores.devices.change(else_in.device_hash, DeviceChange) is not None
    plan = MadeGrant(replace(grant(stores, of), client_id="shop-2"), event(stores))
    assert await stores.grants.redeem(other.code_hash, lambda _: plan, lambda _, __: ending(stores)) is not None
    assert not await stores.grants.add_code(code(stores, of), by_consent=True)


async def test_nothing_comes_of_a_consent_that_is_taken_back_at_the_same_time(stores: Stores) -> None:
    for _ in range(8):
        of = session(stores)
        whose = stores.tenant_id, of.member_id
        await stores.consents.consent(*whose, "shop-1", frozenset({"a"}), event(stores))
        made, late = code(stores, of), code(stores, of)
        assert await stores.grants.add_code(made, by_consent=True)

        async def redeemed(made: AuthorizationCode, of: BrowserSession) -> None:
            plan = MadeGrant(grant(stores, of), event(stores))
            await stores.grants.redeem(made.code_hash, lambda _: plan, lambda _, __: ending(stores))

        await asyncio.gather(
            redeemed(made, of),
            stores.consents.withdraw(*whose, "shop-1", ending(stores)),
            stores.grants.add_code(late, by_consent=True),
        )
        assert await stores.grants.of_member(*whose) == []
        await gone(stores, late)


async def test_waiting_device_is_found_by_what_a_person_types(stores: Stores) -> None:
    made = device()
    assert await stores.devices.add(made)
    assert await stores.devices.find_typed(made.user_code_hash) == made
    assert await stores.devices.find_typed(secrets.token_bytes(32)) is None
    assert not await stores.devices.add(device(user_code_hash=made.user_code_hash))


async def test_device_gets_its_grant_once(stores: Stores) -> None:
    made, of = device(), session(stores)
    await stores.devices.add(made)
    allowed = replace(
        made, state=DeviceState.ALLOWED, tenant_id=stores.tenant_id, member_id=of.member_id, session_id=of.session_id,
        methods=of.methods, authenticated_at=NOW,
    )  # fmt: skip
    assert await stores.devices.change(made.device_hash, lambda _: DeviceChange(allowed, event=event(stores)))
    assert await stores.devices.find_typed(made.user_code_hash) == allowed

    def redeem(found: DeviceAuthorization) -> DeviceChange:
        if found.state is not DeviceState.ALLOWED:
            return DeviceChange(found)
        redeemed = replace(found, state=DeviceState.REDEEMED, asked_at=LATER, interval=10)
        return DeviceChange(redeemed, MadeGrant(grant(stores, of, offline=True), event(stores)))

    changes = await asyncio.gather(*[stores.devices.change(made.device_hash, redeem) for _ in range(5)])
    granted = [change.made.grant for change in changes if change is not None and change.made is not None]
    assert [await stores.grants.find_grant(each.grant_id) for each in granted] == granted
    assert len(granted) == 1
    assert await stores.devices.change(secrets.token_bytes(32), redeem) is None


async def test_proof_is_new_once(stores: Stores) -> None:
    proof = secrets.token_bytes(32)
    seen = await asyncio.gather(*[stores.proofs.first(proof, LATER) for _ in range(8)])
    assert sorted(seen) == [False] * 7 + [True]
    assert await stores.proofs.first(secrets.token_bytes(32), LATER)


async def test_revocation_is_recorded(stores: Stores) -> None:
    await stores.log.revoke(Revocation(RevocationKind.TOKEN, stores.tenant_id, "jti-1", None, LATER), event(stores))
    assert await stores.revoked() == {("token", "jti-1")}


async def test_what_is_over_is_deleted_and_nothing_else(database: Database) -> None:
    pool = await open_pool(database.dsn, size=2)
    owner = Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", NOW)
    await add_tenant(PostgresDirectory(pool), owner)
    attempts, proofs, ahead = PostgresAttempts(pool), PostgresSeenProofs(pool), datetime.now(UTC) + timedelta(hours=1)
    old, new = attempt(expires_at=datetime.now(UTC) - timedelta(seconds=1)), attempt(expires_at=ahead)
    for each in (old, new):
        await attempts.begin(each)
    seen = secrets.token_bytes(32)
    await proofs.first(seen, ahead)
    assert await clean_up(pool) >= 1
    assert await attempts.find(old.attempt_id) is None
    assert await attempts.find(new.attempt_id) == new
    assert not await proofs.first(seen, ahead)
    await pool.close()
