"""Who may do what to whom, and what of it ends tokens."""

from __future__ import annotations

import asyncio

import pytest

from meshkit.errors import MeshError
from services.auth.domain.audit import AuditOutcome
from services.auth.domain.members import Member, MemberState, MemberUpdate
from services.auth.domain.revocations import RevocationKind
from services.auth.domain.tenants import TenantPlan
from tests.support.people_cases import HOME, PASSWORD, PeopleCases
from tests.support.tenants import add_tenant, give_plan


def anything(_: Member) -> None:
    """Finds nothing wrong."""


async def failing(call: object) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_invited_member_comes_in_by_the_link(cases: PeopleCases) -> None:
    member, secret = await cases.invite("ada@example.com", "analyst", "developer")
    assert member.state is MemberState.INVITED and secret.startswith("rln_")
    view = await cases.links.describe(secret)
    assert (view.kind.value, view.tenant, view.email) == ("invitation", cases.people.tenant.name, "ada@example.com")
    came = await cases.links.use(secret, PASSWORD, HOME)
    assert came.state is MemberState.ACTIVE and came.roles == {"analyst", "developer"}
    assert (await failing(cases.links.use(secret, PASSWORD, HOME))).reason == "LINK_INVALID"


async def test_mailbox_is_invited_once(cases: PeopleCases) -> None:
    await cases.invite("ada@example.com")
    assert (await failing(cases.invite("ADA@Example.com"))).reason == "RESOURCE_EXISTS"


async def test_name_or_address_that_nobody_can_read_is_refused(cases: PeopleCases) -> None:
    owner, ada = cases.caller("owner"), await cases.join()
    unseen = "Ada\u202e"
    for call, field in (
        (cases.members.invite(owner, "eve@example.com", unseen, ["viewer"]), "display_name"),
        (cases.members.invite(owner, "ada\u200b@example.com", "Eve", ["viewer"]), "email"),
        (cases.members.update(owner, ada.member_id, MemberUpdate(unseen), anything), "member.display_name"),
    ):
        error = await failing(call)
        assert (error.reason, [each.field for each in error.violations]) == ("VALIDATION_FAILED", [field])


async def test_nobody_is_invited_beyond_the_quota_of_the_tenant(cases: PeopleCases) -> None:
    tenant = await add_tenant(cases.people.directory, cases.people.tenant)
    await give_plan(cases.people.directory, tenant, TenantPlan(max_members=1))
    await cases.invite("ada@example.com")
    error = await failing(cases.invite("eve@example.com"))
    assert (error.reason, error.metadata["quota"]) == ("QUOTA_EXCEEDED", "members")
    # Whoever is there already is told so first.
    assert (await failing(cases.invite("ada@example.com"))).reason == "RESOURCE_EXISTS"


@pytest.mark.parametrize("granted", ["owner", "admin"])
async def test_nobody_gives_a_role_that_may_do_what_he_may_not(cases: PeopleCases, granted: str) -> None:
    narrow = cases.caller("admin", without=frozenset({"case:write"}))
    error = await failing(cases.members.invite(narrow, "eve@example.com", "Eve", [granted]))
    assert error.reason == "ROLE_NOT_GRANTED" and "case:write" in error.metadata["scope"].split()
    member = await cases.join()
    update = MemberUpdate(roles=frozenset({granted}))
    assert (
        await failing(cases.members.update(narrow, member.member_id, update, anything))
    ).reason == "ROLE_NOT_GRANTED"
    await cases.members.update(narrow, member.member_id, MemberUpdate(display_name="Ada L."), anything)


@pytest.mark.parametrize("act", ["disable", "enable", "reset", "end_sessions", "delete", "update"])
async def test_nobody_acts_on_a_member_who_may_do_what_he_may_not(cases: PeopleCases, act: str) -> None:
    owner = await cases.join("boss@example.com", "owner")
    narrow = cases.caller("admin", without=frozenset({"case:write"}))
    more = {"delete": (anything,), "update": (MemberUpdate(roles=frozenset({"viewer"})), anything)}.get(act, ())
    call = getattr(cases.members, act)(narrow, owner.member_id, *more)
    assert (await failing(call)).reason == "ROLE_NOT_GRANTED"


async def test_owners_are_made_by_owners_alone(cases: PeopleCases) -> None:
    admin, member = cases.caller("admin"), await cases.join("peer@example.com", "admin")
    error = await failing(cases.members.invite(admin, "eve@example.com", "Eve", ["viewer", "owner"]))
    assert (error.reason, error.metadata) == ("ROLE_NOT_GRANTED", {"role": "owner"})
    promotion = MemberUpdate(roles=frozenset({"owner"}))
    assert (await failing(cases.members.update(admin, member.member_id, promotion, anything))).reason == error.reason
    await cases.members.update(cases.caller("owner"), member.member_id, promotion, anything)


@pytest.mark.parametrize("act", ["disable", "enable", "reset", "end_sessions", "delete", "update"])
async def test_owners_are_acted_on_by_owners_alone(cases: PeopleCases, act: str) -> None:
    owner, peer = await cases.join("boss@example.com", "owner"), await cases.join("peer@example.com", "admin")
    more = {"delete": (anything,), "update": (MemberUpdate(roles=frozenset({"viewer"})), anything)}.get(act, ())
    call = getattr(cases.members, act)
    assert (await failing(call(cases.caller("admin"), owner.member_id, *more))).reason == "ROLE_NOT_GRANTED"
    await call(cases.caller("admin"), peer.member_id, *more)


@pytest.mark.parametrize("act", ["disable", "delete", "update"])
async def test_last_owner_stays(cases: PeopleCases, act: str) -> None:
    owner, _ = await cases.join("boss@example.com", "owner", "viewer"), await cases.invite("b@example.com", "owner")
    more = {"delete": (anything,), "update": (MemberUpdate(roles=frozenset({"viewer"})), anything)}.get(act, ())
    call = getattr(cases.members, act)(cases.caller("owner"), owner.member_id, *more)
    assert (await failing(call)).reason == "LAST_OWNER"
    await cases.join("second@example.com", "owner")
    await getattr(cases.members, act)(cases.caller("owner"), owner.member_id, *more)


async def test_of_owners_who_all_leave_at_once_one_stays(cases: PeopleCases) -> None:
    owners = [await cases.join(f"o{number}@example.com", "owner") for number in range(5)]
    leaving = [cases.members.disable(cases.caller("owner"), each.member_id) for each in owners for _ in range(20)]
    ended = await asyncio.gather(*leaving, return_exceptions=True)
    assert sum(cases.memory.members[each.member_id].owns for each in owners) == 1
    assert {each.reason for each in ended if isinstance(each, MeshError)} == {"LAST_OWNER"}


async def test_tokens_end_with_what_they_stand_for(cases: PeopleCases) -> None:
    member, caller = await cases.join(), cases.caller("owner")
    told = cases.memory.revocations
    for act, bars in (("end_sessions", False), ("disable", True)):
        told.clear()
        await getattr(cases.members, act)(caller, member.member_id)
        (revocation,) = told
        assert (revocation.kind, revocation.name) == (RevocationKind.SUBJECT, member.member_id)
        assert (revocation.issued_before is None) is bars
        assert cases.memory.members[member.member_id].signed_out_at == cases.now
    await cases.members.enable(caller, member.member_id)
    assert [each.issued_before for each in cases.memory.lifted] == [cases.now]
    told.clear()
    await cases.members.update(caller, member.member_id, MemberUpdate(display_name="Ada L."), anything)
    assert told == []
    await cases.members.update(caller, member.member_id, MemberUpdate(roles=frozenset({"viewer"})), anything)
    await cases.members.delete(caller, member.member_id, anything)
    assert [each.issued_before for each in told] == [cases.now, None]


async def test_what_changes_nothing_is_no_event(cases: PeopleCases) -> None:
    member, caller = await cases.join(), cases.caller("owner")
    events = len(cases.memory.events)
    same = MemberUpdate(member.display_name, member.roles)
    assert (await cases.members.update(caller, member.member_id, same, anything)).revision == member.revision
    await cases.members.enable(caller, member.member_id)
    assert len(cases.memory.events) == events


async def test_events_tell_of_nobody(cases: PeopleCases) -> None:
    member, caller = await cases.join(), cases.caller("owner")
    await cases.members.reset(caller, member.member_id)
    await cases.members.delete(caller, member.member_id, anything)
    text = str(cases.memory.events)
    assert "ada" not in text.lower() and "rln_" not in text and "argon2" not in text and HOME not in text
    assert {event.outcome for event in cases.memory.events} == {AuditOutcome.DONE}
    actions = ["member.invite", "password.set", "member.reset", "member.delete"]
    assert [event.action for event in cases.memory.events] == actions


async def test_reset_ends_earlier_links_and_is_good_for_an_hour(cases: PeopleCases) -> None:
    member, caller = await cases.join(), cases.caller("owner")
    links = [await cases.members.reset(caller, member.member_id) for _ in range(2)]
    first, second = (link.secret for link in links if link is not None)
    assert (await failing(cases.links.describe(first))).reason == "LINK_INVALID"
    cases.later(3599)
    assert (await cases.links.describe(second)).kind.value == "reset"
    cases.later(2)
    assert (await failing(cases.links.use(second, PASSWORD, HOME))).reason == "LINK_INVALID"


async def test_new_password_by_a_link_ends_all_that_was_open(cases: PeopleCases) -> None:
    member = await cases.join()
    link = await cases.members.reset(cases.caller("owner"), member.member_id)
    assert link is not None
    cases.memory.revocations.clear()
    cases.later(60)
    await cases.links.use(link.secret, PASSWORD, HOME)
    (revocation,) = cases.memory.revocations
    assert (revocation.kind, revocation.name, revocation.issued_before) == (
        RevocationKind.SUBJECT, member.member_id, cases.now
    )  # fmt: skip
    assert cases.memory.members[member.member_id].signed_out_at == cases.now


async def test_password_that_is_refused_leaves_the_link(cases: PeopleCases) -> None:
    _, secret = await cases.invite("grace@example.com")
    for password, why in (("short", "short"), ("grace is great", "personal"), ("password1", "common")):
        error = await failing(cases.links.use(secret, password, HOME))
        assert (error.reason, error.metadata) == ("PASSWORD_REFUSED", {"why": why})
    await cases.links.use(secret, PASSWORD, HOME)


async def test_member_who_is_disabled_gets_no_link(cases: PeopleCases) -> None:
    member, caller = await cases.join(), cases.caller("owner")
    before = await cases.members.reset(caller, member.member_id)
    await cases.members.disable(caller, member.member_id)
    assert (await failing(cases.members.reset(caller, member.member_id))).reason == "STATE_NOT_ALLOWED"
    assert before is not None and (await failing(cases.links.describe(before.secret))).reason == "LINK_INVALID"


async def test_members_of_other_tenants_are_nobody(cases: PeopleCases) -> None:
    member, others = await cases.join(), PeopleCases()
    stranger = others.caller("owner")
    for act, more in (("disable", ()), ("reset", ()), ("end_sessions", ()), ("delete", (anything,))):
        error = await failing(getattr(cases.members, act)(stranger, member.member_id, *more))
        assert error.reason == "RESOURCE_NOT_FOUND"
    others.hasher.close()


@pytest.mark.parametrize("came_in", [False, True])
async def test_link_of_before_makes_nobody_what_its_maker_may_not_make(cases: PeopleCases, came_in: bool) -> None:
    admin, owner = cases.caller("admin"), cases.caller("owner")
    member, secret = await cases.invite("ada@example.com", "viewer")
    if came_in:
        await cases.links.use(secret, PASSWORD, HOME)
        link = await cases.members.reset(admin, member.member_id)
        assert link is not None
        secret = link.secret
    await cases.members.update(owner, member.member_id, MemberUpdate(display_name="Ada B."), anything)
    assert (await cases.links.describe(secret)).email == "ada@example.com"
    await cases.members.update(owner, member.member_id, MemberUpdate(roles=frozenset({"owner"})), anything)
    assert (await failing(cases.links.use(secret, PASSWORD, HOME))).reason == "LINK_INVALID"


async def test_no_link_is_made_for_what_a_member_was_a_moment_ago(
    cases: PeopleCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, find = await cases.join(), cases.members.get

    async def meanwhile(tenant_id: str, member_id: str) -> Member:
        found = await find(tenant_id, member_id)
        to_owner = MemberUpdate(roles=frozenset({"owner"}))
        await cases.members.update(cases.caller("owner"), member_id, to_owner, anything)
        return found

    monkeypatch.setattr(cases.members, "get", meanwhile)
    assert (await failing(cases.members.reset(cases.caller("admin"), ada.member_id))).reason == "CONFLICT"
