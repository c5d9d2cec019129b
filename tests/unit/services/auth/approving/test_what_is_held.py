"""Which calls of a tenant wait for a second person, and what is kept of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from google.protobuf.message import Message
from rampart.auth.v1 import approval_service_pb2 as pb
from rampart.auth.v1 import identity_provider_service_pb2, member_service_pb2

from meshkit.context import CallContext, Principal, set_current
from meshkit.identity.policy import ApprovalRule
from services.auth.domain.approvals import MOST_OPEN
from tests.support.approval_cases import BY_NAME, ApprovalCases, approved, failing, held, role_update, roles_of


async def test_nobody_is_asked_for_where_the_tenant_does_not_ask(cases: ApprovalCases) -> None:
    first, ada = await cases.join("first@example.com", "admin"), await cases.join()
    await cases.call(cases.own(first), role_update(ada, "admin"))
    assert roles_of(cases, ada) == {"admin"}


async def test_what_makes_or_unmakes_a_powerful_member_is_held_and_nothing_else(cases: ApprovalCases) -> None:
    _, second = await cases.two()
    ada, boss = await cases.join(), await cases.join("boss@example.com", "owner", "viewer")
    own, service = cases.own(await cases.join("other@example.com", "owner")), member_service_pb2
    for request in (
        role_update(boss, "viewer"),
        role_update(boss, "admin"),
        # He has the role, but until this takes effect it may have been taken from him.
        role_update(boss, "owner"),
        role_update(boss, "owner", "analyst"),
        role_update(ada, "analyst", "admin"),
        service.InviteMemberRequest(email="eve@example.com", roles=["analyst", "owner"]),
        service.ResetMemberRequest(member_id=second.member_id),
        service.EnableMemberRequest(member_id=boss.member_id),
    ):
        await held(cases, own, request)
    for free in (
        role_update(ada, "developer", "viewer"),
        service.UpdateMemberRequest(member={"member_id": boss.member_id, "display_name": "The boss"}),
        service.InviteMemberRequest(email="bob@example.com", roles=["developer"]),
        service.ResetMemberRequest(member_id=ada.member_id),
        service.DisableMemberRequest(member_id=boss.member_id),
        service.EndMemberSessionsRequest(member_id=second.member_id),
    ):
        await cases.call(own, free)


async def test_method_that_is_not_told_apart_is_held_whatever_it_asks_for(cases: ApprovalCases) -> None:
    ada, request = await cases.join(), member_service_pb2.EndMemberSessionsRequest()
    policy = replace(BY_NAME["EndMemberSessions"], approval=ApprovalRule.TENANT)
    call = CallContext(principal=cases.own(ada))
    set_current(call)
    await cases.desk.let_in(call, policy, request, nothing)
    first, _ = await cases.two()
    call = CallContext(principal=cases.own(first))
    set_current(call)
    assert (await failing(cases.desk.let_in(call, policy, request, nothing))).reason == "APPROVAL_REQUIRED"


async def nothing() -> Message:
    return member_service_pb2.EndMemberSessionsResponse()


async def test_tenant_asks_for_a_second_person_only_if_there_is_one_and_no_more_only_with_one(
    cases: ApprovalCases,
) -> None:
    first = await cases.join("first@example.com", "owner")
    await cases.join("analyst@example.com", "analyst", "viewer")
    await cases.invite("invited@example.com", "owner")
    error = await failing(cases.ask(first))
    assert (error.reason, error.metadata["state"]) == ("STATE_NOT_ALLOWED", "too_few")
    second = await cases.join("second@example.com", "admin")
    await cases.ask(first)
    await cases.ask(second)
    assert (await cases.call(cases.own(first), pb.GetApprovalPolicyRequest())).policy.role_changes
    less = pb.SetApprovalPolicyRequest(policy={"role_changes": False})
    await approved(cases, first, second, less)
    await cases.call(cases.own(first), less)
    assert not (await cases.call(cases.own(first), pb.GetApprovalPolicyRequest())).policy.role_changes


async def test_acts_are_events_with_the_digest_and_without_the_address(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    request = member_service_pb2.InviteMemberRequest(email="canary@example.com", display_name="Canary", roles=["admin"])
    approval_id, digest = await held(cases, cases.own(first), request)
    await cases.grant(cases.own(second), approval_id, digest)
    await cases.call(cases.own(first), request)
    told = [event for event in cases.approvals.events if event.action.startswith("approval.")]
    assert [(event.action, event.actor) for event in told] == [
        ("approval.request", first.member_id),
        ("approval.grant", second.member_id),
        ("approval.use", first.member_id),
    ]
    assert all(event.target == f"approvals/{approval_id}" and event.details["digest"] == digest for event in told)
    assert {event.details["requester"] for event in told} == {first.member_id}
    kept = await cases.keeper.find(first.tenant_id, approval_id)
    assert "anary" not in repr((told, kept))


async def test_no_more_wait_than_can_be_kept(cases: ApprovalCases) -> None:
    first, _ = await cases.two()
    for number in range(MOST_OPEN):
        await held(cases, cases.own(first), member_service_pb2.InviteMemberRequest(email=f"e{number}", roles=["owner"]))
    one_more = member_service_pb2.InviteMemberRequest(email="one more", roles=["owner"])
    assert (await failing(cases.call(cases.own(first), one_more))).metadata["state"] == "full"
    huge = member_service_pb2.InviteMemberRequest(email="x" * 20_000, roles=["owner"])
    assert (await failing(cases.call(cases.own(first), huge))).reason == "VALIDATION_FAILED"


async def test_field_that_nobody_could_read_is_not_approved_with_the_rest(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    ada = await cases.join()
    await approved(cases, first, second, role_update(ada, "admin"))
    hidden = type(role_update(ada)).FromString(role_update(ada, "admin").SerializeToString() + b"\xfa\x07\x01x")
    await cases.call(cases.own(first), hidden)
    assert roles_of(cases, ada) == {"admin"}


async def test_approvals_come_in_pages_the_newest_first(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    asked = []
    for number in range(5):
        request = member_service_pb2.InviteMemberRequest(email=f"e{number}", roles=["owner"])
        asked.append((await held(cases, cases.own(first), request))[0])
    await cases.call(cases.own(first), pb.RejectApprovalRequest(approval_id=asked[2]))
    found, page = [], ""
    while True:
        listing = pb.ListApprovalsRequest(state="pending", page_size=3, page_token=page)
        answer = await cases.call(cases.own(second), listing)
        found += [each.approval_id for each in answer.approvals]
        page = answer.next_page_token
        if not page:
            break
    assert found == [asked[number] for number in (4, 3, 1, 0)]


async def waiting(cases: ApprovalCases, caller: Principal, request: Message) -> tuple[str, str]:
    """Returns the identifier and digest of the approval for which a call has to wait that reaches nothing here."""
    error = await failing(cases.held(CallContext(principal=caller), request, nothing))
    assert error.reason == "APPROVAL_REQUIRED", error
    return error.metadata["approval_id"], error.metadata["digest"]


async def test_provider_that_could_vouch_for_anybody_is_held_and_its_secret_is_shown_to_nobody(
    cases: ApprovalCases,
) -> None:
    await cases.two()
    own, service = cases.own(await cases.join("boss@example.com", "owner")), identity_provider_service_pb2
    ada = await cases.join()
    asked = service.SetIdentityProviderRequest(issuer="https://id.example", client_id="rampart", client_secret="s3cret")
    approval_id, digest = await waiting(cases, own, asked)
    shown = (await cases.call(own, pb.GetApprovalRequest(approval_id=approval_id))).approval
    assert "https://id.example" in shown.call and "s3cret" not in shown.call
    assert hashlib.sha256(b"s3cret").hexdigest() in shown.call
    asked.client_secret = "another"
    assert (await waiting(cases, own, asked))[1] != digest
    await waiting(cases, own, service.UnlinkMemberRequest(member_id=own.subject))
    call, free = CallContext(principal=own), service.UnlinkMemberRequest(member_id=ada.member_id)
    assert await cases.held(call, free, nothing) == await nothing()
