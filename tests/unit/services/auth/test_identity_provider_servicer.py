"""What callers of a tenant's own provider send, and get."""

from __future__ import annotations

from typing import Any

import protovalidate
import pytest
from rampart.auth.v1 import identity_provider_service_pb2 as pb

from meshkit.context import CallContext, set_current
from services.auth.servicer.identity_provider_service import IdentityProviderServicer
from tests.support.provider import PROVIDER, REDIRECT_URI, SECRET
from tests.support.signing_in import SignInWorld, reason_of

CONTEXT: Any = None


@pytest.fixture
def world() -> SignInWorld:
    world = SignInWorld()
    set_current(CallContext(principal=world.federation.caller(world.tenant.tenant_id, "owner")))
    return world


async def test_provider_is_told_as_set_without_its_secret(world: SignInWorld) -> None:
    servicer = IdentityProviderServicer(world.federation.providers)
    assert await reason_of(servicer.GetIdentityProvider(pb.GetIdentityProviderRequest(), CONTEXT)) == (
        "RESOURCE_NOT_FOUND"
    )
    asked = pb.SetIdentityProviderRequest(
        issuer=PROVIDER, client_id="rampart", client_secret=SECRET, domains=["b.example", "a.example"],
        roles=["viewer"], second_factor_trusted=True,
    )  # fmt: skip
    told = (await servicer.SetIdentityProvider(asked, CONTEXT)).provider
    assert (told.issuer, told.client_id, told.redirect_uri) == (PROVIDER, "rampart", REDIRECT_URI)
    assert (told.display_name, told.token_endpoint_auth_method) == ("id.example", "client_secret_basic")
    assert (list(told.domains), list(told.roles)) == (["a.example", "b.example"], ["viewer"])
    assert told.second_factor_trusted and not (told.email_trusted or told.required)
    assert SECRET not in str(told)
    assert (await servicer.GetIdentityProvider(pb.GetIdentityProviderRequest(), CONTEXT)).provider == told
    await servicer.UnlinkMember(pb.UnlinkMemberRequest(member_id=world.ann.member_id), CONTEXT)
    await servicer.RemoveIdentityProvider(pb.RemoveIdentityProviderRequest(), CONTEXT)
    again = servicer.RemoveIdentityProvider(pb.RemoveIdentityProviderRequest(), CONTEXT)
    assert await reason_of(again) == "RESOURCE_NOT_FOUND"


def refused(request: pb.SetIdentityProviderRequest) -> bool:
    return bool(protovalidate.collect_violations(request))


@pytest.mark.parametrize(
    "changed",
    [
        {"roles": ["viewer"], "domains": []},
        {"email_trusted": True, "domains": []},
        {"roles": ["owner"]},
        {"domains": ["Example.com"]},
        {"domains": ["com"]},
        {"issuer": "ftp://id.example"},
        {"issuer": "https://id.example?x"},
        {"issuer": "https://id.example#x"},
        {"issuer": ""},
        {"client_id": ""},
        {"client_secret": "a\nb"},
        {"token_endpoint_auth_method": "none"},
    ],
)
def test_provider_that_would_let_in_anybody_or_is_none_is_refused(changed: dict[str, Any]) -> None:
    values = {"issuer": PROVIDER, "client_id": "rampart", "client_secret": SECRET, "domains": ["a.example"]} | changed
    assert refused(pb.SetIdentityProviderRequest(**values))


def test_provider_that_is_good_is_not_refused() -> None:
    values: dict[str, Any] = {"issuer": PROVIDER, "client_id": "rampart", "client_secret": SECRET}
    assert not refused(pb.SetIdentityProviderRequest(**values))
    assert not refused(pb.SetIdentityProviderRequest(**values, domains=["a.example"], roles=["viewer"]))
