"""What was asked for takes effect once, as it was approved, by two people who both may do it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from hashlib import sha256

import pytest
from rampart.auth.v1 import approval_service_pb2 as pb
from rampart.auth.v1 import member_service_pb2

from meshkit.errors import MeshError
from services.auth.domain.approvals import LIFE
from services.auth.domain.members import MemberUpdate
from tests.support.approval_cases import ApprovalCases, approved, failing, held, role_update, roles_of

DAY = LIFE.total_seconds()


async def test_call_takes_effect_once_when_another_has_approved_what_it_was(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    ada = await cases.join("ada@example.com")
    request = role_update(ada, "admin")
    approval_id, digest = await held(cases, cases.own(first), request)
    assert await held(cases, cases.own(first), request) == (approval_id, digest)
    seen = (await cases.call(cases.own(second), pb.GetApprovalRequest(approval_id=approval_id))).approval
    assert (seen.state, seen.requester, seen.digest) == ("pending", first.member_id, digest)
    assert json.loads(seen.call) == {
        "method": "rampart.auth.v1.MemberService/UpdateMember",
        "request": {"member": {"member_id": ada.member_id, "roles": ["admin"]}, "update_mask": "roles"},
    }
    assert sha256(seen.call.encode()).hexdigest() == digest
    assert roles_of(cases, ada) == {"analyst"}

    granted = await cases.grant(cases.own(second), approval_id, digest)
    assert (granted.state, granted.decider) == ("approved", second.member_id)
    assert roles_of(cases, ada) == {"analyst"}
    await cases.call(cases.own(first), request)
    assert roles_of(cases, ada) == {"admin"}
    used = await cases.keeper.find(ada.tenant_id, approval_id)
    assert (used.state.value, used.call) == ("used", "")
    # What goes back and forth needs another approval each time.
    await cases.members.update(cases.caller("owner"), ada.member_id, MemberUpdate(roles=ada.roles), lambda _: None)
    assert (await held(cases, cases.own(first), request))[0] != approval_id


async def test_one_who_asked_does_not_approve_through_whatever_program(cases: ApprovalCases) -> None:
    first, _ = await cases.two()
    approval_id, digest = await held(cases, cases.own(first), role_update(await cases.join(), "owner"))
    for caller in (cases.own(first), replace(cases.own(first), client_id="another")):
        assert (await failing(cases.grant(caller, approval_id, digest))).reason == "SECOND_PERSON_NEEDED"


@pytest.mark.parametrize("subject", ["client-of-the-first", "key-1", "operator", "operator/alice"])
async def test_program_and_operator_are_no_second_person_of_a_tenant(cases: ApprovalCases, subject: str) -> None:
    first, _ = await cases.two()
    approval_id, digest = await held(cases, cases.own(first), role_update(await cases.join(), "owner"))
    caller = replace(cases.caller("owner", subject=subject), client_id=subject)
    assert (await failing(cases.grant(caller, approval_id, digest))).reason == "SECOND_PERSON_NEEDED"


@pytest.mark.parametrize("subject", ["client-of-the-first", "key-1"])
async def test_nobody_asks_through_a_program_what_he_would_approve_himself(cases: ApprovalCases, subject: str) -> None:
    await cases.two()
    ada = await cases.join()
    program = replace(cases.caller("admin", subject=subject), client_id=subject, roles=frozenset({"service"}))
    error = await failing(cases.call(program, role_update(ada, "admin")))
    assert (error.reason, error.metadata) == ("SECOND_PERSON_NEEDED", {})
    # What needs nobody else goes on as before.
    await cases.call(program, role_update(ada, "viewer"))
    assert roles_of(cases, ada) == {"viewer"}


async def test_operator_asks_and_a_member_approves(cases: ApprovalCases) -> None:
    _, second = await cases.two()
    ada, operator = await cases.join(), cases.caller("owner", subject="operator/alice")
    approval_id, digest = await held(cases, operator, role_update(ada, "admin"))
    await cases.grant(cases.own(second), approval_id, digest)
    await cases.call(operator, role_update(ada, "admin"))
    assert roles_of(cases, ada) == {"admin"}


async def test_member_who_is_disabled_is_no_second_person(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    approval_id, digest = await held(cases, cases.own(first), role_update(await cases.join(), "owner"))
    await cases.members.disable(cases.caller("owner"), second.member_id)
    assert (await failing(cases.grant(cases.own(second), approval_id, digest))).reason == "SECOND_PERSON_NEEDED"


async def test_who_may_not_make_the_call_does_not_approve_it(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    approval_id, digest = await held(cases, cases.own(first), role_update(await cases.join(), "owner"))
    narrow = replace(cases.own(second), scopes=frozenset({"approval:write"}))
    assert (await failing(cases.grant(narrow, approval_id, digest))).reason == "SCOPE_MISSING"


async def test_approval_of_one_call_lets_in_no_other(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    ada, bob = await cases.join("ada@example.com"), await cases.join("bob@example.com")
    approval_id = await approved(cases, first, second, role_update(ada, "admin"))
    for other in (role_update(ada, "owner"), role_update(bob, "admin"), role_update(ada, "admin", "viewer")):
        assert (await held(cases, cases.own(first), other))[0] != approval_id
    # Nor the same call of somebody else.
    assert (await held(cases, cases.own(second), role_update(ada, "admin")))[0] != approval_id
    assert roles_of(cases, ada) == roles_of(cases, bob) == {"analyst"}


async def test_digest_that_is_not_that_of_the_call_approves_nothing(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    ada = await cases.join()
    approval_id, digest = await held(cases, cases.own(first), role_update(ada, "owner"))
    changed = f"{int(digest[0], 16) ^ 1:x}{digest[1:]}"
    assert (await failing(cases.grant(cases.own(second), approval_id, changed))).reason == "VALIDATION_FAILED"
    await held(cases, cases.own(first), role_update(ada, "owner"))


async def test_approval_is_over_after_a_day_used_or_not(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    ada = await cases.join()
    request = role_update(ada, "owner")
    approval_id, digest = await held(cases, cases.own(first), request)
    cases.later(DAY)
    assert (await failing(cases.grant(cases.own(second), approval_id, digest))).reason == "RESOURCE_NOT_FOUND"
    approval_id = await approved(cases, first, second, request)
    cases.later(DAY)
    assert (await held(cases, cases.own(first), request))[0] != approval_id
    assert roles_of(cases, ada) == {"analyst"}


async def test_other_tenant_finds_no_approval(cases: ApprovalCases) -> None:
    first, _ = await cases.two()
    approval_id, digest = await held(cases, cases.own(first), role_update(await cases.join(), "owner"))
    other = await cases.elsewhere()
    assert not (await cases.call(other, pb.ListApprovalsRequest())).approvals
    for request in (
        pb.GetApprovalRequest(approval_id=approval_id),
        pb.GrantApprovalRequest(approval_id=approval_id, digest=digest),
        pb.RejectApprovalRequest(approval_id=approval_id),
    ):
        assert (await failing(cases.call(other, request))).reason == "RESOURCE_NOT_FOUND"


async def test_of_calls_at_once_one_has_the_approval(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    request = member_service_pb2.InviteMemberRequest(email="eve@example.com", display_name="Eve", roles=["admin"])
    await approved(cases, first, second, request)
    ended = await asyncio.gather(*[cases.call(cases.own(first), request) for _ in range(20)], return_exceptions=True)
    refused = [each for each in ended if isinstance(each, MeshError)]
    assert {each.reason for each in refused} == {"APPROVAL_REQUIRED"}
    assert len(refused) == 19


async def test_who_approved_and_may_no_more_lets_nothing_in(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    ada = await cases.join()
    await approved(cases, first, second, role_update(ada, "owner"))
    to_analyst = MemberUpdate(roles=frozenset({"analyst"}))
    await cases.members.update(cases.caller("owner"), second.member_id, to_analyst, lambda _: None)
    error = await failing(cases.call(cases.own(first), role_update(ada, "owner")))
    assert (error.reason, error.metadata["state"]) == ("STATE_NOT_ALLOWED", "approver_unfit")
    assert roles_of(cases, ada) == {"analyst"}


async def test_call_does_no_more_than_both_may(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    ada = await cases.join()
    approval_id, digest = await held(cases, cases.own(first), role_update(ada, "admin"))
    narrow = replace(cases.own(second), scopes=cases.own(second).scopes - {"case:write"})
    await cases.grant(narrow, approval_id, digest)
    error = await failing(cases.call(cases.own(first), role_update(ada, "admin")))
    assert (error.reason, error.metadata["scope"]) == ("ROLE_NOT_GRANTED", "case:write")


async def test_owner_is_made_by_two_owners(cases: ApprovalCases) -> None:
    _, admin = await cases.two()
    boss, other = await cases.join("boss@example.com", "owner"), await cases.join("other@example.com", "owner")
    ada = await cases.join()
    await approved(cases, boss, admin, role_update(ada, "owner"))
    assert (await failing(cases.call(cases.own(boss), role_update(ada, "owner")))).reason == "ROLE_NOT_GRANTED"
    await approved(cases, boss, other, role_update(ada, "owner"))
    await cases.call(cases.own(boss), role_update(ada, "owner"))
    assert roles_of(cases, ada) == {"owner"}


@pytest.mark.parametrize("granted", [False, True])
@pytest.mark.parametrize(("who", "state"), [("first", "withdrawn"), ("second", "rejected")])
async def test_what_is_rejected_or_withdrawn_lets_nothing_in(
    cases: ApprovalCases, who: str, state: str, granted: bool
) -> None:
    first, second = await cases.two()
    ada = await cases.join()
    approval_id, digest = await held(cases, cases.own(first), role_update(ada, "owner"))
    if granted:
        await cases.grant(cases.own(second), approval_id, digest)
    decider = cases.own(first if who == "first" else second)
    ended = (await cases.call(decider, pb.RejectApprovalRequest(approval_id=approval_id))).approval
    assert (ended.state, ended.call, ended.decider) == (state, "", decider.actor)
    assert (await failing(cases.grant(cases.own(second), approval_id, digest))).metadata["state"] == state
    assert (await held(cases, cases.own(first), role_update(ada, "owner")))[0] != approval_id
    again = cases.call(decider, pb.RejectApprovalRequest(approval_id=approval_id))
    assert (await failing(again)).reason == "STATE_NOT_ALLOWED"
