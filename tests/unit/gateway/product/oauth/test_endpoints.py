"""Revocation, introspection, devices, userinfo and discovery at the edge."""

from __future__ import annotations

import pytest
from rampart.auth.v1 import oauth_service_pb2 as pb

from gateway.describe.openapi import LOCAL_URL
from gateway.product.rampart import rampart
from meshkit.errors import Kind, MeshError
from tests.support.gateway import Gateway, Reply

FORM = {"content-type": "application/x-www-form-urlencoded"}
CLIENT = "client_id=c&client_secret=s"


async def post(gateway: Gateway, name: str, form: str) -> Reply:
    return await gateway.request("POST", f"/api/v1/oauth/{name}", form, headers=FORM, token=None)


async def test_revocation_says_nothing(gateway: Gateway) -> None:
    reply = await post(gateway, "revoke", f"token=rrt_1&token_type_hint=access_token&{CLIENT}")
    assert (reply.status, reply.body, reply.headers["cache-control"]) == (200, b"", "no-store")
    request = pb.RevokeTokenRequest.FromString(gateway.upstream.last.request.to_binary())
    assert (request.token, request.client.client_id, request.client.client_secret) == ("rrt_1", "c", "s")


async def test_good_token_is_told_in_the_words_of_the_rfc(gateway: Gateway) -> None:
    gateway.upstream.answer = {
        "active": True, "scope": "case:read", "client_id": "c", "sub": "m", "tenant_id": "t", "token_type": "DPoP",
        "expire_time": "2026-11-21T12:00:00Z", "issue_time": "2026-11-21T11:00:00Z", "aud": "a", "iss": "i", "jti": "j",
        "roles": ["viewer"], "jkt": "k",
    }  # fmt: skip
    reply = await post(gateway, "introspect", f"token=x&{CLIENT}")
    assert reply.json == {
        "active": True, "scope": "case:read", "client_id": "c", "sub": "m", "tenant_id": "t", "token_type": "DPoP",
        "exp": 1795262400, "iat": 1795258800, "aud": "a", "iss": "i", "jti": "j", "roles": ["viewer"],
        "cnf": {"jkt": "k"},
    }  # fmt: skip


async def test_of_another_token_nothing_is_told(gateway: Gateway) -> None:
    gateway.upstream.answer = {"active": False}
    assert (await post(gateway, "introspect", f"token=x&{CLIENT}")).json == {"active": False}


@pytest.mark.parametrize("name", ["revoke", "introspect"])
async def test_token_to_look_at_must_be_there(gateway: Gateway, name: str) -> None:
    reply = await post(gateway, name, CLIENT)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert gateway.upstream.calls == []


async def test_device_is_told_what_to_show(gateway: Gateway) -> None:
    gateway.upstream.answer = {
        "device_code": "rdc_1", "user_code": "WDJB-MJHT", "expires_in": "600s", "interval": "5s",
    }  # fmt: skip
    reply = await post(gateway, "device-authorization", "client_id=rampart-cli&scope=openid")
    assert reply.json == {
        "device_code": "rdc_1",
        "user_code": "WDJB-MJHT",
        "verification_uri": f"{LOCAL_URL}/device",
        "verification_uri_complete": f"{LOCAL_URL}/device?user_code=WDJB-MJHT",
        "expires_in": 600,
        "interval": 5,
    }


@pytest.mark.parametrize(
    ("headers", "token", "proof"),
    [
        ({"authorization": "Bearer a.b.c"}, "a.b.c", ""),
        ({"authorization": "DPoP a.b.c", "dpop": "p"}, "a.b.c", "p"),
    ],
)
async def test_claims_are_told_to_the_holder_of_a_token(
    gateway: Gateway, headers: dict[str, str], token: str, proof: str
) -> None:
    gateway.upstream.answer = {"sub": "m", "tenant_id": "t", "email": "a@b.example", "email_verified": True}
    reply = await gateway.request("GET", "/api/v1/oauth/userinfo", headers=headers, token=None)
    assert reply.json == {"sub": "m", "tenant_id": "t", "email": "a@b.example", "email_verified": True}
    request = pb.GetUserInfoRequest.FromString(gateway.upstream.last.request.to_binary())
    assert (request.access_token, request.proof.jwt) == (token, proof)
    assert request.proof.url == (f"{LOCAL_URL}/api/v1/oauth/userinfo" if proof else "")


@pytest.mark.parametrize(
    ("error", "status", "code", "scheme"),
    [
        (MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "m"), 401, "invalid_token", "Bearer"),
        (MeshError(Kind.UNAUTHENTICATED, "TOKEN_REVOKED", "m"), 401, "invalid_token", "Bearer"),
        (MeshError(Kind.INVALID_ARGUMENT, "GRANT_INVALID", "m"), 401, "invalid_token", "Bearer"),
        (MeshError(Kind.PERMISSION_DENIED, "SCOPE_MISSING", "m"), 403, "insufficient_scope", "Bearer"),
        (MeshError(Kind.UNAUTHENTICATED, "PROOF_INVALID", "m"), 401, "invalid_dpop_proof", "DPoP"),
    ],
)
async def test_refused_claims_say_how_to_ask(
    gateway: Gateway, error: MeshError, status: int, code: str, scheme: str
) -> None:
    gateway.upstream.error = error
    headers = {"authorization": "Bearer a.b.c"}
    reply = await gateway.request("GET", "/api/v1/oauth/userinfo", headers=headers, token=None)
    assert (reply.status, reply.json["error"]) == (status, code)
    assert reply.headers["www-authenticate"] == f'{scheme} realm="rampart", error="{code}"'


@pytest.mark.parametrize("authorization", ["", "Basic Yzpz", "DPoP a.b.c", "a.b.c"])
async def test_claims_need_a_token_in_the_header(gateway: Gateway, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    reply = await gateway.request("GET", "/api/v1/oauth/userinfo", headers=headers, token=None)
    assert (reply.status, reply.json["error"]) == (401, "invalid_token")
    assert gateway.upstream.calls == []


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
async def test_issuer_is_described_at_its_own_address(name: str) -> None:
    gateway = Gateway(product=rampart(LOCAL_URL))
    reply = await gateway.request("GET", f"/.well-known/{name}", token=None)
    assert reply.json["issuer"] == LOCAL_URL
    for endpoint in ("token", "revocation", "introspection", "device_authorization", "userinfo", "authorization"):
        assert reply.json[f"{endpoint}_endpoint"].startswith(f"{LOCAL_URL}/")
    assert reply.json["code_challenge_methods_supported"] == ["S256"]
    assert not {"password", "implicit"} & set(reply.json["grant_types_supported"])
    assert "case:read" in reply.json["scopes_supported"]


@pytest.mark.parametrize("certificates", [True, False])
async def test_bound_tokens_are_offered_where_certificates_are_known(certificates: bool) -> None:
    gateway = Gateway(product=rampart(LOCAL_URL, certificates=certificates))
    reply = await gateway.request("GET", "/.well-known/oauth-authorization-server", token=None)
    assert reply.json["tls_client_certificate_bound_access_tokens"] is certificates


async def test_issuer_of_another_address_is_not_described_here() -> None:
    gateway = Gateway(product=rampart("https://login.example"))
    reply = await gateway.request("GET", "/.well-known/openid-configuration", token=None)
    assert reply.status == 404
