"""SignInAttempts to sign in: which step follows which, and whose they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from meshkit.errors import MeshError
from services.auth.domain.members import SecondFactor
from services.auth.domain.sign_in import AttemptKey, SignInStep, SignInView
from services.auth.domain.sign_in_input import Browser, GivenFactor
from tests.support.signing_in import CALLBACK, RECOVERY, TOTP, SignInWorld, claims_of, query_of, reason_of

BROWSER = Browser("192.0.2.1")
BOTH = frozenset({SecondFactor.TOTP, SecondFactor.RECOVERY_CODE})


async def give(world: SignInWorld, key: AttemptKey, factor: SecondFactor, text: str) -> SignInView:
    return await world.server.sign_in.factor(key, GivenFactor(factor, text), BROWSER)


async def test_page_shows_who_asks_for_what(world: SignInWorld) -> None:
    key = await world.begin(scope="openid case:read")
    view = await world.server.sign_in.get(key)
    assert (view.step, view.tenant, view.client_name, view.first_party) == (
        SignInStep.IDENTIFY,
        "acme",
        "The Shop",
        False,
    )
    assert view.factors == {SecondFactor.PASSKEY}
    assert (view.email, view.session, view.redirect_uri) == ("", "", CALLBACK)
    consent = await world.password(key)
    assert (consent.step, consent.scopes, consent.email) == (
        SignInStep.CONSENT, frozenset({"openid", "case:read"}), "ann@acme.example",
    )  # fmt: skip
    assert consent.session


async def test_person_is_asked_for_what_it_has_alone(world: SignInWorld) -> None:
    world.change(world.ann, roles=frozenset({"viewer"}))
    view = await world.password(await world.begin(scope="case:read case:write"))
    assert view.scopes == {"case:read"}


async def test_consent_is_remembered_for_what_it_was_given(world: SignInWorld) -> None:
    session = (await world.signed_in(scope="case:read")).session
    assert "code" in query_of(await world.start(session, scope="case:read"))
    assert isinstance(await world.start(session, scope="case:read case:write"), AttemptKey)
    world.add_client("shop-2")
    assert isinstance(await world.start(session, client_id="shop-2"), AttemptKey)


@pytest.mark.parametrize("factors", [BOTH, frozenset({SecondFactor.PASSKEY})])
async def test_password_alone_is_not_enough_for_who_has_more(
    world: SignInWorld, factors: frozenset[SecondFactor]
) -> None:
    world.people.has[world.ann.member_id] = factors
    key = await world.begin()
    view = await world.password(key)
    assert (view.step, view.factors, view.session) == (SignInStep.SECOND_FACTOR, factors, "")
    assert world.memory.sessions == {}
    assert await reason_of(world.server.sign_in.consent(key, True)) == "INTERACTION_INVALID"


@pytest.mark.parametrize(
    ("factor", "given", "method"), [(SecondFactor.TOTP, TOTP, "otp"), (SecondFactor.RECOVERY_CODE, RECOVERY, "rc")]
)
async def test_second_factor_opens_the_session(
    world: SignInWorld, factor: SecondFactor, given: str, method: str
) -> None:
    world.people.has[world.ann.member_id] = BOTH
    key = await world.begin(scope="openid")
    await world.password(key)
    assert await reason_of(give(world, key, factor, "wrong")) == "SIGN_IN_REFUSED"
    view = await give(world, key, factor, given)
    assert view.step is SignInStep.CONSENT and view.session
    done = await world.server.sign_in.consent(key, True)
    identity = claims_of((await world.redeem(query_of(done.redirect_uri)["code"])).identity_token)
    assert (identity["amr"], identity["acr"]) == (sorted(["pwd", method]), "2")


async def test_second_factor_needs_the_first(world: SignInWorld) -> None:
    key = await world.begin()
    assert await reason_of(give(world, key, SecondFactor.TOTP, TOTP)) == "INTERACTION_INVALID"


async def test_passkey_is_enough_by_itself(world: SignInWorld) -> None:
    world.people.has[world.ann.member_id] = frozenset({SecondFactor.PASSKEY})
    key = await world.begin()
    assert await reason_of(give(world, key, SecondFactor.PASSKEY, world.ann.member_id)) == "INTERACTION_INVALID"
    assert await world.server.sign_in.begin_passkey(key)
    view = await give(world, key, SecondFactor.PASSKEY, world.ann.member_id)
    assert view.step is SignInStep.CONSENT and view.session
    assert [each.methods for each in world.memory.sessions.values()] == [{"hwk"}]


async def test_passkey_ceremony_is_good_once(world: SignInWorld) -> None:
    key = await world.begin()
    await world.server.sign_in.begin_passkey(key)
    assert await reason_of(give(world, key, SecondFactor.PASSKEY, "nobody")) == "SIGN_IN_REFUSED"
    assert await reason_of(give(world, key, SecondFactor.PASSKEY, world.ann.member_id)) == "INTERACTION_INVALID"


async def test_passkey_of_another_tenant_is_refused(world: SignInWorld) -> None:
    stranger = world.add_member("eve@other.example", "owner", tenant=world.add_tenant("other"))
    key = await world.begin()
    await world.server.sign_in.begin_passkey(key)
    assert await reason_of(give(world, key, SecondFactor.PASSKEY, stranger.member_id)) == "SIGN_IN_REFUSED"


async def test_second_factor_of_another_member_is_refused(world: SignInWorld) -> None:
    ben = world.add_member("ben@acme.example", "viewer")
    world.people.has[world.ann.member_id] = frozenset({SecondFactor.PASSKEY})
    key = await world.begin()
    await world.password(key)
    await world.server.sign_in.begin_passkey(key)
    assert await reason_of(give(world, key, SecondFactor.PASSKEY, ben.member_id)) == "SIGN_IN_REFUSED"


async def test_attempt_is_of_the_browser_that_began_it(world: SignInWorld) -> None:
    key, other = await world.begin(), await world.begin()
    for wrong in (AttemptKey(key.attempt_id, other.secret), AttemptKey("x", key.secret), AttemptKey("", "")):
        assert await reason_of(world.server.sign_in.get(wrong)) == "INTERACTION_INVALID"
        assert await reason_of(world.password(wrong)) == "INTERACTION_INVALID"


async def test_attempt_is_over_after_ten_minutes(world: SignInWorld) -> None:
    key = await world.begin()
    world.wait(minutes=10)
    assert await reason_of(world.password(key)) == "INTERACTION_INVALID"


async def test_attempt_ends_once(world: SignInWorld) -> None:
    key = await world.begin()
    await world.password(key)
    views = await asyncio.gather(*[world.server.sign_in.consent(key, True) for _ in range(5)], return_exceptions=True)
    assert len([view for view in views if isinstance(view, SignInView)]) == 1
    assert {each.reason for each in views if isinstance(each, MeshError)} == {"INTERACTION_INVALID"}
    assert len(world.memory.codes) == 1


async def test_password_is_not_taken_again_once_all_is_proven(world: SignInWorld) -> None:
    key = await world.begin()
    await world.password(key)
    assert await reason_of(world.password(key)) == "INTERACTION_INVALID"


async def test_session_of_another_tenant_does_not_count(world: SignInWorld) -> None:
    other = world.add_tenant("other")
    world.add_client("theirs", tenant_id=other.tenant_id)
    session = (await world.signed_in()).session
    key = await world.begin(session, client_id="theirs")
    assert (await world.server.sign_in.get(key)).step is SignInStep.IDENTIFY


async def test_session_goes_on_under_another_secret_when_its_member_signs_in_again(world: SignInWorld) -> None:
    first = (await world.signed_in()).session
    view = await world.password(await world.begin(first, prompt="login"))
    assert view.session not in ("", first)
    assert len(world.memory.sessions) == 1
    assert await reason_of(world.server.account.open(first)) == "SESSION_INVALID"
    assert (await world.server.account.open(view.session)).expires_in == 120


async def test_session_ends_when_somebody_else_signs_in(world: SignInWorld) -> None:
    world.add_member("ben@acme.example", "viewer")
    first = (await world.signed_in()).session
    await world.password(await world.begin(first, prompt="login"), "ben@acme.example")
    assert await reason_of(world.server.account.open(first)) == "SESSION_INVALID"
    assert sorted(each.ended_at is None for each in world.memory.sessions.values()) == [False, True]


async def test_session_ends_by_itself(world: SignInWorld) -> None:
    session = (await world.signed_in()).session
    world.wait(minutes=59)
    assert (await world.server.account.open(session)).token
    world.wait(minutes=60)
    assert await reason_of(world.server.account.open(session)) == "SESSION_INVALID"
    session = (await world.signed_in()).session
    for _ in range(12):
        world.wait(minutes=59)
        assert (await world.server.account.open(session)).token
    world.wait(minutes=59)
    assert await reason_of(world.server.account.open(session)) == "SESSION_INVALID"


async def test_token_of_the_account_page_is_for_that_alone(world: SignInWorld) -> None:
    issued = await world.server.account.open((await world.signed_in()).session)
    principal = await world.verifier.verify(issued.token)
    assert (principal.subject, principal.client_id) == (world.ann.member_id, "rampart-account")
    assert set(issued.scope.split()) == {"account:read", "account:write"}
    assert claims_of(issued.token)["auth_time"] == int(world.now.timestamp())
    assert await reason_of(world.server.account.open("")) == "SESSION_INVALID"


async def test_members_end_what_is_theirs(world: SignInWorld) -> None:
    ben = world.add_member("ben@acme.example", "viewer")
    granted = await world.redeem(await world.code())
    grant_id = (await world.verifier.verify(granted.access.token)).session_id
    account, tenant = world.server.account, world.tenant.tenant_id
    assert await reason_of(account.end(tenant, ben.member_id, grant_id)) == "RESOURCE_NOT_FOUND"
    await account.end(tenant, world.ann.member_id, grant_id)
    assert await reason_of(account.end(tenant, world.ann.member_id, grant_id)) == "RESOURCE_NOT_FOUND"
    assert await reason_of(world.refresh(granted.refresh_token)) == "GRANT_INVALID"
    [browser] = await account.ongoing(tenant, world.ann.member_id)
    await account.end(tenant, world.ann.member_id, browser.access.session_id)
    assert await account.ongoing(tenant, world.ann.member_id) == []


async def test_tenant_that_asks_for_a_second_factor_has_it_set_up_first(world: SignInWorld) -> None:
    world.people.required.add(world.tenant.tenant_id)
    key = await world.begin()
    view = await world.password(key)
    assert view.step is SignInStep.ENROL and (await world.server.account.open(view.session)).token
    assert (await world.server.sign_in.consent(key, True)).step is SignInStep.ENROL
    assert world.memory.codes == {}
    assert isinstance(await world.start(view.session), AttemptKey)
    world.people.has[world.ann.member_id] = frozenset({SecondFactor.TOTP})
    assert (await world.server.sign_in.get(key)).step is SignInStep.CONSENT
    assert "code" in query_of((await world.server.sign_in.consent(key, True)).redirect_uri)


async def test_first_party_client_needs_no_consent_and_answers_to_any_loopback_port(world: SignInWorld) -> None:
    uri = "http://127.0.0.1:49152/callback"
    key = await world.begin(client_id="rampart-cli", redirect_uri=uri, scope="case:read", tenant="acme")
    view = await world.password(key)
    assert view.step is SignInStep.DONE and view.redirect_uri.startswith(f"{uri}?code=")
    granted = await world.redeem(query_of(view.redirect_uri)["code"], "rampart-cli", redirect_uri=uri)
    assert (await world.verifier.verify(granted.access.token)).client_id == "rampart-cli"
    assert (await world.refresh(granted.refresh_token, "rampart-cli")).refresh_token


async def test_program_on_the_own_machine_gets_no_code_unseen(world: SignInWorld) -> None:
    uri = "http://127.0.0.1:49152/callback"
    session = (await world.signed_in(scope="case:read")).session
    of_console = {"client_id": "rampart-cli", "redirect_uri": uri, "scope": "case:read"}
    assert query_of(await world.start(session, **of_console, prompt="none"))["error"] == "consent_required"
    key = await world.begin(session, **of_console)
    assert (await world.server.sign_in.get(key)).step is SignInStep.CONSENT
    assert "code" in query_of((await world.server.sign_in.consent(key, True)).redirect_uri)
    assert isinstance(await world.start(session, **of_console), AttemptKey), "that is not remembered"


@pytest.mark.parametrize("uri", ["http://localhost:1/callback", "http://127.0.0.1:1/other", "https://127.0.0.1/callback",
                                 "http://127.0.0.1.evil.example/callback", "http://127.0.0.1@evil.example/callback",
                                 "http://127.0.0.1:1x/callback"])  # fmt: skip
async def test_other_redirects_of_the_first_party_client_are_refused(world: SignInWorld, uri: str) -> None:
    refused = await world.start(client_id="rampart-cli", redirect_uri=uri)
    assert not isinstance(refused, AttemptKey | str)


async def test_platform_client_proves_nothing(world: SignInWorld) -> None:
    world.registry.clients["rampart-cli"] = replace(world.shop, client_id="rampart-cli")
    assert await reason_of(world.grant("client_credentials", "rampart-cli")) == "CLIENT_INVALID"
    assert await reason_of(world.grant("client_credentials", "rampart-account")) == "GRANT_UNSUPPORTED"


async def test_account_page_is_open_when_all_is_proven(world: SignInWorld) -> None:
    key, view = await world.server.sign_in.begin("", "", "", again=False)
    assert (view.step, view.tenant, view.first_party) == (SignInStep.IDENTIFY, "", True)
    done = await world.password(key)
    assert (done.step, done.redirect_uri) == (SignInStep.DONE, "") and done.session
    _, signed_in = await world.server.sign_in.begin(done.session, "", "", again=False)
    assert signed_in.step is SignInStep.DONE
    _, again = await world.server.sign_in.begin(done.session, "", "", again=True)
    assert again.step is SignInStep.IDENTIFY


async def test_answer_goes_where_the_query_of_the_redirect_uri_stays(world: SignInWorld) -> None:
    assert (await world.signed_in()).redirect_uri.startswith(f"{CALLBACK}&code=")
