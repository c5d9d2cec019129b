"""Signing in and refreshing over the mesh, on a real database; what is promised holds when the process is killed."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from rampart.auth.v1 import oauth_service_pb2 as pb
from rampart.auth.v1 import session_pb2, session_service_pb2, sign_in_pb2, sign_in_service_pb2

from meshkit.errors import MeshError
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
from tests.integration.conftest import FreshDatabase
from tests.support.calls import Caller, calling, failure
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.processes import Process, free_port
from tests.support.servers import Database
from tests.support.signing_in import PASSWORD, VERIFIER, challenge_of, query_of
from tests.support.tenants import add_tenant

OAUTH, SIGN_IN, SESSIONS = (f"rampart.auth.v1.{name}Service" for name in ("OAuth", "SignIn", "Session"))
CALLBACK = "http://127.0.0.1:49152/callback"
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


@pytest.fixture(scope="module")
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("auth")


@pytest.fixture(scope="module")
def auth(
    database: Database, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AuthProcess]:
    folder = tmp_path_factory.mktemp("auth")
    environment = {
        **database.environment(),
        **certificates.environment("service/auth"),
        "RAMPART_AUTH_LISTEN": f"127.0.0.1:{free_port()}",
        **key_files("auth", folder),
        # A machine with much to do may need long to start a process again.
        "RAMPART_REFRESH_GRACE_SECONDS": "60",
    }
    auth = AuthProcess(environment, folder / "log")
    yield auth
    auth.process.stop()


class Edge:
    """Calls as the gateway does."""

    def __init__(self, oauth: Caller, sign_in: Caller, sessions: Caller) -> None:
        self.oauth, self.sign_in, self.sessions = oauth, sign_in, sessions

    async def view(self, name: str, **fields: object) -> sign_in_pb2.SignIn:
        request = getattr(sign_in_service_pb2, f"{name}Request")(**fields)
        answer = await self.sign_in(request, getattr(sign_in_service_pb2, f"{name}Response"), timeout=20)
        view: sign_in_pb2.SignIn = answer.sign_in
        return view

    async def signed_in(self, member: Member, tenant: str) -> sign_in_pb2.SignIn:
        asked = pb.StartAuthorizationRequest(
            client_id="rampart-cli",
            redirect_uri=CALLBACK,
            response_type="code",
            scope="openid account:read account:write",
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

    async def tokens(self, member: Member, tenant: str) -> pb.GrantTokenResponse:
        view = await self.signed_in(member, tenant)
        code = query_of(view.redirect_uri)["code"]
        return await self.grant(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER
        )

    async def refresh(self, token: str) -> pb.GrantTokenResponse:
        return await self.grant(grant_type="refresh_token", refresh_token=token)


@pytest.fixture
async def edge(auth: AuthProcess, certificates: Certificates) -> AsyncIterator[Edge]:
    files = certificates.identity("service/gateway")
    address = auth.address
    async with (
        calling(address, OAUTH, files) as oauth,
        calling(address, SIGN_IN, files) as sign_in,
        calling(address, SESSIONS, files) as sessions,
    ):
        yield Edge(oauth, sign_in, sessions)


@pytest.fixture
async def member(database: Database, edge: Edge) -> tuple[Member, str]:
    """A member who has used his invitation, and the name of his tenant."""
    pool, now = await open_pool(database.dsn, size=2), datetime.now(UTC)
    owner = await add_tenant(PostgresDirectory(pool), Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", now))
    made = Member(str(uuid7()), owner.tenant_id, "ann@acme.example", "Ann", frozenset({"owner"}), now, now)
    secret = new_secret("rln_")
    link = MemberLink(secret_hash(secret), made.tenant_id, made.member_id, LinkKind.INVITATION, now + timedelta(days=1))
    act = RecordedAct(AuditEvent("member.invite", made.tenant_id, now))
    assert await PostgresMembers(pool).create_member(made, link, act, check_room)
    await pool.close()
    use = sign_in_service_pb2.UseLinkRequest(link=secret, password=PASSWORD, client_address="192.0.2.1")
    await edge.sign_in(use, sign_in_service_pb2.UseLinkResponse, timeout=20)
    # A token that was issued within the second in which others were ended is ended too.
    await asyncio.sleep(1.1)
    return made, owner.name


async def test_person_signs_in_and_sees_and_ends_what_acts_for_it(edge: Edge, member: tuple[Member, str]) -> None:
    granted = await edge.tokens(*member)
    assert granted.id_token and granted.refresh_token and granted.token_type == "Bearer"
    listed = await edge.sessions(
        session_service_pb2.ListSessionsRequest(), session_service_pb2.ListSessionsResponse, token=granted.access_token
    )
    browser, program = listed.sessions
    assert (browser.kind, program.kind) == (session_pb2.SESSION_KIND_BROWSER, session_pb2.SESSION_KIND_PROGRAM)
    assert (program.client_name, program.current, browser.current) == ("Rampart command line", True, False)
    end = session_service_pb2.EndSessionRequest(session_id=browser.session_id)
    await edge.sessions(end, session_service_pb2.EndSessionResponse, token=granted.access_token)
    assert (await failure(edge.refresh(granted.refresh_token))).reason == "GRANT_INVALID"


async def test_fifty_refreshes_at_once_have_one_successor(edge: Edge, member: tuple[Member, str]) -> None:
    first = (await edge.tokens(*member)).refresh_token
    answers = await asyncio.gather(*[edge.refresh(first) for _ in range(50)])
    [second] = {answer.refresh_token for answer in answers}
    assert second != first
    assert (await edge.refresh(second)).refresh_token not in (first, second)


async def test_refresh_whose_answer_a_killed_process_owes_is_repeated(
    edge: Edge, auth: AuthProcess, member: tuple[Member, str]
) -> None:
    token = (await edge.tokens(*member)).refresh_token
    under_way = [asyncio.create_task(edge.refresh(token)) for _ in range(20)]
    done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    auth.process.stop(signal.SIGKILL)
    known = set()
    for each in [*done, *under_way]:
        with suppress(MeshError, grpc.aio.AioRpcError):
            known.add((await each).refresh_token)
    auth.start()
    known |= {answer.refresh_token for answer in await asyncio.gather(*[repeated(edge, token) for _ in range(5)])}
    [successor] = known
    assert (await edge.refresh(successor)).refresh_token != successor
    # Neither is reuse missed: the first token has been followed by two.
    assert (await failure(edge.refresh(token))).reason == "GRANT_INVALID"
    assert (await failure(edge.refresh(successor))).reason == "GRANT_INVALID"


async def repeated(edge: Edge, token: str) -> pb.GrantTokenResponse:
    """Refreshes as clients do: again, while there is nobody."""
    for _ in range(100):
        with suppress(grpc.aio.AioRpcError):
            return await edge.refresh(token)
        await asyncio.sleep(0.1)
    raise AssertionError("the process does not come back")


async def test_code_that_is_used_twice_at_once_leaves_no_grant(edge: Edge, member: tuple[Member, str]) -> None:
    code = query_of((await edge.signed_in(*member)).redirect_uri)["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answers = await asyncio.gather(*[edge.grant(**fields) for _ in range(4)], return_exceptions=True)
    [granted] = [each for each in answers if isinstance(each, pb.GrantTokenResponse)]
    assert (await failure(edge.refresh(granted.refresh_token))).reason == "GRANT_INVALID"


async def test_sign_out_everywhere_ends_every_program(edge: Edge, member: tuple[Member, str]) -> None:
    granted = [await edge.tokens(*member) for _ in range(2)]
    view = await edge.signed_in(*member)
    out = sign_in_service_pb2.SignOutRequest(session=view.session, everywhere=True)
    await edge.sign_in(out, sign_in_service_pb2.SignOutResponse)
    for each in granted:
        assert (await failure(edge.refresh(each.refresh_token))).reason == "GRANT_INVALID"


async def test_no_secret_reaches_the_log(edge: Edge, auth: AuthProcess, member: tuple[Member, str]) -> None:
    view = await edge.signed_in(*member)
    code = query_of(view.redirect_uri)["code"]
    granted = await edge.grant(
        grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER
    )
    log = auth.process.log()
    known = (code, view.session, granted.refresh_token, granted.access_token, granted.id_token, PASSWORD, "ann@")
    assert [secret for secret in known if secret in log] == []
