"""An auth process of a test's own, and people who sign in to it over the mesh as the gateway lets them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rampart.auth.v1 import oauth_service_pb2 as pb
from rampart.auth.v1 import sign_in_pb2, sign_in_service_pb2

from meshkit.ids import uuid7
from meshkit.storage.postgres import open_pool
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_members import PostgresMembers
from services.auth.domain.audit import AuditEvent
from services.auth.domain.links import LinkKind, MemberLink
from services.auth.domain.members import Member
from services.auth.domain.secrets import new_secret, secret_hash
from services.auth.domain.tenants import Tenant
from services.auth.ports import RecordedAct
from services.auth.service.quotas import check_room
from tests.support.calls import Caller, calling
from tests.support.certificates import Certificates
from tests.support.processes import Process
from tests.support.servers import Database
from tests.support.signing_in import PASSWORD, VERIFIER, challenge_of, query_of
from tests.support.tenants import add_tenant

__all__ = ["CALLBACK", "CLI", "AuthProcess", "SignInEdge", "new_members", "sign_in_edge"]

OAUTH, SIGN_IN, SESSIONS = (f"rampart.auth.v1.{name}Service" for name in ("OAuth", "SignIn", "Session"))
CALLBACK = "http://127.0.0.1:49152/callback"
OWN = "openid account:read account:write"
CLI = pb.ClientAuthentication(client_id="rampart-cli")


@dataclass
class AuthProcess:
    """An auth process that can be killed and started again, on one database and one address."""

    environment: dict[str, str]
    log: Path

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.process = Process("services.auth", self.environment, self.log)
        self.process.wait_ready()

    @property
    def address(self) -> str:
        return self.environment["RAMPART_AUTH_LISTEN"]


class SignInEdge:
    """Calls as the gateway does."""

    def __init__(self, oauth: Caller, sign_in: Caller, sessions: Caller) -> None:
        self.oauth, self.sign_in, self.sessions = oauth, sign_in, sessions

    async def view(self, name: str, **fields: object) -> sign_in_pb2.SignIn:
        request = getattr(sign_in_service_pb2, f"{name}Request")(**fields)
        answer = await self.sign_in(request, getattr(sign_in_service_pb2, f"{name}Response"), timeout=20)
        view: sign_in_pb2.SignIn = answer.sign_in
        return view

    async def signed_in(self, member: Member, tenant: str, scope: str = OWN) -> sign_in_pb2.SignIn:
        asked = pb.StartAuthorizationRequest(
            client_id="rampart-cli",
            redirect_uri=CALLBACK,
            response_type="code",
            scope=scope,
            state="st",
            code_challenge=challenge_of(VERIFIER),
            code_challenge_method="S256",
            tenant=tenant,
        )
        started = await self.oauth(asked, pb.StartAuthorizationResponse)
        return await self.view(
            "SubmitPassword", interaction=started.interaction, email=member.email, password=PASSWORD,
            client_address="192.0.2.1",
        )  # fmt: skip

    async def grant(self, **fields: object) -> pb.GrantTokenResponse:
        return await self.oauth(pb.GrantTokenRequest(client=CLI, **fields), pb.GrantTokenResponse, timeout=20)  # type: ignore[arg-type]

    async def tokens(self, member: Member, tenant: str, scope: str = OWN) -> pb.GrantTokenResponse:
        view = await self.signed_in(member, tenant, scope)
        code = query_of(view.redirect_uri)["code"]
        return await self.grant(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER
        )

    async def refresh(self, token: str) -> pb.GrantTokenResponse:
        return await self.grant(grant_type="refresh_token", refresh_token=token)


@asynccontextmanager
async def sign_in_edge(auth: AuthProcess, certificates: Certificates) -> AsyncIterator[SignInEdge]:
    """Calls an auth process as the gateway does."""
    files = certificates.identity("service/gateway")
    address = auth.address
    async with (
        calling(address, OAUTH, files) as oauth,
        calling(address, SIGN_IN, files) as sign_in,
        calling(address, SESSIONS, files) as sessions,
    ):
        yield SignInEdge(oauth, sign_in, sessions)


async def new_members(database: Database, edge: SignInEdge, *roles: str) -> tuple[Tenant, list[Member]]:
    """Returns a new tenant with a member for each role, who has used his invitation."""
    pool, now = await open_pool(database.dsn, size=2), datetime.now(UTC)
    wanted = Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", now)
    tenant = await add_tenant(PostgresDirectory(pool), wanted)
    made = []
    for role in roles:
        address = f"{secrets.token_hex(4)}@acme.example"
        member = Member(str(uuid7()), tenant.tenant_id, address, "Ann", frozenset({role}), now, now)
        secret, until = new_secret("rln_"), now + timedelta(days=1)
        link = MemberLink(secret_hash(secret), member.tenant_id, member.member_id, LinkKind.INVITATION, until)
        act = RecordedAct(AuditEvent("member.invite", member.tenant_id, now))
        assert await PostgresMembers(pool).create_member(member, link, act, check_room)
        use = sign_in_service_pb2.UseLinkRequest(link=secret, password=PASSWORD, client_address="192.0.2.1")
        await edge.sign_in(use, sign_in_service_pb2.UseLinkResponse, timeout=20)
        made.append(member)
    await pool.close()
    return tenant, made
