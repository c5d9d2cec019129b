"""What operators do with a second one."""

from __future__ import annotations

import asyncio
from typing import Any

from rampart.auth.v1 import approval_service_pb2 as pb
from rampart.auth.v1 import auth_service_pb2

from tests.support.approval_cases import ApprovalCases, failing, held, role_update

CONTEXT: Any = None
PLAN = auth_service_pb2.SetTenantPlanRequest(tenant="acme", plan={"rate_limit": 5})


class Done:
    """Counts how often something took effect."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1


def operator_grant(cases: ApprovalCases, peer: str, approval_id: str, digest: str) -> Any:
    request = pb.GrantPlatformApprovalRequest(approval_id=approval_id, digest=digest)
    return cases.operate(peer, request, lambda: cases.servicer.GrantPlatformApproval(request, CONTEXT))


async def test_operator_acts_when_another_has_approved_and_each_has_a_name(cases: ApprovalCases) -> None:
    done = Done()
    assert (await failing(cases.operate("operator", PLAN, done))).reason == "CALLER_NOT_ALLOWED"
    waiting = await failing(cases.operate("operator/alice", PLAN, done))
    assert waiting.reason == "APPROVAL_REQUIRED"
    found = waiting.metadata["approval_id"], waiting.metadata["digest"]
    assert (await failing(operator_grant(cases, "operator/alice", *found))).reason == "SECOND_PERSON_NEEDED"
    assert (await failing(operator_grant(cases, "operator", *found))).reason == "CALLER_NOT_ALLOWED"
    assert done.times == 0
    await operator_grant(cases, "operator/bob", *found)
    assert (await failing(cases.operate("operator/bob", PLAN, done))).reason == "APPROVAL_REQUIRED"
    await asyncio.gather(*[cases.operate("operator/alice", PLAN, done) for _ in range(10)], return_exceptions=True)
    assert done.times == 1
    listed = await cases.servicer.ListPlatformApprovals(pb.ListPlatformApprovalsRequest(state="used"), CONTEXT)
    assert [(each.approval_id, each.requester, each.decider) for each in listed.approvals] == [
        (found[0], "operator/alice", "operator/bob")
    ]


async def test_approval_of_an_operator_is_none_of_a_tenant(cases: ApprovalCases) -> None:
    first, second = await cases.two()
    approval_id, digest = await held(cases, cases.own(first), role_update(await cases.join(), "owner"))
    assert (await failing(operator_grant(cases, "operator/bob", approval_id, digest))).reason == "RESOURCE_NOT_FOUND"
    waiting = await failing(cases.operate("operator/alice", PLAN, Done()))
    request = pb.GetApprovalRequest(approval_id=waiting.metadata["approval_id"])
    assert (await failing(cases.call(cases.own(second), request))).reason == "RESOURCE_NOT_FOUND"


async def test_one_operator_is_enough_where_two_are_not_asked_for() -> None:
    cases, done = ApprovalCases(two_operators=False), Done()
    await cases.operate("operator", PLAN, done)
    assert done.times == 1
    cases.hasher.close()
