from __future__ import annotations

import asyncio
import base64

import pytest
from rampart.auth.v1 import oauth_service_pb2 as pb

from gateway.describe.openapi import LOCAL_URL
from meshkit.errors import Kind, MeshError, unavailable
from tests.support.gateway import Gateway, Reply

GRANT_FIELDS = ("scope", "code", "redirect_uri", "code_verifier", "refresh_token", "device_code")
FORM = "application/x-www-form-urlencoded"
GOOD = "grant_type=client_credentials&client_id=c&client_secret=s"
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 900, "scope": "decision:create"}
GRANTED = TOKEN | {"expires_in": "900s"}
ASSERTION = (
    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c"
)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def unsupported(grant_type: str) -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "GRANT_UNSUPPORTED", "m", metadata={"grant_type": grant_type})


def sent(gateway: Gateway) -> pb.GrantTokenRequest:
    return pb.GrantTokenRequest.FromString(gateway.upstream.last.request.to_binary())


async def ask(gateway: Gateway, form: str | bytes, authorization: str | None = None, kind: str = FORM) -> Reply:
    gateway.upstream.answer = GRANTED
    headers = {"content-type": kind} | ({"authorization": authorization} if authorization is not None else {})
    return await gateway.request("POST", "/api/v1/oauth/token", form, headers=headers, token=None)


async def test_credentials_in_the_body_get_a_token(gateway: Gateway) -> None:
    reply = await ask(gateway, GOOD + "&scope=decision%3Acreate+user:read")
    assert (reply.status, reply.json) == (200, TOKEN)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == "application/json"
    request = sent(gateway)
    assert (request.client.client_id, request.client.client_secret, request.scope) == (
        "c",
        "s",
        "decision:create user:read",
    )


async def test_basic_credentials_are_percent_decoded(gateway: Gateway) -> None:
    reply = await ask(gateway, "grant_type=client_credentials", basic("c%3A1:s%25+x%C3%A9"))
    assert reply.status == 200
    request = sent(gateway)
    assert (request.client.client_id, request.client.client_secret) == ("c:1", "s% xé")


async def test_client_id_may_be_repeated_in_the_body_beside_basic(gateway: Gateway) -> None:
    assert (await ask(gateway, "grant_type=client_credentials&client_id=c", basic("c:s"))).status == 200


async def test_every_parameter_of_a_grant_reaches_the_auth_service(gateway: Gateway) -> None:
    form = "&".join(f"{name}={name}-1" for name in ("grant_type", *GRANT_FIELDS))
    assert (await ask(gateway, form + "&client_id=c")).status == 200
    request = sent(gateway)
    assert {name: getattr(request, name) for name in ("grant_type", *GRANT_FIELDS)} == {
        name: f"{name}-1" for name in ("grant_type", *GRANT_FIELDS)
    }
    assert request.client.client_id == "c"
    assert request.client.WhichOneof("method") is None
    assert not request.HasField("proof")


async def test_assertion_names_its_client_itself(gateway: Gateway) -> None:
    assert (await ask(gateway, f"grant_type=client_credentials&{ASSERTION}")).status == 200
    client = sent(gateway).client
    assert (client.client_id, client.assertion) == ("", "a.b.c")


async def test_proof_is_about_this_address_and_method(gateway: Gateway) -> None:
    gateway.upstream.answer = GRANTED | {"token_type": "DPoP", "refresh_token": "rrt_1", "id_token": "i.d.t"}
    headers = {"content-type": FORM, "dpop": "p.r.f"}
    reply = await gateway.request("POST", "/api/v1/oauth/token", GOOD, headers=headers, token=None)
    assert reply.json == TOKEN | {"token_type": "DPoP", "refresh_token": "rrt_1", "id_token": "i.d.t"}
    proof = sent(gateway).proof
    assert (proof.jwt, proof.method, proof.url) == ("p.r.f", "POST", f"{LOCAL_URL}/api/v1/oauth/token")


@pytest.mark.parametrize("more", ["&scope=&extra=", "&scope", "&scope&scope=", "&scope=&scope"])
async def test_parameter_without_a_value_counts_as_absent(gateway: Gateway, more: str) -> None:
    assert (await ask(gateway, GOOD + more)).status == 200
    assert sent(gateway).scope == ""


@pytest.mark.parametrize("form", [GOOD + "&", "&" + GOOD, "&&" + GOOD.replace("&", "&&") + "&&", "&" * 99 + GOOD])
async def test_empty_pairs_are_none(gateway: Gateway, form: str) -> None:
    assert (await ask(gateway, form)).status == 200
    assert sent(gateway).client.client_id == "c"


async def test_form_may_hold_utf_8_as_it_is_or_encoded(gateway: Gateway) -> None:
    for written in ("é".encode(), b"%C3%A9"):
        body = b"grant_type=client_credentials&client_id=c&client_secret=" + written
        assert (await ask(gateway, body)).status == 200
        assert sent(gateway).client.client_secret == "é"


@pytest.mark.parametrize(
    ("form", "authorization", "status", "error"),
    [
        ("", None, 400, "invalid_request"),
        ("client_id=c&client_secret=s", None, 400, "invalid_request"),
        ("grant_type=&client_id=c&client_secret=s", None, 400, "invalid_request"),
        (GOOD + "&scope=a&scope=b", None, 400, "invalid_request"),
        (GOOD + "&client_id=c", None, 400, "invalid_request"),
        (GOOD + "&%ff=1", None, 400, "invalid_request"),
        (GOOD + "&state=%zz", None, 400, "invalid_request"),
        (GOOD + "&scope=&client_id=c", None, 400, "invalid_request"),
        (b"\xff", None, 400, "invalid_request"),
        ("&".join(f"a{i}=1" for i in range(30)), None, 400, "invalid_request"),
        (GOOD, basic("c:s"), 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=other", basic("c:s"), 400, "invalid_request"),
        ("grant_type=client_credentials", None, 401, "invalid_client"),
        (GOOD + "&" + ASSERTION, None, 400, "invalid_request"),
        (f"grant_type=client_credentials&client_id=c&{ASSERTION}", basic("c:s"), 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=c&client_assertion=a.b.c", None, 400, "invalid_request"),
        (
            f"grant_type=client_credentials&client_id=c&{ASSERTION}".replace("jwt-bearer", "saml2"),
            None,
            400,
            "invalid_request",
        ),
        ("grant_type=client_credentials", "Basic", 401, "invalid_client"),
        ("grant_type=client_credentials", "Basic !!!", 401, "invalid_client"),
        ("grant_type=client_credentials", basic("no colon"), 401, "invalid_client"),
        ("grant_type=client_credentials", basic(":s"), 401, "invalid_client"),
        ("grant_type=client_credentials", basic("c:"), 401, "invalid_client"),
        ("grant_type=client_credentials", basic("c:%ff"), 401, "invalid_client"),
        ("grant_type=client_credentials", "Bearer x", 401, "invalid_client"),
        (GOOD + "&x=" + "y" * 21_000, None, 400, "invalid_request"),
    ],
)
async def test_bad_request_is_refused_in_the_words_of_the_rfc(
    gateway: Gateway, form: str | bytes, authorization: str | None, status: int, error: str
) -> None:
    reply = await ask(gateway, form, authorization)
    assert (reply.status, reply.json["error"]) == (status, error)
    assert reply.json["error_description"]
    assert reply.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in reply.headers) == (status == 401)
    assert gateway.upstream.calls == []


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_body_must_be_a_form(gateway: Gateway, kind: str) -> None:
    reply = await ask(gateway, GOOD, kind=kind)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")


async def test_parameters_in_the_address_are_refused(gateway: Gateway) -> None:
    reply = await gateway.request(
        "POST", "/api/v1/oauth/token?client_secret=s", GOOD, headers={"content-type": FORM}, token=None
    )
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (MeshError(Kind.UNAUTHENTICATED, "CLIENT_INVALID", "m"), 401, "invalid_client"),
        (MeshError(Kind.INVALID_ARGUMENT, "SCOPE_INVALID", "m"), 400, "invalid_scope"),
        (MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", "m"), 400, "invalid_request"),
        (MeshError(Kind.INVALID_ARGUMENT, "GRANT_INVALID", "m"), 400, "invalid_grant"),
        (MeshError(Kind.UNAUTHENTICATED, "PROOF_INVALID", "m"), 400, "invalid_dpop_proof"),
        (MeshError(Kind.FAILED_PRECONDITION, "CERTIFICATE_REQUIRED", "m"), 400, "invalid_request"),
        (MeshError(Kind.FAILED_PRECONDITION, "AUTHORIZATION_PENDING", "m"), 400, "authorization_pending"),
        (MeshError(Kind.RESOURCE_EXHAUSTED, "SLOW_DOWN", "m", retry_after=5), 400, "slow_down"),
        (MeshError(Kind.PERMISSION_DENIED, "AUTHORIZATION_DENIED", "m"), 400, "access_denied"),
        (MeshError(Kind.FAILED_PRECONDITION, "DEVICE_CODE_EXPIRED", "m"), 400, "expired_token"),
        (unsupported("password"), 400, "unsupported_grant_type"),
        (unsupported("refresh_token"), 400, "unauthorized_client"),
        (unavailable("auth"), 503, "temporarily_unavailable"),
        (MeshError(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "m"), 503, "temporarily_unavailable"),
        (MeshError(Kind.INTERNAL, "INTERNAL", "m"), 500, "server_error"),
    ],
)
async def test_error_of_the_auth_service_is_translated(
    gateway: Gateway, error: MeshError, status: int, code: str
) -> None:
    gateway.upstream.error = error
    reply = await ask(gateway, GOOD)
    assert (reply.status, reply.json["error"]) == (status, code)
    assert ("retry-after" in reply.headers) == (status == 503)


async def test_logins_are_limited_by_address(gateway: Gateway) -> None:
    replies = await asyncio.gather(*[ask(gateway, GOOD) for _ in range(200)])
    (refused, *_) = [each for each in replies if each.status == 429]
    assert refused.headers["retry-after"] == "1"
    assert replies[0].status == 200
    assert replies[0].headers["ratelimit-policy"] == '"public";q=50;w=1'


async def test_secret_is_in_no_access_line(gateway: Gateway) -> None:
    await ask(gateway, "grant_type=client_credentials&client_id=c&client_secret=hunter2")
    assert gateway.access_lines()[0]["route"] == "/api/v1/oauth/token"
    assert "hunter2" not in gateway.lines.getvalue()
