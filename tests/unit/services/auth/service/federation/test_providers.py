"""Who sets a tenant's provider, and what becomes of the secret and the links."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.auth.domain.identity_providers import SecretMethod
from services.auth.domain.sign_in_input import Browser
from tests.support.provider import PROVIDER, SECRET, ProviderTwin, given_provider
from tests.support.signing_in import SignInWorld, reason_of


@pytest.fixture
def outside(world: SignInWorld) -> ProviderTwin:
    return world.federation.outside


async def unusable(awaited: Awaitable[Any]) -> str:
    with pytest.raises(MeshError) as caught:
        await awaited
    assert caught.value.reason == "PROVIDER_UNUSABLE"
    return caught.value.metadata["why"]


async def link(world: SignInWorld) -> bool:
    """Signs in, and tells whether the member was linked before."""
    before = len(world.kept_people.provider_links)
    key = await world.begin()
    address = await world.server.sign_in.start_federation(key, "")
    await world.server.sign_in.finish_federation(key, world.federation.outside.answer(address), Browser())
    return len(world.kept_people.provider_links) == before


async def test_provider_is_told_as_set_and_its_secret_sealed(world: SignInWorld) -> None:
    found = await world.federation.providers.get(world.tenant.tenant_id)
    assert (found.issuer, found.client_id, found.method) == (PROVIDER, "rampart", SecretMethod.BASIC)
    assert SECRET.encode() not in found.sealed_secret and SECRET not in repr(found)
    assert world.federation.seals.open_secret(found) == SECRET
    event = next(each for each in world.kept_people.events if each.action == "identity_provider.set")
    assert (event.target, event.details["issuer"]) == ("identity-provider", PROVIDER)
    assert SECRET not in str(event)


@pytest.mark.parametrize("roles", [("admin",), ("viewer",), ("analyst", "developer"), ()])
async def test_nobody_but_an_owner_sets_or_removes_it(
    world: SignInWorld, outside: ProviderTwin, roles: tuple[str, ...]
) -> None:
    providers, caller = world.federation.providers, world.federation.caller(world.tenant.tenant_id, *roles)
    asked = len(outside.asked)
    assert await reason_of(providers.set(caller, given_provider())) == "ROLE_NOT_GRANTED"
    assert await reason_of(providers.remove(caller)) == "ROLE_NOT_GRANTED"
    assert len(outside.asked) == asked
    await providers.get(world.tenant.tenant_id)


async def test_provider_gets_no_name_that_nobody_can_read(world: SignInWorld) -> None:
    refused = world.federation.set(world.tenant.tenant_id, display_name="Acme \u202eDI")
    assert await reason_of(refused) == "VALIDATION_FAILED"


@pytest.mark.parametrize("changed", [{"issuer": "https://thief.example"}, {"client_id": "thief"}])
async def test_secret_is_kept_for_whom_it_was_given_and_nobody_else(
    world: SignInWorld, changed: dict[str, Any]
) -> None:
    assert await unusable(world.federation.set(world.tenant.tenant_id, client_secret="", **changed)) == "secret"
    kept = await world.federation.set(world.tenant.tenant_id, client_secret="", display_name="New")
    assert (kept.display_name, world.federation.seals.open_secret(kept)) == ("New", SECRET)
    other = world.add_tenant("other")
    assert await unusable(world.federation.set(other.tenant_id, client_secret="")) == "secret"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"issuer": PROVIDER + "/"}, "issuer"),
        ({"issuer": "https://login.example/{tenantid}/v2.0"}, "issuer"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "endpoints"),
        ({"authorization_endpoint": "http://id.example/authorize"}, "endpoints"),
        ({"token_endpoint": None}, "endpoints"),
        ({"jwks_uri": "https://id.example/a b"}, "endpoints"),
        ({"response_types_supported": ["id_token"]}, "methods"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "methods"),
        ({"token_endpoint_auth_methods_supported": "all"}, "malformed"),
    ],
)
async def test_provider_whose_document_does_not_fit_is_not_set(
    world: SignInWorld, outside: ProviderTwin, document: dict[str, Any], reason: str
) -> None:
    outside.document |= document
    assert await unusable(world.federation.set(world.tenant.tenant_id, display_name="New")) == reason
    assert (await world.federation.providers.get(world.tenant.tenant_id)).display_name == "Acme ID"


async def test_provider_that_cannot_be_reached_is_not_set(world: SignInWorld, outside: ProviderTwin) -> None:
    outside.fault = "address"
    assert await unusable(world.federation.set(world.tenant.tenant_id)) == "address"


async def test_secret_in_the_form_is_taken_where_that_is_set(world: SignInWorld, outside: ProviderTwin) -> None:
    outside.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await world.federation.set(world.tenant.tenant_id, method=SecretMethod.POST)
    assert not await link(world)


async def test_links_stay_with_the_accounts_that_they_are_of(world: SignInWorld) -> None:
    assert not await link(world)
    await world.federation.set(world.tenant.tenant_id, display_name="New")
    assert await link(world)
    await world.federation.providers.remove(world.federation.caller(world.tenant.tenant_id, "owner"))
    assert await reason_of(world.federation.providers.get(world.tenant.tenant_id)) == "RESOURCE_NOT_FOUND"
    await world.federation.set(world.tenant.tenant_id)
    assert not await link(world)


async def test_member_is_unlinked_by_who_may_act_on_him(world: SignInWorld, outside: ProviderTwin) -> None:
    await link(world)
    tenant_id, providers = world.tenant.tenant_id, world.federation.providers
    caller = world.federation.caller
    assert await reason_of(providers.unlink(caller(tenant_id, "admin"), world.ann.member_id)) == "ROLE_NOT_GRANTED"
    other = world.add_tenant("other")
    assert (
        await reason_of(providers.unlink(caller(other.tenant_id, "owner"), world.ann.member_id)) == "RESOURCE_NOT_FOUND"
    )
    outside.claims = {"sub": "sub-new"}
    assert await reason_of(link(world)) == "SIGN_IN_REFUSED"
    for _ in range(2):
        await providers.unlink(caller(tenant_id, "owner"), world.ann.member_id)
    assert not await link(world)
    assert [each.action for each in world.kept_people.events].count("member.unlink") == 1
