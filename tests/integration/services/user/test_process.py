"""The user service as a process of the mesh, with tokens of the real auth service."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import uuid
from collections.abc import AsyncIterator

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from rampart.mesh.v1 import batch_pb2
from rampart.user.v1 import user_pb2, user_service_pb2

from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, from_status
from meshkit.identity.policy import policies
from meshkit.rpc.batches import BatchClient
from meshkit.rpc.channel import open_channel
from tests.support.calls import Caller, Credentials, calling, failure, new_client, speaks
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.tokens import Issuer

pb = user_service_pb2
USER_SERVICE = pb.DESCRIPTOR.services_by_name["UserService"]
NAME = USER_SERVICE.full_name


@pytest.fixture
async def gateway(user: Node, certificates: Certificates) -> AsyncIterator[Caller]:
    async with calling(user.address, NAME, certificates.identity("service/gateway")) as caller:
        yield caller


@pytest.fixture
async def ours(auth: Node, certificates: Certificates) -> Credentials:
    return await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")


@pytest.fixture
async def theirs(auth: Node, certificates: Certificates) -> Credentials:
    return await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")


async def create(
    gateway: Caller, client: Credentials, user_id: str, *, display_name: str = "", country: str = ""
) -> user_pb2.User:
    user = user_pb2.User(user_id=user_id, display_name=display_name, country=country)
    request = pb.CreateUserRequest(user=user)
    return (await gateway(request, pb.CreateUserResponse, token=client.token)).user


async def set_risk(gateway: Caller, client: Credentials, user_id: str, risk: float) -> None:
    profile = user_pb2.RiskProfile(user_id=user_id, base_risk=risk)
    request = pb.UpdateRiskProfileRequest(risk_profile=profile)
    await gateway(request, pb.UpdateRiskProfileResponse, token=client.token)


async def test_user_is_created_read_changed_and_listed(gateway: Caller, ours: Credentials) -> None:
    made = await create(gateway, ours, "u1", display_name="Ann", country="DE")
    assert made.HasField("create_time")
    got = await gateway(pb.GetUserRequest(user_id="u1"), pb.GetUserResponse, token=ours.token)
    assert got.user == made
    change = pb.UpdateUserRequest(
        user=user_pb2.User(user_id="u1", email="ann@example.com"), update_mask=FieldMask(paths=["email", "country"])
    )
    changed = (await gateway(change, pb.UpdateUserResponse, token=ours.token)).user
    assert (changed.display_name, changed.email, changed.country) == ("Ann", "ann@example.com", "")
    assert changed.update_time.ToNanoseconds() > made.update_time.ToNanoseconds()
    listed = await gateway(pb.ListUsersRequest(), pb.ListUsersResponse, token=ours.token)
    assert list(listed.users) == [changed]


async def test_second_user_of_an_identifier_is_refused(gateway: Caller, ours: Credentials) -> None:
    await create(gateway, ours, "u1")
    error = await failure(create(gateway, ours, "u1"))
    assert (error.kind, error.reason, error.metadata) == (
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", {"resource": "user"}
    )  # fmt: skip


async def test_named_request_is_carried_out_once_and_answered_alike(gateway: Caller, ours: Credentials) -> None:
    request = pb.CreateUserRequest(user=user_pb2.User(user_id="u1", display_name="Ann"), request_id=str(uuid.uuid4()))
    calls = [gateway(request, pb.CreateUserResponse, token=ours.token) for _ in range(6)]
    answers = await asyncio.gather(*calls)
    assert len({answer.SerializeToString() for answer in answers}) == 1
    change = pb.UpdateUserRequest(user=user_pb2.User(user_id="u1", phone="+4912345"), request_id=str(uuid.uuid4()))
    first = await gateway(change, pb.UpdateUserResponse, token=ours.token)
    other = pb.UpdateUserRequest(user=user_pb2.User(user_id="u1", display_name="Ann B."))
    await gateway(other, pb.UpdateUserResponse, token=ours.token)
    assert await gateway(change, pb.UpdateUserResponse, token=ours.token) == first
    stored = (await gateway(pb.GetUserRequest(user_id="u1"), pb.GetUserResponse, token=ours.token)).user
    assert (stored.display_name, stored.phone) == ("Ann B.", "+4912345")


async def test_name_of_another_request_is_refused(gateway: Caller, ours: Credentials) -> None:
    name = str(uuid.uuid4())
    for user_id, expected in (("u1", None), ("u2", "IDEMPOTENCY_CONFLICT")):
        request = pb.CreateUserRequest(user=user_pb2.User(user_id=user_id), request_id=name)
        call = gateway(request, pb.CreateUserResponse, token=ours.token)
        if expected is None:
            await call
        else:
            assert (await failure(call)).reason == expected
    listed = await gateway(pb.ListUsersRequest(), pb.ListUsersResponse, token=ours.token)
    assert [user.user_id for user in listed.users] == ["u1"]


async def test_name_that_is_no_uuid_is_a_violation(gateway: Caller, ours: Credentials) -> None:
    request = pb.CreateUserRequest(user=user_pb2.User(user_id="u1"), request_id="retry-1")
    error = await failure(gateway(request, pb.CreateUserResponse, token=ours.token))
    assert [violation.field for violation in error.violations] == ["request_id"]


async def test_update_of_a_state_that_is_gone_is_aborted(gateway: Caller, ours: Credentials) -> None:
    made = await create(gateway, ours, "u1")
    change = pb.UpdateUserRequest(user=user_pb2.User(user_id="u1", country="FR", etag=made.etag))
    changed = (await gateway(change, pb.UpdateUserResponse, token=ours.token)).user
    assert changed.etag != made.etag
    error = await failure(gateway(change, pb.UpdateUserResponse, token=ours.token))
    assert (error.kind, error.reason) == (Kind.ABORTED, "ETAG_MISMATCH")
    got = await gateway(pb.GetUserRequest(user_id="u1"), pb.GetUserResponse, token=ours.token)
    assert got.user == changed


@pytest.mark.parametrize(
    ("request_message", "answer"),
    [
        (pb.GetUserRequest(user_id="u1"), pb.GetUserResponse),
        (pb.UpdateUserRequest(user=user_pb2.User(user_id="u1", country="FR")), pb.UpdateUserResponse),
        (pb.UpdateUserRequest(user=user_pb2.User(user_id="u1")), pb.UpdateUserResponse),
        (pb.DeleteUserRequest(user_id="u1"), pb.DeleteUserResponse),
    ],
    ids=lambda value: value.DESCRIPTOR.name,
)
async def test_another_tenants_user_does_not_exist(
    gateway: Caller, ours: Credentials, theirs: Credentials, request_message: Message, answer: type[Message]
) -> None:
    await create(gateway, theirs, "u1", display_name="Theirs")
    error = await failure(gateway(request_message, answer, token=ours.token))
    assert (error.kind, error.reason) == (Kind.NOT_FOUND, "RESOURCE_NOT_FOUND")
    untouched = await gateway(pb.GetUserRequest(user_id="u1"), pb.GetUserResponse, token=theirs.token)
    assert (untouched.user.display_name, untouched.user.country) == ("Theirs", "")


async def test_pages_cover_every_user_once_and_only_ours(
    gateway: Caller, ours: Credentials, theirs: Credentials
) -> None:
    names = [f"u{number:02d}" for number in range(7)]
    await asyncio.gather(*[create(gateway, ours, name) for name in names], create(gateway, theirs, "u03x"))
    found, token = [], ""
    for expected in (3, 3, 1):
        request = pb.ListUsersRequest(page_size=3, page_token=token)
        page = await gateway(request, pb.ListUsersResponse, token=ours.token)
        assert len(page.users) == expected
        found += [user.user_id for user in page.users]
        token = page.next_page_token
    assert (found, token) == (names, "")


@pytest.mark.parametrize("token", ["x", "é", "W10", "WyJhIiwiYiJd", "AAAA===="])
async def test_invented_page_token_is_refused(gateway: Caller, ours: Credentials, token: str) -> None:
    request = pb.ListUsersRequest(page_token=token)
    error = await failure(gateway(request, pb.ListUsersResponse, token=ours.token))
    assert (error.kind, error.reason) == (Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_mask_that_names_what_cannot_be_changed_is_a_violation(gateway: Caller, ours: Credentials) -> None:
    await create(gateway, ours, "u1")
    for path, field in (("create_time", "user.create_time"), ("nosuch", "update_mask")):
        request = pb.UpdateUserRequest(user=user_pb2.User(user_id="u1"), update_mask=FieldMask(paths=[path]))
        error = await failure(gateway(request, pb.UpdateUserResponse, token=ours.token))
        assert (error.reason, [violation.field for violation in error.violations]) == ("VALIDATION_FAILED", [field])


async def test_deletion_with_a_name_is_answered_alike_though_the_user_is_gone(
    gateway: Caller, ours: Credentials
) -> None:
    made = await create(gateway, ours, "u1")
    request = pb.DeleteUserRequest(user_id="u1", etag=made.etag, request_id=str(uuid.uuid4()))
    for _ in range(2):
        await gateway(request, pb.DeleteUserResponse, token=ours.token)
    await create(gateway, ours, "u1")
    await gateway(request, pb.DeleteUserResponse, token=ours.token)
    got = await gateway(pb.GetUserRequest(user_id="u1"), pb.GetUserResponse, token=ours.token)
    assert got.user.etag != made.etag, "the repetition did not delete another user of the same identifier"


async def test_profile_of_a_user_is_kept_and_that_of_nobody_is_the_default(gateway: Caller, ours: Credentials) -> None:
    await create(gateway, ours, "u1", country="DE")
    await set_risk(gateway, ours, "u1", 0.75)
    request = pb.GetRiskProfileRequest(user_id="u1")
    known = (await gateway(request, pb.GetRiskProfileResponse, token=ours.token)).risk_profile
    assert (known.known, known.base_risk, known.tier, known.country) == (True, 0.75, "standard", "DE")
    request = pb.GetRiskProfileRequest(user_id="u2")
    unknown = (await gateway(request, pb.GetRiskProfileResponse, token=ours.token)).risk_profile
    assert unknown == user_pb2.RiskProfile(user_id="u2", base_risk=0.1, tier="standard", etag=unknown.etag)
    assert unknown.etag


async def test_token_is_verified_again_whoever_calls(gateway: Caller, ours: Credentials) -> None:
    request = pb.GetUserRequest(user_id="u1")
    reasons = [
        (await failure(gateway(request, pb.GetUserResponse, token=token))).reason
        for token in ("", "x", ours.token[:-8] + "AAAAAAAA", Issuer().token(2e9))
    ]
    assert reasons == ["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_INVALID", "TOKEN_INVALID"]


async def test_token_without_the_scope_is_refused(gateway: Caller, auth: Node, certificates: Certificates) -> None:
    reader = await new_client(auth, certificates, "acme", scopes=["user:read"])
    error = await failure(create(gateway, reader, "u1"))
    assert (error.kind, error.reason, error.metadata) == (
        Kind.PERMISSION_DENIED, "SCOPE_MISSING", {"scope": "user:write"}
    )  # fmt: skip


async def test_only_tls_1_3_is_spoken(user: Node, certificates: Certificates) -> None:
    files = certificates.identity("service/gateway")
    assert await speaks(user.address, files, ssl.TLSVersion.TLSv1_3)
    assert not await speaks(user.address, files, ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("peer", ["service/data", "operator", "client/local"])
async def test_batches_come_from_listed_services_only(
    user: Node, certificates: Certificates, ours: Credentials, peer: str
) -> None:
    async with calling(user.address, NAME, certificates.identity(peer)) as caller:
        request = pb.CoalesceGetRiskProfileRequest()
        error = await failure(caller(request, pb.CoalesceGetRiskProfileResponse, token=ours.token))
    assert (error.kind, error.reason) == (Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED")


def item(user_id: str, token: int, timeout_ms: int = 1000) -> batch_pb2.BatchItem:
    request = pb.GetRiskProfileRequest(user_id=user_id).SerializeToString()
    return batch_pb2.BatchItem(request=request, token=token, timeout_ms=timeout_ms)


async def test_items_of_a_batch_keep_their_own_tenant_and_error(
    gateway: Caller, ours: Credentials, theirs: Credentials, auth: Node, certificates: Certificates
) -> None:
    for client, risk in ((ours, 0.25), (theirs, 0.75)):
        await create(gateway, client, "same")
        await set_risk(gateway, client, "same", risk)
    unfit = await new_client(auth, certificates, "acme", scopes=["transaction:read"])
    items = [
        item("same", 0), item("same", 1), item("nobody", 0), item("same", 2), item("same", 3), item("same", 9),
        item("", 0), batch_pb2.BatchItem(request=b"\xff\xff", timeout_ms=1000), item("same", 0, timeout_ms=0),
        item("same", 1), item("same", 1),
    ]  # fmt: skip
    batch = batch_pb2.Batch(tokens=[ours.token, theirs.token, "forged", unfit.token], items=items)
    request = pb.CoalesceGetRiskProfileRequest(batch=batch)
    results = (await gateway(request, pb.CoalesceGetRiskProfileResponse)).reply.results
    assert [_told(result) for result in results] == [
        0.25, 0.75, 0.1, "TOKEN_INVALID", "SCOPE_MISSING", "TOKEN_MISSING",
        "VALIDATION_FAILED", "MALFORMED_REQUEST", "DEADLINE_EXCEEDED", 0.75, 0.75,
    ]  # fmt: skip


def _told(result: batch_pb2.BatchResult) -> float | str:
    if result.HasField("status"):
        return from_status(result.status).reason
    return pb.GetRiskProfileResponse.FromString(result.response).risk_profile.base_risk


async def test_concurrent_calls_of_two_tenants_travel_together(
    user: Node, gateway: Caller, certificates: Certificates, ours: Credentials, theirs: Credentials
) -> None:
    await create(gateway, ours, "u0")
    await set_risk(gateway, ours, "u0", 0.5)
    found = policies([USER_SERVICE])
    unary = found[f"/{NAME}/GetRiskProfile"]
    assert unary.coalesce is not None
    channel = open_channel(user.address, certificates.identity("service/fraud"), found)
    client = BatchClient(channel, unary.coalesce, found[unary.coalesce.method], "user")
    calls = [(f"u{number}", caller) for number in range(150) for caller in (ours, theirs)]
    requests = [(pb.GetRiskProfileRequest(user_id=name).SerializeToString(), caller) for name, caller in calls]
    answers = await asyncio.gather(
        *[client.submit(request, CallContext(token=caller.token)) for request, caller in requests],
        client.submit(requests[0][0], CallContext(token="forged")),
        return_exceptions=True,
    )
    await channel.close()
    *good, bad = answers
    assert isinstance(bad, MeshError)
    assert bad.reason == "TOKEN_INVALID"
    profiles = [
        pb.GetRiskProfileResponse.FromString(answer).risk_profile for answer in good if isinstance(answer, bytes)
    ]
    assert [profile.user_id for profile in profiles] == [name for name, _ in calls]
    assert [profile.base_risk for profile in profiles] == [0.5] + [0.1] * (len(calls) - 1)
