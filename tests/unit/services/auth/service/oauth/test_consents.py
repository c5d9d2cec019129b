"""What people have allowed: it can be seen, and taken back with all that came of it."""

from __future__ import annotations

import pytest

from services.auth.domain.authorization import AuthorizationRequest
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.sign_in import AttemptKey
from services.auth.service.oauth.consents import Consents
from services.auth.service.oauth.sessions import SignedIn
from tests.support.signing_in import START, SignInWorld, query_of, reason_of


async def test_what_was_allowed_is_seen_with_its_client_and_times(world: SignInWorld) -> None:
    await world.signed_in(scope="case:read")
    world.wait(hours=1)
    await world.signed_in(scope="case:write")
    world.add_client("shop-2")
    await world.signed_in(client_id="shop-2")
    account, ann = world.server.account, world.ann
    first, other = await account.consents(ann.tenant_id, ann.member_id)
    assert (first.client_id, other.client_id) == ("shop-1", "shop-2")
    assert (first.client_name, first.scopes) == ("The Shop", frozenset({"case:read", "case:write"}))
    assert (first.created_at, first.updated_at) == (START, world.now)
    ben = world.add_member("ben@acme.example", "viewer")
    assert await account.consents(ben.tenant_id, ben.member_id) == []
    # A client that was deleted has no name any more.
    del world.registry.clients["shop-2"]
    assert (await account.consents(ann.tenant_id, ann.member_id))[1].client_name == "shop-2"


async def test_taking_it_back_ends_what_the_client_does_and_nothing_else(world: SignInWorld) -> None:
    world.add_client("shop-2")
    other = await world.redeem(await world.code(client_id="shop-2"), "shop-2")
    view = await world.signed_in()
    granted = await world.redeem(query_of(view.redirect_uri)["code"])
    under_way = query_of(await world.start(view.session))["code"]
    account, ann = world.server.account, world.ann
    await account.withdraw(ann.tenant_id, ann.member_id, "shop-1")
    assert await reason_of(world.refresh(granted.refresh_token)) == "GRANT_INVALID"
    assert await reason_of(world.redeem(under_way)) == "GRANT_INVALID"
    grant_id = (await world.verifier.verify(granted.access.token)).session_id
    assert [(each.kind.value, each.name) for each in world.memory.revocations] == [("session", grant_id)]
    # The browser goes on, and the person is asked again.
    assert isinstance(await world.start(view.session), AttemptKey)
    assert (await world.refresh(other.refresh_token, "shop-2")).access.token
    [event] = [each for each in world.memory.events if each.action == "consent.delete"]
    assert (event.actor, event.client_id, event.target) == (ann.member_id, "shop-1", "clients/shop-1")


async def test_what_is_not_there_cannot_be_taken_back(world: SignInWorld) -> None:
    await world.signed_in()
    account, ann = world.server.account, world.ann
    ben = world.add_member("ben@acme.example", "viewer")
    assert await reason_of(account.withdraw(ann.tenant_id, ann.member_id, "shop-2")) == "RESOURCE_NOT_FOUND"
    assert await reason_of(account.withdraw(ben.tenant_id, ben.member_id, "shop-1")) == "RESOURCE_NOT_FOUND"
    await account.withdraw(ann.tenant_id, ann.member_id, "shop-1")
    assert await reason_of(account.withdraw(ann.tenant_id, ann.member_id, "shop-1")) == "RESOURCE_NOT_FOUND"


async def test_code_that_is_asked_for_while_it_is_taken_back_is_refused(
    world: SignInWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = (await world.signed_in()).session
    needed = Consents.needed

    async def meanwhile(self: Consents, request: AuthorizationRequest, client: OAuthClient, who: SignedIn) -> bool:
        answer = await needed(self, request, client, who)
        await world.server.account.withdraw(world.ann.tenant_id, world.ann.member_id, "shop-1")
        return answer

    monkeypatch.setattr(Consents, "needed", meanwhile)
    told = query_of(await world.start(session))
    assert (told["error"], "code" in told) == ("access_denied", False)


async def test_person_is_asked_though_the_client_can_have_nothing_of_what_it_wants(world: SignInWorld) -> None:
    world.change(world.ann, roles=frozenset({"viewer"}))
    session = (await world.signed_in(scope="case:read")).session
    await world.server.account.withdraw(world.ann.tenant_id, world.ann.member_id, "shop-1")
    # Nobody has refused, so that the client is not told so.
    assert isinstance(await world.start(session, scope="case:write"), AttemptKey)
    assert (await world.redeem(await world.code(scope="case:write"))).access.scope == ""
