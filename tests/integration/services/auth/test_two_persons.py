"""Two people and two operators over the mesh, at an auth process on a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from rampart.auth.v1 import (
    approval_service_pb2,
    audit_service_pb2,
    auth_service_pb2,
    member_service_pb2,
)
from rampart.mesh.v1 import tenant_data_service_pb2

from console.directory import TenantDirectory, open_directory
from console.failure import CommandFailure
from console.platform_approvals import PlatformApprovals, open_platform_approvals
from gateway.calls.mesh import MeshUpstream
from meshkit.identity.roles import Roles
from meshkit.rpc.channel import open_channel
from meshkit.rpc.failures import from_rpc_error
from meshkit.settings import TlsFiles
from services.auth.domain.members import Member
from services.auth.domain.tenants import Tenant
from tests.support.auth_process import AuthProcess, SignInEdge, new_members, sign_in_edge
from tests.support.calls import calling, failure
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.gateway import PRINCIPAL, Gateway, plan
from tests.support.processes import free_port
from tests.support.servers import Database

SCOPE = " ".join(["openid", *sorted(Roles.declared().permitted(["admin"]))])
MODULES = {
    "ApprovalService": approval_service_pb2,
    "AuditService": audit_service_pb2,
    "MemberService": member_service_pb2,
}


@pytest.fixture(scope="module")
def auth(
    database: Database, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AuthProcess]:
    folder = tmp_path_factory.mktemp("auth")
    environment = {
        **database.environment(),
        **certificates.environment("service/auth"),
        "RAMPART_AUTH_LISTEN": f"127.0.0.1:{free_port()}",
        "RAMPART_TWO_OPERATORS": "on",
        **key_files("auth", folder),
    }
    auth = AuthProcess(environment, folder / "log")
    yield auth
    auth.process.stop()


@dataclass
class Person:
    """A member with a token, who calls through the gateway."""

    member: Member
    tenant: str
    token: str
    address: str
    files: TlsFiles

    async def __call__(self, service: str, method: str, **fields: Any) -> Any:
        request: Message = getattr(MODULES[service], f"{method}Request")(**fields)
        async with calling(self.address, f"rampart.auth.v1.{service}", self.files) as caller:
            return await caller(request, getattr(MODULES[service], f"{method}Response"), token=self.token)


@pytest.fixture
async def edge(auth: AuthProcess, certificates: Certificates) -> AsyncIterator[SignInEdge]:
    async with sign_in_edge(auth, certificates) as edge:
        yield edge


@pytest.fixture
async def two(database: Database, auth: AuthProcess, certificates: Certificates, edge: SignInEdge) -> list[Person]:
    """Two administrators of a tenant that asks for a second person."""
    tenant, members = await new_members(database, edge, "admin", "admin")
    # A token that was issued within the second in which others were ended is ended too.
    await asyncio.sleep(1.1)
    files, people = certificates.identity("service/gateway"), []
    for member in members:
        granted = await edge.tokens(member, tenant.name, SCOPE)
        people.append(Person(member, tenant.name, granted.access_token, auth.address, files))
    await people[0]("ApprovalService", "SetApprovalPolicy", policy={"role_changes": True})
    return people


async def test_second_person_approves_to_the_byte_and_nothing_of_it_is_logged(
    auth: AuthProcess, two: list[Person], operators: Operators
) -> None:
    first, second = two
    invitation = {"email": "canary@example.com", "display_name": "Canary", "roles": ["admin"]}
    waiting = await failure(first("MemberService", "InviteMember", **invitation))
    assert waiting.reason == "APPROVAL_REQUIRED"
    one = {"approval_id": waiting.metadata["approval_id"]}
    shown = (await second("ApprovalService", "GetApproval", **one)).approval
    assert json.loads(shown.call)["request"] == invitation
    operator = replace(second, token=(await operators.alice.token(first.tenant)).access_token)
    for nobody in (first, operator):
        refused = await failure(nobody("ApprovalService", "GrantApproval", **one, digest=shown.digest))
        assert refused.reason == "SECOND_PERSON_NEEDED"
    await second("ApprovalService", "GrantApproval", **one, digest=shown.digest)
    changed = await failure(first("MemberService", "InviteMember", **invitation | {"email": "canary2@example.com"}))
    assert changed.reason == "APPROVAL_REQUIRED" and changed.metadata != waiting.metadata

    calls = [first("MemberService", "InviteMember", **invitation) for _ in range(5)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    (done,) = [each for each in ended if not isinstance(each, BaseException)]
    assert done.member.roles == ["admin"] and done.link.path
    used = (await second("ApprovalService", "GetApproval", **one)).approval
    assert (used.state, used.call, used.decider) == ("used", "", second.member.member_id)

    events = (await first("AuditService", "ListAuditEvents", action="approval.*")).events
    about = [event for event in events if event.target == f"approvals/{one['approval_id']}"]
    assert [event.action for event in about] == ["approval.use", "approval.grant", "approval.request"]
    assert {event.details["digest"] for event in about} == {shown.digest}
    assert "anary" not in str(events) and "anary" not in auth.process.log()


async def test_second_person_approves_over_rest_and_the_same_call_again_is_let_in(
    auth: AuthProcess, two: list[Person]
) -> None:
    policies = {name: method.policy for name, method in plan().methods.items()}
    async with open_channel(auth.address, two[0].files, policies) as channel:
        gateway = Gateway(upstream=MeshUpstream({"auth": channel}, policies))
        for person in two:
            gateway.verifier.tokens[person.token] = replace(PRINCIPAL, tenant_id=person.member.tenant_id)
        first, second = [partial(gateway.request, token=person.token) for person in two]
        path, change = f"/api/v1/members/{two[1].member.member_id}", {"roles": ["analyst"]}
        held = await first("PATCH", path, change)
        assert (held.status, held.json["reason"]) == (409, "APPROVAL_REQUIRED")
        (waiting,) = (await second("GET", "/api/v1/approvals?state=pending")).json["approvals"]
        assert waiting["approval_id"] == held.json["metadata"]["approval_id"]
        approve = f"/api/v1/approvals/{waiting['approval_id']}:approve"
        assert (await first("POST", approve, {"digest": waiting["digest"]})).status == 403
        granted = await second("POST", approve, {"digest": waiting["digest"]})
        assert (granted.status, granted.json["state"]) == (200, "approved")
        less = await first("PUT", "/api/v1/approval-policy", {"role_changes": False})
        assert (less.status, less.json["reason"]) == (409, "APPROVAL_REQUIRED")
        done = await first("PATCH", path, change)
        assert (done.status, done.json["roles"]) == (200, ["analyst"])


@dataclass
class Operators:
    """What two operators and one without a name call."""

    nobody: TenantDirectory
    alice: TenantDirectory
    bob: PlatformApprovals


@pytest.fixture
async def operators(auth: AuthProcess, certificates: Certificates) -> AsyncIterator[Operators]:
    where = {
        name: (auth.address, certificates.identity(name)) for name in ("operator", "operator/alice", "operator/bob")
    }
    async with (
        open_directory(*where["operator"]) as nobody,
        open_directory(*where["operator/alice"]) as alice,
        open_platform_approvals(*where["operator/bob"]) as bob,
    ):
        yield Operators(nobody, alice, bob)


@pytest.fixture
async def tenant(database: Database, edge: SignInEdge) -> Tenant:
    return (await new_members(database, edge))[0]


async def waiting_for(operators: Operators, method: str) -> dict[str, Any]:
    """Returns the newest of what operators wait for."""
    found = await anext(operators.bob.list("pending", 1))
    assert found["method"].endswith(method) and found["requester"] == "operator/alice"
    return found


async def test_plan_is_changed_by_two_operators_with_names(operators: Operators, tenant: Tenant) -> None:
    plan = auth_service_pb2.TenantPlan(rate_limit=77)
    with pytest.raises(CommandFailure, match="CALLER_NOT_ALLOWED"):
        await operators.nobody.set_plan(tenant.name, plan)
    with pytest.raises(CommandFailure, match=r"rampart approval show \S+ --platform"):
        await operators.alice.set_plan(tenant.name, plan)
    asked = await waiting_for(operators, "AuthService/SetTenantPlan")
    assert json.loads(asked["call"])["request"] == {"plan": {"rate_limit": 77}, "tenant": tenant.name}
    await operators.bob.grant(asked["approval_id"], asked["digest"])
    assert (await operators.alice.set_plan(tenant.name, plan)).plan.rate_limit == 77
    assert (await operators.bob.get(asked["approval_id"]))["state"] == "used"
    with pytest.raises(CommandFailure, match="APPROVAL_REQUIRED"):
        await operators.alice.set_plan(tenant.name, plan)


async def test_services_erase_nothing_before_a_second_operator_has_approved(
    auth: AuthProcess, certificates: Certificates, operators: Operators, tenant: Tenant
) -> None:
    stopped = await operators.alice.suspend(tenant.name)
    with pytest.raises(CommandFailure, match="APPROVAL_REQUIRED"):
        await operators.alice.allow_erasure(stopped)
    files = certificates.identity("operator/alice")

    async def erased() -> str:
        """Returns why nothing is erased; empty if it is."""
        request = tenant_data_service_pb2.EraseTenantRequest(tenant_id=tenant.tenant_id)
        async with calling(auth.address, "rampart.mesh.v1.TenantDataService", files) as caller:
            try:
                await caller(request, tenant_data_service_pb2.EraseTenantResponse)
            except grpc.aio.AioRpcError as error:
                return from_rpc_error(error, "auth").metadata["state"]
        return ""

    async def until(state: str) -> None:
        async with asyncio.timeout(10):
            while await erased() != state:
                await asyncio.sleep(0.1)

    await until("suspended")
    asked = await waiting_for(operators, "TenantService/AllowTenantErasure")
    await operators.bob.grant(asked["approval_id"], asked["digest"])
    assert await erased() == "suspended"
    await operators.alice.allow_erasure(stopped)
    await until("")
