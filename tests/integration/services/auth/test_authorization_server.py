"""Signing in and refreshing over the mesh, on a real database; what is promised holds when the process is killed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import grpc
import pytest
from rampart.auth.v1 import oauth_service_pb2 as pb
from rampart.auth.v1 import session_pb2, session_service_pb2, sign_in_service_pb2

from meshkit.errors import MeshError
from services.auth.domain.members import Member
from tests.support.auth_process import CALLBACK, AuthProcess, SignInEdge, new_members, sign_in_edge
from tests.support.calls import failure
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.processes import free_port
from tests.support.servers import Database
from tests.support.signing_in import PASSWORD, VERIFIER, query_of


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


@pytest.fixture
async def edge(auth: AuthProcess, certificates: Certificates) -> AsyncIterator[SignInEdge]:
    async with sign_in_edge(auth, certificates) as edge:
        yield edge


@pytest.fixture
async def member(database: Database, edge: SignInEdge) -> tuple[Member, str]:
    """A member who has used his invitation, and the name of his tenant."""
    tenant, (made,) = await new_members(database, edge, "owner")
    # A token that was issued within the second in which others were ended is ended too.
    await asyncio.sleep(1.1)
    return made, tenant.name


async def test_person_signs_in_and_sees_and_ends_what_acts_for_it(edge: SignInEdge, member: tuple[Member, str]) -> None:
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


async def test_fifty_refreshes_at_once_have_one_successor(edge: SignInEdge, member: tuple[Member, str]) -> None:
    first = (await edge.tokens(*member)).refresh_token
    answers = await asyncio.gather(*[edge.refresh(first) for _ in range(50)])
    [second] = {answer.refresh_token for answer in answers}
    assert second != first
    assert (await edge.refresh(second)).refresh_token not in (first, second)


async def test_refresh_whose_answer_a_killed_process_owes_is_repeated(
    edge: SignInEdge, auth: AuthProcess, member: tuple[Member, str]
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


async def repeated(edge: SignInEdge, token: str) -> pb.GrantTokenResponse:
    """Refreshes as clients do: again, while there is nobody."""
    for _ in range(100):
        with suppress(grpc.aio.AioRpcError):
            return await edge.refresh(token)
        await asyncio.sleep(0.1)
    raise AssertionError("the process does not come back")


async def test_code_that_is_used_twice_at_once_leaves_no_grant(edge: SignInEdge, member: tuple[Member, str]) -> None:
    code = query_of((await edge.signed_in(*member)).redirect_uri)["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answers = await asyncio.gather(*[edge.grant(**fields) for _ in range(4)], return_exceptions=True)
    [granted] = [each for each in answers if isinstance(each, pb.GrantTokenResponse)]
    assert (await failure(edge.refresh(granted.refresh_token))).reason == "GRANT_INVALID"


async def test_sign_out_everywhere_ends_every_program(edge: SignInEdge, member: tuple[Member, str]) -> None:
    granted = [await edge.tokens(*member) for _ in range(2)]
    view = await edge.signed_in(*member)
    out = sign_in_service_pb2.SignOutRequest(session=view.session, everywhere=True)
    await edge.sign_in(out, sign_in_service_pb2.SignOutResponse)
    for each in granted:
        assert (await failure(edge.refresh(each.refresh_token))).reason == "GRANT_INVALID"


async def test_no_secret_reaches_the_log(edge: SignInEdge, auth: AuthProcess, member: tuple[Member, str]) -> None:
    view = await edge.signed_in(*member)
    code = query_of(view.redirect_uri)["code"]
    granted = await edge.grant(
        grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER
    )
    log = auth.process.log()
    known = (
        code,
        view.session,
        granted.refresh_token,
        granted.access_token,
        granted.id_token,
        PASSWORD,
        member[0].email,
    )
    assert [secret for secret in known if secret in log] == []
