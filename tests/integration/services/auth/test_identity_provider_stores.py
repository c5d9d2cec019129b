"""What every implementation of the store of tenants' own providers does."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from meshkit.errors import MeshError
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.identity_providers import IdentityProvider, ProviderLink, SecretMethod
from services.auth.domain.members import Member, email_key
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.domain.tenants import Tenant
from services.auth.ports import MemberChange
from services.auth.service.quotas import check_room
from tests.support.people import NOW, People, act, link_of, member_of, together

ISSUER = "https://id.example"


def provider_of(tenant: Tenant, **changed: Any) -> IdentityProvider:
    values: dict[str, Any] = {
        "tenant_id": tenant.tenant_id, "issuer": ISSUER, "client_id": "rampart",
        "sealed_secret": secrets.token_bytes(40), "method": SecretMethod.POST, "display_name": "Acme ID",
        "domains": frozenset({"a.example", "b.example"}), "roles": frozenset({"viewer"}), "email_trusted": True,
        "second_factor_trusted": False, "required": True, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return IdentityProvider(**values | changed)


def account(tenant: Tenant, subject: str = "s-1") -> ProviderLink:
    return ProviderLink(tenant.tenant_id, ISSUER, subject, NOW)


def linking(member: Member | None) -> MemberChange | None:
    assert member is not None
    linked = replace(member, activated_at=NOW, revision=member.revision + 1)
    return MemberChange(linked, act(linked))


def joining(made: Member) -> Callable[[Member | None], MemberChange | None]:
    def decide(member: Member | None) -> MemberChange | None:
        assert member is None
        return MemberChange(made, act(made))

    return decide


async def invited(people: People) -> Member:
    member = member_of(people.tenant)
    assert await people.stores.members.create_member(member, link_of(member), act(member), check_room)
    return member


async def put(people: People, **changed: Any) -> IdentityProvider:
    provider = provider_of(people.tenant, **changed)
    await people.providers.put_provider(provider, act(member_of(people.tenant)))
    return provider


async def test_provider_is_found_as_set_until_it_is_removed(people: People) -> None:
    tenant_id, store = people.tenant.tenant_id, people.providers
    assert await store.find_provider(tenant_id) is None
    first = await put(people)
    assert await store.find_provider(tenant_id) == first
    later = NOW + timedelta(days=1)
    second = await put(people, domains=frozenset(), roles=frozenset(), email_trusted=False, updated_at=later)
    assert await store.find_provider(tenant_id) == second
    assert await store.find_provider(str(uuid7())) is None
    assert await store.remove_provider(tenant_id, act(member_of(people.tenant)))
    assert not await store.remove_provider(tenant_id, act(member_of(people.tenant)))
    assert await store.find_provider(tenant_id) is None


async def test_account_is_linked_to_the_member_with_the_address_once(people: People) -> None:
    provider, member, store = await put(people), await invited(people), people.providers
    link, key = account(people.tenant), email_key(member.email)
    linked = await store.link_member(provider, link, key, linking, check_room)
    assert linked is not None and linked.may_sign_in
    assert await store.find_linked(people.tenant.tenant_id, ISSUER, "s-1") == linked
    assert await people.stores.members.find_member(member.tenant_id, member.member_id) == linked
    assert await store.find_linked(people.tenant.tenant_id, ISSUER, "s-2") is None
    assert await store.find_linked(people.tenant.tenant_id, "https://other.example", "s-1") is None
    assert await store.find_linked(str(uuid7()), ISSUER, "s-1") is None
    assert await store.link_member(provider, account(people.tenant, "s-2"), key, linking, check_room) is None
    other = await invited(people)
    assert await store.link_member(provider, link, email_key(other.email), linking, check_room) is None


async def test_invitation_is_used_up_and_a_reset_is_not(people: People) -> None:
    provider, member = await put(people), member_of(people.tenant)
    invitation = link_of(member)
    assert await people.stores.members.create_member(member, invitation, act(member), check_room)
    assert await people.providers.link_member(
        provider, account(people.tenant), email_key(member.email), linking, check_room
    )
    assert await people.stores.links.find_link(invitation.link_hash, NOW) is None


async def test_new_member_is_made_with_the_link(people: People) -> None:
    provider, made = await put(people), replace(member_of(people.tenant), activated_at=NOW)
    joined = await people.providers.link_member(
        provider, account(people.tenant), email_key(made.email), joining(made), check_room
    )
    assert joined == made == await people.providers.find_linked(people.tenant.tenant_id, ISSUER, "s-1")


async def test_nothing_is_linked_that_is_not_decided_or_by_a_provider_that_has_changed(people: People) -> None:
    provider, member = await put(people), await invited(people)
    link, key = account(people.tenant), email_key(member.email)
    assert await people.providers.link_member(provider, link, key, lambda _: None, check_room) is None
    await put(people, updated_at=NOW + timedelta(seconds=1))
    assert await people.providers.link_member(provider, link, key, linking, check_room) is None
    assert await people.stores.members.find_member(member.tenant_id, member.member_id) == member


@pytest.mark.parametrize("changed", [{"issuer": "https://other.example"}, {"client_id": "other"}])
async def test_links_go_with_the_accounts(people: People, changed: dict[str, str]) -> None:
    provider, member = await put(people), await invited(people)
    link, key = account(people.tenant), email_key(member.email)
    assert await people.providers.link_member(provider, link, key, linking, check_room)
    await put(people, display_name="New")
    assert await people.providers.find_linked(people.tenant.tenant_id, ISSUER, "s-1")
    await put(people, **changed)
    again = await put(people)
    assert await people.providers.find_linked(people.tenant.tenant_id, ISSUER, "s-1") is None
    assert await people.providers.link_member(again, link, key, linking, check_room)
    await people.providers.remove_provider(people.tenant.tenant_id, act(member))
    await put(people)
    assert await people.providers.find_linked(people.tenant.tenant_id, ISSUER, "s-1") is None


async def test_member_is_unlinked_and_a_deleted_one_is_too(people: People) -> None:
    provider, member = await put(people), await invited(people)
    link, key = account(people.tenant), email_key(member.email)
    assert await people.providers.link_member(provider, link, key, linking, check_room)
    other = await invited(people)
    assert await people.providers.link_member(
        provider, account(people.tenant, "s-2"), email_key(other.email), linking, check_room
    )
    assert not await people.providers.unlink_member(str(uuid7()), member.member_id, act(member))
    assert await people.providers.unlink_member(member.tenant_id, member.member_id, act(member))
    assert not await people.providers.unlink_member(member.tenant_id, member.member_id, act(member))
    assert await people.providers.find_linked(people.tenant.tenant_id, ISSUER, "s-2")
    assert await people.providers.link_member(provider, link, key, linking, check_room)
    await people.stores.members.change_member(
        member.tenant_id, member.member_id, lambda each, _: MemberChange(each.erased(NOW), act(each))
    )
    assert await people.providers.find_linked(people.tenant.tenant_id, ISSUER, "s-1") is None


async def test_of_first_sign_ins_at_once_one_links(people: People) -> None:
    provider, member = await put(people), await invited(people)
    subjects = [f"s-{number}" for number in range(12)]
    key = email_key(member.email)
    found = await together(
        people.providers.link_member(provider, account(people.tenant, each), key, linking, check_room)
        for each in subjects
    )
    assert sum(each is not None for each in found) == 1 and not any(isinstance(each, Exception) for each in found)
    made = [replace(member_of(people.tenant, email="new@a.example"), activated_at=NOW) for _ in range(12)]
    link = account(people.tenant, "s-new")

    def decide(one: Member) -> Callable[[Member | None], MemberChange | None]:
        return lambda before: MemberChange(one, act(one)) if before is None else None

    found = await together(
        people.providers.link_member(provider, link, email_key(one.email), decide(one), check_room) for one in made
    )
    assert sum(each is not None for each in found) == 1 and not any(isinstance(each, Exception) for each in found)


async def test_nobody_joins_a_tenant_that_has_no_room(people: People) -> None:
    provider, made, link = await put(people), member_of(people.tenant), account(people.tenant)

    def refuse(use: QuotaUse) -> None:
        assert (use.resource, use.used) == (CountedResource.MEMBERS, 1)
        raise errors.quota_exceeded("members", 1, 1)

    member = await invited(people)
    with pytest.raises(MeshError, match="members"):
        await people.providers.link_member(provider, link, email_key(made.email), joining(made), refuse)
    assert await people.providers.find_linked(people.tenant.tenant_id, ISSUER, "s-1") is None
    assert await people.stores.members.find_member(made.tenant_id, made.member_id) is None
    assert await people.providers.link_member(provider, link, email_key(member.email), linking, refuse)
