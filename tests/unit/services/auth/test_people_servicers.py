"""What callers of members and accounts send, and get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rampart.auth.v1 import account_service_pb2 as accounts
from rampart.auth.v1 import member_pb2
from rampart.auth.v1 import member_service_pb2 as pb

from meshkit.context import CallContext, Principal, set_current
from meshkit.continuations import Continuations
from meshkit.errors import MeshError
from meshkit.pages import Pages
from services.auth.servicer.account_service import AccountServicer
from services.auth.servicer.member_service import MemberServicer
from tests.support.authenticator import SoftAuthenticator
from tests.support.people_cases import HOME, ORIGIN, PASSWORD, RELYING_PARTY, PeopleCases
from tests.support.tenants import add_tenant

CONTEXT: Any = None


@pytest.fixture
def cases() -> Iterator[PeopleCases]:
    made = PeopleCases()
    yield made
    made.hasher.close()


@pytest.fixture
def members(cases: PeopleCases) -> MemberServicer:
    calls_as(cases.caller("owner"))
    return MemberServicer(cases.members, Pages(Continuations([b"p" * 32])))


def calls_as(caller: Principal) -> None:
    set_current(CallContext(principal=caller))


async def invited(cases: PeopleCases, members: MemberServicer, email: str = "ada@example.com") -> member_pb2.Member:
    await add_tenant(cases.people.directory, cases.people.tenant)
    asked = pb.InviteMemberRequest(email=email, display_name="Ada Byron", roles=["viewer", "analyst"])
    answer = await members.InviteMember(asked, CONTEXT)
    await cases.links.use(answer.link.path.rpartition("/")[2], PASSWORD, HOME)
    return (await members.GetMember(pb.GetMemberRequest(member_id=answer.member.member_id), CONTEXT)).member


async def failing(call: Any) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await call
    return caught.value


async def test_member_is_told_as_stored(cases: PeopleCases, members: MemberServicer) -> None:
    member = await invited(cases, members)
    assert (member.email, member.display_name, list(member.roles)) == (
        "ada@example.com", "Ada Byron", ["analyst", "viewer"]
    )  # fmt: skip
    assert (member.state, member.etag) == ("active", '"2"')
    assert member.create_time.ToDatetime() == cases.now.replace(tzinfo=None) and not member.HasField("sign_in_time")


async def test_member_that_was_read_can_be_edited_and_sent_back(cases: PeopleCases, members: MemberServicer) -> None:
    member = await invited(cases, members)
    member.display_name = "Ada Lovelace"
    changed = (await members.UpdateMember(pb.UpdateMemberRequest(member=member), CONTEXT)).member
    assert (changed.display_name, changed.etag) == ("Ada Lovelace", '"3"')
    assert (
        await failing(members.UpdateMember(pb.UpdateMemberRequest(member=member), CONTEXT))
    ).reason == "ETAG_MISMATCH"
    changed.email = "eve@example.com"
    error = await failing(members.UpdateMember(pb.UpdateMemberRequest(member=changed), CONTEXT))
    assert [each.field for each in error.violations] == ["member.email"]
    none = pb.UpdateMemberRequest(
        member=member_pb2.Member(member_id=member.member_id), update_mask={"paths": ["roles"]}
    )
    assert [each.field for each in (await failing(members.UpdateMember(none, CONTEXT))).violations] == ["member.roles"]


@pytest.mark.parametrize("condition", [{"if_match": ['"9"']}, {"if_none_match": ["*"]}])
async def test_change_happens_in_the_states_that_were_named(
    cases: PeopleCases, members: MemberServicer, condition: dict[str, list[str]]
) -> None:
    member = await invited(cases, members)
    named: Any = condition
    update = pb.UpdateMemberRequest(
        member=member_pb2.Member(member_id=member.member_id, display_name="x"), preconditions=named
    )
    assert (await failing(members.UpdateMember(update, CONTEXT))).reason == "ETAG_MISMATCH"
    for request in (
        pb.DeleteMemberRequest(member_id=member.member_id, preconditions=named),
        pb.DeleteMemberRequest(member_id=member.member_id, etag='"9"'),
    ):
        assert (await failing(members.DeleteMember(request, CONTEXT))).reason == "ETAG_MISMATCH"
    await members.DeleteMember(pb.DeleteMemberRequest(member_id=member.member_id, etag='"2"'), CONTEXT)


async def test_members_come_in_pages(cases: PeopleCases, members: MemberServicer) -> None:
    made = [(await invited(cases, members, f"m{number}@example.com")).member_id for number in range(3)]
    first = await members.ListMembers(pb.ListMembersRequest(page_size=2), CONTEXT)
    rest = await members.ListMembers(pb.ListMembersRequest(page_size=2, page_token=first.next_page_token), CONTEXT)
    assert [each.member_id for each in (*first.members, *rest.members)] == made and not rest.next_page_token
    other = pb.ListMembersRequest(state="active", page_token=first.next_page_token)
    assert (await failing(members.ListMembers(other, CONTEXT))).reason == "PAGE_TOKEN_INVALID"
    assert not (await members.ListMembers(pb.ListMembersRequest(state="invited"), CONTEXT)).members


async def test_member_is_disabled_enabled_reset_and_signed_out(cases: PeopleCases, members: MemberServicer) -> None:
    named = {"member_id": (await invited(cases, members)).member_id}
    assert (await members.DisableMember(pb.DisableMemberRequest(**named), CONTEXT)).member.state == "disabled"
    assert (await members.EnableMember(pb.EnableMemberRequest(**named), CONTEXT)).member.state == "active"
    assert (await members.ResetMember(pb.ResetMemberRequest(**named), CONTEXT)).link.path.startswith("/link/rln_")
    await members.EndMemberSessions(pb.EndMemberSessionsRequest(**named), CONTEXT)


async def test_policy_is_set_and_read(cases: PeopleCases, members: MemberServicer) -> None:
    wanted = member_pb2.SignInPolicy(second_factor_required=True)
    assert (await members.SetSignInPolicy(pb.SetSignInPolicyRequest(policy=wanted), CONTEXT)).policy == wanted
    assert (await members.GetSignInPolicy(pb.GetSignInPolicyRequest(), CONTEXT)).policy == wanted


async def test_account_is_the_callers_own(cases: PeopleCases, members: MemberServicer) -> None:
    member = await cases.join()
    calls_as(replace(cases.own(member), scopes=frozenset({"account:read", "account:write"})))
    account = AccountServicer(cases.account)
    authenticator = SoftAuthenticator(ORIGIN, RELYING_PARTY)
    started = await account.StartPasskey(accounts.StartPasskeyRequest(), CONTEXT)
    made = accounts.CreatePasskeyRequest(
        state=started.state, response=authenticator.create(started.options), display_name="Laptop"
    )
    passkey = (await account.CreatePasskey(made, CONTEXT)).passkey
    assert list((await account.ListPasskeys(accounts.ListPasskeysRequest(), CONTEXT)).passkeys) == [passkey]
    codes = (await account.CreateRecoveryCodes(accounts.CreateRecoveryCodesRequest(), CONTEXT)).codes
    told = (await account.GetAccount(accounts.GetAccountRequest(), CONTEXT)).account
    assert (told.subject, list(told.scopes)) == (member.member_id, ["account:read", "account:write"])
    assert (told.tenant, told.tenant_id) == (cases.people.tenant.name, member.tenant_id)
    assert (list(told.factors), told.recovery_codes_left) == (["passkey", "recovery_code"], len(codes))
    assert (await account.StartTotp(accounts.StartTotpRequest(), CONTEXT)).otpauth_uri.startswith("otpauth://totp/")
    rename = accounts.RenamePasskeyRequest(passkey_id=passkey.passkey_id, display_name="Old laptop")
    assert (await account.RenamePasskey(rename, CONTEXT)).passkey.display_name == "Old laptop"
    await account.DeletePasskey(accounts.DeletePasskeyRequest(passkey_id=passkey.passkey_id), CONTEXT)
    gone = accounts.DeletePasskeyRequest(passkey_id="A")
    assert (await failing(account.DeletePasskey(gone, CONTEXT))).reason == "RESOURCE_NOT_FOUND"
