from __future__ import annotations

import asyncio
import base64

import pytest

from meshkit.errors import Kind, MeshError, unavailable
from tests.support.gateway import Gateway, Reply

FORM = "application/x-www-form-urlencoded"
TYPE = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
ASSERTION = "grant_type=client_credentials&client_assertion=a.b.c"
GOOD = "grant_type=client_credentials&client_id=c&client_secret=s"
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 900, "scope": "decision:create"}


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


async def ask(gateway: Gateway, form: str | bytes, authorization: str | None = None, kind: str = FORM) -> Reply:
    gateway.upstream.answer = TOKEN
    headers = {"content-type": kind} | ({"authorization": authorization} if authorization is not None else {})
    return await gateway.request("POST", "/api/v1/oauth/token", form, headers=headers, token=None)


async def test_credentials_in_the_body_get_a_token(gateway: Gateway) -> None:
    reply = await ask(gateway, GOOD + "&scope=decision%3Acreate+user:read")
    assert (reply.status, reply.json) == (200, TOKEN)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == "application/json"
    request = gateway.upstream.last.request
    assert (request.client_id, request.client_secret, request.scope) == ("c", "s", "decision:create user:read")


async def test_basic_credentials_are_percent_decoded(gateway: Gateway) -> None:
    reply = await ask(gateway, "grant_type=client_credentials", basic("c%3A1:s%25+x%C3%A9"))
    assert reply.status == 200
    request = gateway.upstream.last.request
    assert (request.client_id, request.client_secret) == ("c:1", "s% xé")


async def test_client_id_may_be_repeated_in_the_body_beside_basic(gateway: Gateway) -> None:
    assert (await ask(gateway, "grant_type=client_credentials&client_id=c", basic("c:s"))).status == 200


@pytest.mark.parametrize("client_id", ["", "client-1"])
async def test_assertion_goes_on_as_it_came(gateway: Gateway, client_id: str) -> None:
    reply = await ask(gateway, f"{ASSERTION}&client_assertion_type={TYPE}&client_id={client_id}")
    assert reply.status == 200
    request = gateway.upstream.last.request
    assert (request.client_id, request.client_secret, request.client_assertion) == (client_id, "", "a.b.c")


@pytest.mark.parametrize("more", ["&scope=&extra=", "&scope", "&scope&scope=", "&scope=&scope"])
async def test_parameter_without_a_value_counts_as_absent(gateway: Gateway, more: str) -> None:
    assert (await ask(gateway, GOOD + more)).status == 200
    assert gateway.upstream.last.request.scope == ""


@pytest.mark.parametrize("form", [GOOD + "&", "&" + GOOD, "&&" + GOOD.replace("&", "&&") + "&&", "&" * 99 + GOOD])
async def test_empty_pairs_are_none(gateway: Gateway, form: str) -> None:
    assert (await ask(gateway, form)).status == 200
    assert gateway.upstream.last.request.client_id == "c"


async def test_form_may_hold_utf_8_as_it_is_or_encoded(gateway: Gateway) -> None:
    for written in ("é".encode(), b"%C3%A9"):
        body = b"grant_type=client_credentials&client_id=c&client_secret=" + written
        assert (await ask(gateway, body)).status == 200
        assert gateway.upstream.last.request.client_secret == "é"


@pytest.mark.parametrize(
    ("form", "authorization", "status", "error"),
    [
        ("", None, 400, "invalid_request"),
        ("client_id=c&client_secret=s", None, 400, "invalid_request"),
        ("grant_type=&client_id=c&client_secret=s", None, 400, "invalid_request"),
        ("grant_type=password&client_id=c&client_secret=s", None, 400, "unsupported_grant_type"),
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
        ("grant_type=client_credentials&client_id=c", None, 401, "invalid_client"),
        ("grant_type=client_credentials", "Basic", 401, "invalid_client"),
        ("grant_type=client_credentials", "Basic !!!", 401, "invalid_client"),
        ("grant_type=client_credentials", basic("no colon"), 401, "invalid_client"),
        ("grant_type=client_credentials", basic(":s"), 401, "invalid_client"),
        ("grant_type=client_credentials", basic("c:"), 401, "invalid_client"),
        ("grant_type=client_credentials", basic("c:%ff"), 401, "invalid_client"),
        ("grant_type=client_credentials", "Bearer x", 401, "invalid_client"),
        (GOOD + "&x=" + "y" * 17_000, None, 400, "invalid_request"),
        (GOOD + "&client_assertion=a.b.c", None, 400, "invalid_request"),
        (f"{ASSERTION}&client_assertion_type=jwt", None, 400, "invalid_request"),
        (ASSERTION, None, 400, "invalid_request"),
        (f"{ASSERTION}&client_assertion_type={TYPE}", basic("c:s"), 400, "invalid_request"),
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
