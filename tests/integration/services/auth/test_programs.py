"""Clients and API keys of a running auth service: what they get, and that what has ended is refused."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from rampart.auth.v1 import api_key_pb2, api_key_service_pb2, client_pb2, client_service_pb2, oauth_service_pb2
from rampart.auth.v1 import auth_service_pb2 as pb

from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.keys import AUTH_SERVICE, open_auth_channel, remote_keys
from tests.support.calls import CLIENT_SERVICE, Caller, calling, failure
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.tokens import ISSUER, TRUSTED, Issuer

OAUTH_SERVICE = oauth_service_pb2.DESCRIPTOR.services_by_name["OAuthService"]
KEY_SERVICE = api_key_service_pb2.DESCRIPTOR.services_by_name["ApiKeyService"]


@dataclass
class Desk:
    """The operator in a tenant of its own, and the gateway."""

    auth: Caller
    clients: Caller
    keys: Caller
    gateway: Caller
    oauth: Caller
    tenant_id: str
    token: str

    async def create(self, **fields: object) -> client_service_pb2.CreateClientResponse:
        request = client_service_pb2.CreateClientRequest(client=client_pb2.Client(**fields))  # type: ignore[arg-type]
        return await self.clients(request, client_service_pb2.CreateClientResponse, token=self.token)

    async def issue(self, client_id: str, secret: str) -> str:
        request = pb.IssueTokenRequest(client_id=client_id, client_secret=secret)
        return (await self.gateway(request, pb.IssueTokenResponse)).access_token

    async def refused(self, client_id: str, secret: str, seconds: float = 5) -> None:
        """Waits until the client gets no token any more, 5 seconds at most."""
        until = time.monotonic() + seconds
        while True:
            try:
                await self.issue(client_id, secret)
            except Exception as error:
                assert "CLIENT_INVALID" in str(error) or "credentials are wrong" in str(error)
                return
            assert time.monotonic() < until
            await asyncio.sleep(0.1)

    async def revoked(self, client_id: str) -> bool:
        """Tells whether processes are told to refuse the tokens of a client."""
        told = await self.gateway(pb.ListRevocationsRequest(), pb.ListRevocationsResponse)
        return any(each.name == client_id for each in told.revocations)

    async def active(self, token: str, by: client_service_pb2.CreateClientResponse) -> bool:
        """Tells whether a token is good, as a client of the tenant learns."""
        client = oauth_service_pb2.ClientAuthentication(client_id=by.client.client_id, client_secret=by.client_secret)
        request = oauth_service_pb2.IntrospectTokenRequest(client=client, token=token)
        return (await self.oauth(request, oauth_service_pb2.IntrospectTokenResponse)).active


@pytest.fixture
async def desk(auth: Node, certificates: Certificates) -> AsyncIterator[Desk]:
    operator, gateway = certificates.identity("operator"), certificates.identity("service/gateway")
    async with (
        calling(auth.address, AUTH_SERVICE.full_name, operator) as mine,
        calling(auth.address, CLIENT_SERVICE.full_name, operator) as clients,
        calling(auth.address, KEY_SERVICE.full_name, operator) as keys,
        calling(auth.address, AUTH_SERVICE.full_name, gateway) as edge,
        calling(auth.address, OAUTH_SERVICE.full_name, gateway) as oauth,
    ):
        name = f"t-{secrets.token_hex(6)}"
        tenant = (await mine(pb.CreateTenantRequest(name=name), pb.CreateTenantResponse)).tenant
        issued = await mine(pb.IssueOperatorTokenRequest(tenant=name), pb.IssueOperatorTokenResponse)
        yield Desk(mine, clients, keys, edge, oauth, tenant.tenant_id, issued.access_token)


async def test_rotated_secrets_are_both_good_and_revoked_ones_are_refused_with_their_tokens(desk: Desk) -> None:
    made = await desk.create(scopes=["user:read"])
    name = made.client.client_id
    rotate = client_service_pb2.RotateClientSecretRequest(client_id=name)
    rotated = await desk.clients(rotate, client_service_pb2.RotateClientSecretResponse, token=desk.token)
    for secret in (made.client_secret, rotated.client_secret):
        assert await desk.issue(name, secret)
    error = await failure(desk.clients(rotate, client_service_pb2.RotateClientSecretResponse, token=desk.token))
    assert error.metadata == {"state": "rotating"}
    revoke = client_service_pb2.RevokeClientSecretRequest(client_id=name)
    await desk.clients(revoke, client_service_pb2.RevokeClientSecretResponse, token=desk.token)
    for secret in (made.client_secret, rotated.client_secret):
        await desk.refused(name, secret)
    assert await desk.revoked(name)


async def test_tokens_that_a_call_ends_are_inactive_when_it_is_answered(desk: Desk) -> None:
    made, other = [await desk.create(scopes=["user:read"]) for _ in range(2)]
    name = made.client.client_id
    token = await desk.issue(name, made.client_secret)
    assert await desk.active(token, other)
    disable = client_service_pb2.DisableClientRequest(client_id=name)
    await desk.clients(disable, client_service_pb2.DisableClientResponse, token=desk.token)
    assert not await desk.active(token, other)


async def test_tokens_that_a_client_revokes_are_inactive_when_that_is_answered(desk: Desk) -> None:
    made = await desk.create(scopes=["user:read"])
    tokens = [await desk.issue(made.client.client_id, made.client_secret) for _ in range(2)]
    client = oauth_service_pb2.ClientAuthentication(client_id=made.client.client_id, client_secret=made.client_secret)
    revoke = oauth_service_pb2.RevokeTokenRequest(client=client, token=tokens[0])
    await desk.oauth(revoke, oauth_service_pb2.RevokeTokenResponse)
    assert [await desk.active(token, made) for token in tokens] == [False, True]


async def test_repeated_creation_under_one_name_has_the_same_secret(desk: Desk) -> None:
    request = client_service_pb2.CreateClientRequest(
        client=client_pb2.Client(display_name="Once"), request_id="01a1fc5a-3c5b-7001-bc8a-22bbe467f00c"
    )
    answers = [await desk.clients(request, client_service_pb2.CreateClientResponse, token=desk.token) for _ in range(2)]
    assert answers[0] == answers[1]
    listed = await desk.clients(
        client_service_pb2.ListClientsRequest(), client_service_pb2.ListClientsResponse, token=desk.token
    )
    assert [each.client_id for each in listed.clients] == [answers[0].client.client_id]


async def test_update_names_its_state(desk: Desk) -> None:
    made = (await desk.create()).client
    change = client_pb2.Client(client_id=made.client_id, display_name="Shop", etag=made.etag)
    request = client_service_pb2.UpdateClientRequest(client=change)
    changed = (await desk.clients(request, client_service_pb2.UpdateClientResponse, token=desk.token)).client
    assert (changed.display_name, changed.scopes) == ("Shop", made.scopes)
    error = await failure(desk.clients(request, client_service_pb2.UpdateClientResponse, token=desk.token))
    assert error.reason == "ETAG_MISMATCH"


async def test_pages_go_on_where_they_ended(desk: Desk) -> None:
    made = sorted([(await desk.create()).client.client_id for _ in range(3)])
    listed, page = [], ""
    while True:
        request = client_service_pb2.ListClientsRequest(page_size=2, page_token=page)
        answer = await desk.clients(request, client_service_pb2.ListClientsResponse, token=desk.token)
        listed += [each.client_id for each in answer.clients]
        page = answer.next_page_token
        if not page:
            break
    assert listed == made


async def test_client_with_keys_proves_itself_once_with_each_assertion(desk: Desk) -> None:
    signer = Issuer("k1")
    keys = client_pb2.ClientKeySet(keys=[client_pb2.ClientKey(**signer.jwk)])
    made = (await desk.create(token_endpoint_auth_method="private_key_jwt", jwks=keys)).client
    now = time.time()
    claims = {"iss": made.client_id, "sub": made.client_id, "aud": ISSUER, "exp": now + 60, "jti": "1"}
    request = pb.IssueTokenRequest(client_assertion=signer.sign({"alg": "ES256", "kid": "k1"}, claims))
    assert (await desk.gateway(request, pb.IssueTokenResponse)).access_token
    assert (await failure(desk.gateway(request, pb.IssueTokenResponse))).reason == "CLIENT_INVALID"


async def test_bound_token_is_good_on_connections_of_its_own_certificate_alone(
    desk: Desk, auth: Node, certificates: Certificates
) -> None:
    made = await desk.create(scopes=["client:read"], sender_constraint="mtls")
    request = pb.IssueTokenRequest(client_id=made.client.client_id, client_secret=made.client_secret)
    own, other = (certificates.identity(f"client/{name}") for name in ("shop", "other"))
    async with calling(auth.address, AUTH_SERVICE.full_name, own) as caller:
        token = (await caller(request, pb.IssueTokenResponse)).access_token
    listing = client_service_pb2.ListClientsRequest(), client_service_pb2.ListClientsResponse
    async with (
        calling(auth.address, CLIENT_SERVICE.full_name, own) as owner,
        calling(auth.address, CLIENT_SERVICE.full_name, other) as thief,
    ):
        assert (await owner(*listing, token=token)).clients
        error = await failure(thief(*listing, token=token))
    assert (error.reason, error.message) == ("TOKEN_INVALID", "the access token is bound to another certificate")
    # The gateway's certificate is nobody's whose call it passes on.
    assert (await failure(desk.gateway(request, pb.IssueTokenResponse))).reason == "CERTIFICATE_REQUIRED"


async def test_api_key_gets_a_token_until_it_is_deleted(desk: Desk, auth: Node, certificates: Certificates) -> None:
    create = api_key_service_pb2.CreateApiKeyRequest(api_key=api_key_pb2.ApiKey(scopes=["user:read"]))
    made = await desk.keys(create, api_key_service_pb2.CreateApiKeyResponse, token=desk.token)
    show = pb.ExchangeApiKeyRequest(api_key=made.secret)
    issued = await desk.gateway(show, pb.ExchangeApiKeyResponse)
    channel = open_auth_channel(auth.address, certificates.identity("service/user"))
    principal = await TokenVerifier(remote_keys(channel), TRUSTED).verify(issued.access_token)
    await channel.close()
    assert (principal.tenant_id, principal.client_id) == (desk.tenant_id, made.api_key.key_id)
    delete = api_key_service_pb2.DeleteApiKeyRequest(key_id=made.api_key.key_id)
    await desk.keys(delete, api_key_service_pb2.DeleteApiKeyResponse, token=desk.token)
    await asyncio.sleep(1.1)
    assert (await failure(desk.gateway(show, pb.ExchangeApiKeyResponse))).reason == "API_KEY_INVALID"
    assert await desk.revoked(made.api_key.key_id)
