"""What every implementation of the stores of people does."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest

from meshkit.errors import MeshError
from meshkit.ids import uuid7
from meshkit.storage.postgres import open_pool
from services.auth import errors
from services.auth.adapters.postgres_clients import PostgresClients
from services.auth.adapters.postgres_consents import PostgresConsents
from services.auth.adapters.sealing import AesSealer
from services.auth.domain.links import LinkKind
from services.auth.domain.members import OWNER, Member, MemberState, email_key
from services.auth.domain.passkeys import Ceremony, CeremonyKind, Passkey
from services.auth.domain.tenants import TenantPlan
from services.auth.domain.throttling import ACCOUNT, ADDRESS, MOST_MARKS, FailureCharge, FailureLimit
from services.auth.ports import FactorRemoval, MemberChange
from services.auth.service.quotas import check_room
from tests.support.people import (
    HASH,
    NOW,
    People,
    act,
    change,
    in_memory,
    link_of,
    member_of,
    together,
)
from tests.support.servers import Database
from tests.support.tenants import give_plan

LATER = NOW + timedelta(minutes=5)
AT_ONCE = 100


async def test_member_is_found_as_stored_until_deleted(people: People) -> None:
    member, members = member_of(people.tenant), people.stores.members
    assert await members.create_member(member, link_of(member), act(member), check_room)
    assert await members.find_member(member.tenant_id, member.member_id) == member
    assert await members.find_member_of_any_tenant(member.member_id) == member
    assert await members.find_member(str(uuid7()), member.member_id) is None
    gone = await members.change_member(member.tenant_id, member.member_id, change(lambda each: each.erased(NOW)))
    assert gone is not None and (gone.email, gone.display_name, gone.state) == ("", "", MemberState.DELETED)
    assert await members.find_member(member.tenant_id, member.member_id) is None
    assert await members.find_member_of_any_tenant(member.member_id) is None
    assert await members.list_members(member.tenant_id, None, "", 10) == []


async def test_one_mailbox_is_one_member_of_a_tenant(people: People) -> None:
    first = member_of(people.tenant, email="Ada.Ｌovelace@Example.COM")
    second = member_of(people.tenant, email="ada.lovelace@example.com")
    assert await people.stores.members.create_member(first, link_of(first), act(first), check_room)
    assert not await people.stores.members.create_member(second, link_of(second), act(second), check_room)
    await people.stores.members.change_member(first.tenant_id, first.member_id, change(lambda each: each.erased(NOW)))
    assert await people.stores.members.create_member(second, link_of(second), act(second), check_room)


async def test_tenant_has_no_more_members_than_its_plan_lets_it_have_however_many_come_at_once(people: People) -> None:
    await give_plan(people.directory, people.tenant, TenantPlan(max_members=3))
    invited = [member_of(people.tenant) for _ in range(12)]
    create = people.stores.members.create_member
    ended = await together(create(each, link_of(each), act(each), check_room) for each in invited)
    refused = [each for each in ended if isinstance(each, MeshError)]
    assert (ended.count(True), len(refused)) == (3, 9)
    assert {each.reason for each in refused} == {"QUOTA_EXCEEDED"}
    assert refused[0].metadata == {"quota": "members", "limit": "3", "used": "3"}
    present = await people.stores.members.list_members(people.tenant.tenant_id, None, "", 100)
    gone = change(lambda each: each.erased(NOW))
    assert await people.stores.members.change_member(people.tenant.tenant_id, present[0].member_id, gone)
    last = member_of(people.tenant)
    assert await create(last, link_of(last), act(last), check_room)
    assert [each.used for each in await people.directory.uses(people.tenant)] == [3, 0, 0]


async def test_members_are_listed_in_order_by_state(people: People) -> None:
    active = [await people.join() for _ in range(3)]
    invited = member_of(people.tenant)
    await people.stores.members.create_member(invited, link_of(invited), act(invited), check_room)
    off = await people.stores.members.change_member(
        people.tenant.tenant_id, active[1].member_id, change(lambda each: replace(each, disabled_at=NOW))
    )

    async def listed(state: MemberState | None, after: str = "", limit: int = 10) -> list[str]:
        found = await people.stores.members.list_members(people.tenant.tenant_id, state, after, limit)
        return [each.member_id for each in found]

    everybody = [each.member_id for each in (*active, invited)]
    assert await listed(None) == everybody
    assert await listed(None, everybody[0], 2) == everybody[1:3]
    assert await listed(MemberState.ACTIVE) == [active[0].member_id, active[2].member_id]
    assert await listed(MemberState.DISABLED) == [off and off.member_id]
    assert await listed(MemberState.INVITED) == [invited.member_id]


async def test_two_owners_who_give_up_at_once_leave_one(people: People) -> None:
    owners = [await people.join(roles=frozenset({OWNER})) for _ in range(2)]

    def decide(member: Member, others: int) -> MemberChange:
        if others == 0:
            raise errors.last_owner()
        return MemberChange(replace(member, roles=frozenset({"viewer"})), act(member))

    attempts = [
        people.stores.members.change_member(each.tenant_id, each.member_id, decide)
        for each in owners
        for _ in range(AT_ONCE // 2)
    ]
    ended = await together(attempts)
    assert any(isinstance(each, MeshError) and each.reason == "LAST_OWNER" for each in ended)
    left = [await people.stores.members.find_member(each.tenant_id, each.member_id) for each in owners]
    assert sum(each is not None and each.owns for each in left) == 1


async def test_link_is_used_once_however_many_try(people: People) -> None:
    member = member_of(people.tenant)
    link, mark = link_of(member), secrets.token_bytes(32)
    await people.stores.members.create_member(member, link, act(member), check_room)
    assert await people.stores.links.find_link(link.link_hash, NOW) == (link, member)
    used = [
        people.stores.links.use_link(link, f"{HASH}{number}", [mark], NOW, act(member)) for number in range(AT_ONCE)
    ]
    assert (await together(used)).count(True) == 1
    found = await people.stores.passwords.find_account(
        member.tenant_id, email_key(member.email), [mark], NOW - timedelta(1)
    )
    assert found is not None and found.password_hash is not None and found.known == {mark}
    assert (found.member.state, found.member.signed_out_at) == (MemberState.ACTIVE, NOW)
    assert await people.stores.links.find_link(link.link_hash, NOW) is None


async def test_link_is_good_until_it_expires_or_another_is_made(people: People) -> None:
    member = await people.join()
    first, second = link_of(member, LinkKind.RESET), link_of(member, LinkKind.RESET)
    assert await people.stores.links.put_link(first, member.roles, act(member))
    assert await people.stores.links.find_link(first.link_hash, first.expires_at) is None
    assert not await people.stores.links.use_link(first, HASH, [], first.expires_at, act(member))
    assert await people.stores.links.put_link(second, member.roles, act(member))
    assert await people.stores.links.find_link(first.link_hash, NOW) is None
    assert not await people.stores.links.use_link(first, HASH, [], NOW, act(member))
    off = change(lambda each: replace(each, disabled_at=NOW))
    await people.stores.members.change_member(member.tenant_id, member.member_id, off)
    assert await people.stores.links.find_link(second.link_hash, NOW) is None
    assert not await people.stores.links.use_link(second, HASH, [], NOW, act(member))


async def test_link_ends_when_its_member_may_do_more(people: People) -> None:
    member, stores = await people.join(), people.stores
    own, link = (member.tenant_id, member.member_id), link_of(member, LinkKind.RESET)
    assert not await stores.links.put_link(link, frozenset({"owner"}), act(member))
    assert await stores.links.put_link(link, member.roles, act(member))
    for roles, good in ((member.roles, True), (frozenset({"viewer"}), False)):
        await stores.members.change_member(*own, change(lambda each, roles=roles: replace(each, roles=roles)))  # type: ignore[misc]
        assert (await stores.links.find_link(link.link_hash, NOW) is not None) is good
    await stores.members.change_member(*own, change(lambda each: replace(each, disabled_at=NOW)))
    assert not await stores.links.put_link(link, frozenset({"viewer"}), act(member))


async def test_password_is_replaced_unless_it_changed_meanwhile(people: People) -> None:
    member, passwords = await people.join(), people.stores.passwords
    assert await passwords.find_password(member.tenant_id, member.member_id) == HASH
    await passwords.set_password(member.tenant_id, member.member_id, f"{HASH}2", LATER, act(member))
    await passwords.replace_hash(member.tenant_id, member.member_id, HASH, f"{HASH}3")
    assert await passwords.find_password(member.tenant_id, member.member_id) == f"{HASH}2"
    await passwords.replace_hash(member.tenant_id, member.member_id, f"{HASH}2", f"{HASH}3")
    assert await passwords.find_password(member.tenant_id, member.member_id) == f"{HASH}3"
    found = await people.stores.members.find_member(member.tenant_id, member.member_id)
    assert found is not None and found.signed_out_at == LATER
    assert await passwords.find_password(str(uuid7()), member.member_id) is None


async def test_latest_places_of_a_member_are_remembered(people: People) -> None:
    member, passwords = await people.join(), people.stores.passwords
    marks = [secrets.token_bytes(32) for _ in range(MOST_MARKS + 2)]
    for number, mark in enumerate(marks):
        await passwords.note_sign_in(member.tenant_id, member.member_id, [mark], NOW + timedelta(seconds=number))
    known = await passwords.known_marks(member.tenant_id, member.member_id, marks, NOW - timedelta(days=30))
    assert known == set(marks[2:])
    late = await passwords.known_marks(member.tenant_id, member.member_id, marks, NOW + timedelta(seconds=MOST_MARKS))
    assert late == {marks[-1]}
    found = await people.stores.members.find_member(member.tenant_id, member.member_id)
    assert found is not None and found.signed_in_at == NOW + timedelta(seconds=MOST_MARKS + 1)


async def test_step_of_a_one_time_password_is_used_once(people: People) -> None:
    member, codes = await people.join(), people.stores.codes
    own = member.tenant_id, member.member_id
    await codes.begin_totp(*own, b"first", act(member))
    assert not (await codes.factors(*own)).totp and not await codes.use_step(*own, 7)
    assert not await codes.confirm_totp(*own, b"other", 7, act(member))
    assert await codes.confirm_totp(*own, b"first", 7, act(member))
    assert (await codes.factors(*own)).totp
    assert not await codes.use_step(*own, 7)
    tries = await together(codes.use_step(*own, 8) for _ in range(AT_ONCE))
    assert tries.count(True) == 1 and tries.count(False) == AT_ONCE - 1
    assert not await codes.use_step(*own, 7)


async def test_pending_secret_leaves_the_one_that_counts(people: People) -> None:
    member, codes = await people.join(), people.stores.codes
    own = member.tenant_id, member.member_id
    await codes.begin_totp(*own, b"first", act(member))
    await codes.confirm_totp(*own, b"first", 7, act(member))
    await codes.begin_totp(*own, b"second", act(member))
    found = await codes.find_totp(*own)
    assert found is not None and (found.sealed_secret, found.pending_secret) == (b"first", b"second")
    assert await codes.remove_totp(*own, True, act(member)) is FactorRemoval.LAST
    assert await codes.remove_totp(*own, False, act(member)) is FactorRemoval.DONE
    assert await codes.remove_totp(*own, False, act(member)) is FactorRemoval.ABSENT
    assert await codes.find_totp(*own) is None


async def test_recovery_code_is_used_once(people: People) -> None:
    member, codes = await people.join(), people.stores.codes
    own = member.tenant_id, member.member_id
    old, new = secrets.token_bytes(32), secrets.token_bytes(32)
    await codes.replace_codes(*own, [old], act(member))
    await codes.replace_codes(*own, [new, secrets.token_bytes(32)], act(member))
    assert not await codes.use_code(*own, old, act(member))
    tries = await together(codes.use_code(*own, new, act(member)) for _ in range(AT_ONCE))
    assert tries.count(True) == 1 and tries.count(False) == AT_ONCE - 1
    assert (await codes.factors(*own)).recovery_codes == 1


def passkey_of(member: Member, count: int = 5) -> Passkey:
    credential = secrets.token_bytes(16)
    return Passkey(credential, member.tenant_id, member.member_id, b"key", count, "Laptop", NOW)


async def test_passkeys_are_kept_renamed_and_removed(people: People) -> None:
    member, other, passkeys = await people.join(), await people.join(), people.stores.passkeys
    own = member.tenant_id, member.member_id
    first, second = passkey_of(member), replace(passkey_of(member), created_at=LATER)
    assert await passkeys.add_passkey(second, 2, act(member)) is True
    assert await passkeys.add_passkey(first, 2, act(member)) is True
    assert await passkeys.add_passkey(passkey_of(member), 2, act(member)) is None
    assert await passkeys.add_passkey(replace(first, member_id=other.member_id), 2, act(other)) is False
    assert await passkeys.passkeys_of(*own) == [first, second]
    assert await passkeys.find_passkey(first.credential_id) == first
    assert await passkeys.rename_passkey(other.tenant_id, other.member_id, first.credential_id, "x", act(other)) is None
    renamed = await passkeys.rename_passkey(*own, first.credential_id, "Old laptop", act(member))
    assert renamed == replace(first, display_name="Old laptop")
    theirs = passkeys.remove_passkey(other.tenant_id, other.member_id, first.credential_id, False, act(other))
    assert await theirs is FactorRemoval.ABSENT
    assert await passkeys.remove_passkey(*own, first.credential_id, True, act(member)) is FactorRemoval.DONE
    assert await passkeys.remove_passkey(*own, second.credential_id, True, act(member)) is FactorRemoval.LAST


async def test_two_last_factors_that_go_at_once_leave_one(people: People) -> None:
    member, passkeys = await people.join(), people.stores.passkeys
    kept = [passkey_of(member) for _ in range(2)]
    for each in kept:
        await passkeys.add_passkey(each, 9, act(member))
    removals = [
        passkeys.remove_passkey(member.tenant_id, member.member_id, each.credential_id, True, act(member))
        for each in kept
    ]
    assert set(await together(removals)) == {FactorRemoval.DONE, FactorRemoval.LAST}


@pytest.mark.parametrize(
    ("stored", "count", "taken"), [(5, 6, 1), (5, 5, 0), (5, 4, 0), (5, 0, 0), (0, 0, 8), (0, 1, 1)]
)
async def test_count_of_an_authenticator_never_goes_back(people: People, stored: int, count: int, taken: int) -> None:
    member, passkeys = await people.join(), people.stores.passkeys
    passkey = passkey_of(member, stored)
    await passkeys.add_passkey(passkey, 9, act(member))
    uses = await together(passkeys.use_passkey(passkey, count, LATER) for _ in range(8))
    assert uses.count(True) == taken


async def test_ceremony_is_answered_once_and_in_time(people: People) -> None:
    member, passkeys = await people.join(), people.stores.passkeys
    hashes = [secrets.token_bytes(32) for _ in range(3)]
    mine = Ceremony(hashes[0], CeremonyKind.REGISTRATION, b"c", member.tenant_id, member.member_id, LATER)
    for ceremony in (mine, replace(mine, state_hash=hashes[1], tenant_id=None, member_id=None)):
        await passkeys.begin_ceremony(ceremony)
    answers = await together(passkeys.end_ceremony(hashes[0], NOW) for _ in range(16))
    assert [each for each in answers if each is not None] == [mine]
    assert await passkeys.end_ceremony(hashes[1], LATER) is None
    assert await passkeys.end_ceremony(hashes[1], NOW) is None
    assert await passkeys.end_ceremony(hashes[2], NOW) is None


async def test_deleted_member_leaves_nothing_to_sign_in_with(people: People) -> None:
    member, stores = await people.join(), people.stores
    own, passkey = (member.tenant_id, member.member_id), passkey_of(member)
    await stores.passkeys.add_passkey(passkey, 9, act(member))
    await stores.codes.begin_totp(*own, b"sealed", act(member))
    await stores.codes.replace_codes(*own, [secrets.token_bytes(32)], act(member))
    await stores.members.change_member(*own, change(lambda each: each.erased(NOW)))
    assert await stores.passwords.find_account(own[0], email_key(member.email), [], NOW) is None
    assert await stores.passwords.find_password(*own) is None
    assert await stores.passkeys.find_passkey(passkey.credential_id) is None
    assert await stores.codes.find_totp(*own) is None
    assert (await stores.codes.factors(*own)).recovery_codes == 0


@pytest.mark.parametrize("people", ["postgres"], indirect=True)
async def test_no_consent_outlives_its_member_or_its_client(people: People, database: Database) -> None:
    gone, stays, tenant_id = await people.join(), await people.join(), people.tenant.tenant_id
    pool = await open_pool(database.dsn, size=1)
    consents, clients = PostgresConsents(pool), PostgresClients(pool, AesSealer(b"k" * 32))
    for member, client_id in ((gone, "shop-2"), (stays, "shop-1"), (stays, "shop-2")):
        await consents.consent(tenant_id, member.member_id, client_id, frozenset({"a"}), act(member).event)
    await people.stores.members.change_member(tenant_id, gone.member_id, change(lambda each: each.erased(NOW)))
    async with clients.begin(tenant_id) as changes:
        await changes.delete("shop-1", act(stays))
    assert await consents.of_member(tenant_id, gone.member_id) == []
    assert [each.client_id for each in await consents.of_member(tenant_id, stays.member_id)] == ["shop-2"]
    await pool.close()


async def test_policy_is_that_of_the_tenant(people: People) -> None:
    member, members, tenant_id = await people.join(), people.stores.members, people.tenant.tenant_id
    assert not await members.second_factor_required(tenant_id)
    for required in (True, False, True):
        await members.require_second_factor(tenant_id, required, act(member))
        assert await members.second_factor_required(tenant_id) is required
    assert not await members.second_factor_required(str(uuid7()))


@pytest.mark.parametrize("limit", [ACCOUNT, ADDRESS])
async def test_counts_make_attempts_wait_as_the_rules_say(people: People, limit: FailureLimit) -> None:
    rules, charge, now = in_memory().counts, FailureCharge(secrets.token_bytes(32), limit), NOW
    for _ in range(60):
        wait = await people.counts.charge([charge], now)
        assert wait == pytest.approx(await rules.charge([charge], now), abs=0.001)
        # Sometimes after the wait, sometimes before.
        now += timedelta(seconds=wait * 0.6 + 0.25)


async def test_attempts_whose_clocks_differ_are_counted_alike_and_wait_for_nothing(people: People) -> None:
    charge = FailureCharge(secrets.token_bytes(32), ACCOUNT)
    moments = [NOW - timedelta(milliseconds=50 * number) for number in range(ACCOUNT.free + 1)]
    assert [await people.counts.charge([charge], moment) for moment in moments] == [0.0] * (ACCOUNT.free + 1)
    assert await people.counts.charge([charge], NOW) > 0.5


async def test_of_many_attempts_at_once_as_many_are_checked_as_are_free(people: People) -> None:
    charge = FailureCharge(secrets.token_bytes(32), ACCOUNT)
    waits = [
        wait
        for wait in await together(people.counts.charge([charge], NOW) for _ in range(AT_ONCE))
        if isinstance(wait, float)
    ]
    assert len(waits) == AT_ONCE
    # The one after the free ones has nothing to wait for either; it makes the next one wait.
    assert sum(wait == 0 for wait in waits) == ACCOUNT.free + 1
    assert {round(wait, 3) for wait in waits if wait} == {1.0}


async def test_attempt_that_waits_somewhere_is_counted_nowhere(people: People) -> None:
    open_, shut = (FailureCharge(secrets.token_bytes(32), ACCOUNT) for _ in range(2))
    while not await people.counts.charge([shut], NOW):
        pass
    for _ in range(9):
        assert await people.counts.charge([open_, shut], NOW) > 0
    assert [await people.counts.charge([open_], NOW) for _ in range(ACCOUNT.free + 1)] == [0.0] * (ACCOUNT.free + 1)


async def test_right_attempt_counts_for_nothing(people: People) -> None:
    kept, own = (FailureCharge(secrets.token_bytes(32), ACCOUNT) for _ in range(2))
    for _ in range(2):
        await people.counts.charge([kept, own], NOW)
    for _ in range(20):
        assert await people.counts.charge([kept], NOW) == 0.0
        await people.counts.refund([kept], [], NOW)
    await people.counts.refund([kept, own], [own.key], NOW)
    assert [bool(await people.counts.charge([own], NOW)) for _ in range(5)] == [False] * 4 + [True]
    assert [bool(await people.counts.charge([kept], NOW)) for _ in range(4)] == [False] * 3 + [True]
