"""People sign in by their tenant's own provider, which may be hostile, or whoever stands in between."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from meshkit.errors import MeshError
from services.auth.domain.members import MemberState, SecondFactor
from services.auth.domain.sign_in import AttemptKey, SignInStep, SignInView
from services.auth.domain.sign_in_input import Browser, GivenFactor, GivenPassword
from tests.support.provider import PROVIDER, ProviderTwin, half_hash
from tests.support.signers import signer
from tests.support.signing_in import PASSWORD, TOTP, SignInWorld, claims_of, reason_of
from tests.support.tokens import encode

BROWSER = Browser("192.0.2.1")


@pytest.fixture
def outside(world: SignInWorld) -> ProviderTwin:
    return world.federation.outside


async def begin(world: SignInWorld, **changed: Any) -> AttemptKey:
    return await world.begin(scope="openid case:read", **changed)


async def go(world: SignInWorld, key: AttemptKey, tenant: str = "") -> str:
    return await world.server.sign_in.start_federation(key, tenant)


async def come_back(world: SignInWorld, key: AttemptKey, address: str, **changed: str) -> SignInView:
    return await world.server.sign_in.finish_federation(
        key, world.federation.outside.answer(address, **changed), BROWSER
    )


async def sign_in(world: SignInWorld, **changed: Any) -> SignInView:
    key = await begin(world, **changed)
    return await come_back(world, key, await go(world, key))


async def why(world: SignInWorld, **changed: str) -> str:
    """Returns why a sign-in is refused, as the audit log has it."""
    key = await begin(world)
    address = await go(world, key)
    sessions = len(world.memory.sessions)
    assert await reason_of(come_back(world, key, address, **changed)) == "SIGN_IN_REFUSED"
    assert len(world.memory.sessions) == sessions
    event = world.trail.events[-1]
    assert (event.action, event.tenant_id) == ("sign_in.federation", world.tenant.tenant_id)
    return event.details["why"]


async def test_member_signs_in_by_the_provider(world: SignInWorld) -> None:
    view = await sign_in(world)
    assert (view.step, view.email) == (SignInStep.CONSENT, "ann@acme.example")
    [session] = world.memory.sessions.values()
    assert (session.member_id, session.methods) == (world.ann.member_id, frozenset({"fed"}))
    assert world.people.noted == [world.ann.member_id]
    linked = next(each for each in world.kept_people.events if each.action == "member.link")
    assert (linked.actor, linked.target) == (world.ann.member_id, f"members/{world.ann.member_id}")


async def test_request_to_the_provider_is_bound_to_the_attempt(world: SignInWorld) -> None:
    first, second = await begin(world), await begin(world)
    asked = [dict(parse_qsl(urlsplit(await go(world, key)).query)) for key in (first, second)]
    assert asked[0]["code_challenge_method"] == "S256" and asked[0]["response_type"] == "code"
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name].rpartition(".")[2]) == 43 and asked[0][name] != asked[1][name]
    assert asked[0]["state"].startswith(f"{first.attempt_id}.")
    assert "max_age" not in asked[0] and "prompt" not in asked[0]
    answer = world.federation.outside.answer(await go(world, second))
    assert await reason_of(world.server.sign_in.finish_federation(first, answer, BROWSER)) == "SIGN_IN_REFUSED"
    other = replace(second, secret="rat_other")
    assert await reason_of(world.server.sign_in.finish_federation(other, answer, BROWSER)) == "INTERACTION_INVALID"
    await world.server.sign_in.finish_federation(second, answer, BROWSER)


async def test_answer_counts_once(world: SignInWorld, outside: ProviderTwin) -> None:
    key = await begin(world)
    answer = outside.answer(await go(world, key))
    outside.claims = {"nonce": "other"}
    assert await reason_of(world.server.sign_in.finish_federation(key, answer, BROWSER)) == "SIGN_IN_REFUSED"
    outside.claims = {}
    assert await reason_of(world.server.sign_in.finish_federation(key, answer, BROWSER)) == "INTERACTION_INVALID"
    assert await reason_of(world.server.sign_in.finish_federation(key, answer, BROWSER)) == "INTERACTION_INVALID"


async def test_answer_to_another_state_does_not_end_the_attempt(world: SignInWorld) -> None:
    key = await begin(world)
    address = await go(world, key)
    assert await reason_of(come_back(world, key, address, state="other")) == "SIGN_IN_REFUSED"
    assert (await come_back(world, key, address)).session


async def test_answer_of_another_tenants_provider_is_shown_to_nobody(world: SignInWorld, outside: ProviderTwin) -> None:
    # Not every provider says who it is: a browser that one provider sends on to another's comes back with its state.
    outside.document |= {"authorization_response_iss_parameter_supported": False}
    await world.federation.set(world.tenant.tenant_id)
    outside.asked.clear()
    assert await why(world, tenant="other", iss="") == "redirect_uri"
    assert not any(url.endswith("/token") for url, _ in outside.asked)


async def test_code_of_another_attempt_is_of_no_use(world: SignInWorld, outside: ProviderTwin) -> None:
    stolen = outside.answer(await go(world, await begin(world))).code
    assert await why(world, code=stolen) == "token_invalid_grant"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example"}, "iss"),
        ({"iss": PROVIDER + "/"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["rampart", "other"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"azp": "other"}, "azp"),
        ({"nonce": "other"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": 1}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": 1}, "iat"),
        ({"iat": None}, "iat"),
        ({"sub": ""}, "sub"),
        ({"sub": "s" * 256}, "sub"),
        ({"sub": 7}, "sub"),
        ({"at_hash": half_hash("other")}, "at_hash"),
        ({"email_verified": False}, "email_verified"),
        ({"email_verified": None}, "email_verified"),
        ({"email_verified": 1}, "email_verified"),
        ({"email": "ann@elsewhere.example"}, "domain"),
        ({"email": "ann@sub.acme.example"}, "domain"),
        ({"email": "bob@acme.example"}, "unknown"),
        ({"email": "ann@acme.example\n"}, "userinfo"),
        ({"email": "ann@acme.example."}, "domain"),
        ({"email": "ann@notacme.example"}, "domain"),
        ({"email": "ann@acme.example.evil.example"}, "domain"),
        ({"email": "ann@\uff41cme.example"}, "userinfo"),
        ({"email": "\u24d0nn@acme.example"}, "userinfo"),
    ],
)
async def test_claim_that_is_wrong_signs_nobody_in(
    world: SignInWorld, outside: ProviderTwin, claims: dict[str, Any], reason: str
) -> None:
    outside.claims = claims
    assert await why(world) == reason


@pytest.mark.parametrize(
    "claims", [{"aud": ["rampart"]}, {"azp": "rampart"}, {"at_hash": None}, {"email_verified": "true"}]
)
async def test_claim_that_may_be_so_signs_in(world: SignInWorld, outside: ProviderTwin, claims: dict[str, Any]) -> None:
    outside.claims = claims
    assert (await sign_in(world)).session


@pytest.mark.parametrize(("seconds", "good"), [(299, True), (359, True), (361, False)])
async def test_token_is_good_until_it_expires_by_either_clock(
    world: SignInWorld, outside: ProviderTwin, seconds: int, good: bool
) -> None:
    now = int(world.seconds())
    outside.claims = {"iat": now - seconds, "exp": now - seconds + 300}
    assert await (reason_of(sign_in(world)) if not good else _step(world)) == ("" if good else "SIGN_IN_REFUSED")


async def _step(world: SignInWorld) -> str:
    assert (await sign_in(world)).session
    return ""


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "EdDSA"])
async def test_token_of_every_algorithm_that_is_allowed_counts(
    world: SignInWorld, outside: ProviderTwin, algorithm: str
) -> None:
    outside.algorithm = algorithm
    outside.claims = {"at_hash": half_hash(outside.access_token, "sha512" if algorithm == "EdDSA" else "sha256")}
    assert (await sign_in(world)).session


@pytest.mark.parametrize("algorithm", ["ES384", "RS512"])
async def test_token_of_another_algorithm_counts_for_nothing(
    world: SignInWorld, outside: ProviderTwin, algorithm: str
) -> None:
    outside.algorithm = algorithm
    assert await why(world) == "signature"


async def test_token_without_signature_or_signed_with_what_everybody_has_is_forged(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    outside.header = {"alg": "none"}
    assert await why(world) == "signature"
    outside.header = {"alg": "HS256"}
    assert await why(world) == "signature"
    outside.header, outside.forged = {}, ".".join([encode(b'{"alg": "none"}'), encode(b"{}"), ""])
    assert await why(world) == "signature"


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt"])
async def test_token_of_another_type_is_no_id_token(world: SignInWorld, outside: ProviderTwin, typ: str) -> None:
    outside.header = {"typ": typ}
    assert await why(world) == "signature"


async def test_key_that_the_provider_has_not_published_signs_nothing(world: SignInWorld, outside: ProviderTwin) -> None:
    outside.published = [signer("RS256").jwk | {"kid": "key-1"}]
    assert await why(world) == "signature"
    outside.published, outside.header = None, {"jwk": signer("ES256").jwk}
    assert await why(world) == "signature"


async def test_key_without_a_name_signs_where_it_is_the_only_one(world: SignInWorld, outside: ProviderTwin) -> None:
    outside.published = [signer("ES256").jwk]
    outside.forged = ""
    key = await begin(world)
    address = await go(world, key)
    asked = dict(parse_qsl(urlsplit(address).query))
    body = outside.id_token(asked["nonce"]).split(".")[1]
    plain = encode(json.dumps({"alg": "ES256"}).encode()) + "." + body
    outside.forged = f"{plain}.{encode(signer('ES256').signature(plain.encode()))}"
    assert (await come_back(world, key, address)).session


@pytest.mark.parametrize("iss", ["https://honest.example", ""])
async def test_answer_of_another_provider_is_a_mix_up(world: SignInWorld, outside: ProviderTwin, iss: str) -> None:
    assert await why(world, iss=iss) == "iss"
    assert [url for url, _ in outside.asked if url.endswith("/token")] == []


async def test_provider_that_does_not_name_itself_may_leave_it_out_and_not_say_otherwise(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    del outside.document["authorization_response_iss_parameter_supported"]
    await world.federation.set(world.tenant.tenant_id)
    assert await why(world, iss="https://honest.example") == "iss"
    key = await begin(world)
    assert (await come_back(world, key, await go(world, key), iss="")).session


@pytest.mark.parametrize(("error", "told"), [("access_denied", "access_denied"), ("ann@acme.example said no", "error")])
async def test_refusal_of_the_provider_leads_back(world: SignInWorld, error: str, told: str) -> None:
    assert await why(world, error=error) == told
    assert await why(world, code="") == "code"


async def test_account_is_known_by_its_subject_and_never_again_by_its_address(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    bob = world.add_member("bob@acme.example", "owner")
    await sign_in(world)
    outside.claims = {"email": "bob@acme.example"}
    await sign_in(world)
    assert {each.member_id for each in world.memory.sessions.values()} == {world.ann.member_id}
    outside.claims = {"sub": "sub-other", "email": "ann@acme.example"}
    assert await why(world) == "unknown"
    outside.claims = {"email": None, "email_verified": None}
    await sign_in(world)
    outside.claims = {"sub": "sub-bob", "email": "BOB@acme.example"}
    await sign_in(world)
    assert {each.member_id for each in world.memory.sessions.values()} == {world.ann.member_id, bob.member_id}


async def test_invited_member_is_active_with_the_first_sign_in(world: SignInWorld) -> None:
    world.change(world.ann, activated_at=None)
    await sign_in(world)
    assert world.people.members[world.ann.member_id].state is MemberState.ACTIVE


async def test_address_that_only_looks_like_a_members_is_another_mailbox(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    await world.federation.set(
        world.tenant.tenant_id, domains=frozenset({"strasse.example"}), roles=frozenset({"viewer"})
    )
    world.add_member("jo@stra\u00dfe.example", "owner")
    outside.userinfo = {"sub": "sub-new"}
    for mine, said in (("eva@stra\u00dfe.example", "email"), ("jo@strasse.example", "unknown")):
        outside.claims = {"sub": "sub-new", "email": mine}
        assert await why(world) == said


async def test_account_that_was_linked_at_this_moment_is_known(world: SignInWorld) -> None:
    first, second = await begin(world), await begin(world)
    addresses = [await go(world, key) for key in (first, second)]
    find_linked, store = world.federation.store.find_linked, world.federation.store

    async def too_early(*_: str) -> None:
        store.find_linked = find_linked  # type: ignore[method-assign]

    await come_back(world, first, addresses[0])
    store.find_linked = too_early  # type: ignore[assignment]
    assert (await come_back(world, second, addresses[1])).session


@pytest.mark.parametrize("error", [["invalid_grant"], {}, 7, None])
async def test_error_that_is_no_word_is_one(world: SignInWorld, outside: ProviderTwin, error: object) -> None:
    outside.refusal = (400, {"error": error})
    assert await why(world) == "token"


async def test_disabled_member_stays_out_linked_or_not(world: SignInWorld) -> None:
    world.change(world.ann, disabled_at=world.now)
    assert await why(world) == "unknown"
    world.change(world.ann, disabled_at=None)
    await sign_in(world)
    world.change(world.ann, disabled_at=world.now)
    assert await why(world) == "member"


async def test_stranger_becomes_a_member_only_where_the_tenant_has_roles_for_him(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    outside.claims = {"sub": "sub-new", "email": "new@acme.example", "name": "New\x07 \u202ePerson"}
    assert await why(world) == "unknown"
    await world.federation.set(world.tenant.tenant_id, roles=frozenset({"viewer"}))
    await sign_in(world)
    made = next(each for each in world.people.members.values() if each.email == "new@acme.example")
    assert (made.roles, made.display_name, made.state) == (frozenset({"viewer"}), "New Person", MemberState.ACTIVE)
    assert world.kept_people.events[-1].action == "member.join"


async def test_address_comes_from_userinfo_where_the_token_has_none(world: SignInWorld, outside: ProviderTwin) -> None:
    outside.claims = {"email": None, "email_verified": None}
    outside.userinfo = {"sub": "sub-other", "email": "ann@acme.example", "email_verified": True}
    assert await why(world) == "userinfo"
    for address in ("ann@acme.example\n", "ann\u3164@acme.example"):
        outside.userinfo = {"sub": "sub-ann", "email": address}
        assert await why(world) == "email"
    outside.userinfo = {"sub": "sub-ann", "email": "ann@acme.example"}
    assert await why(world) == "email_verified"
    outside.userinfo |= {"email_verified": True}
    assert (await sign_in(world)).session


async def test_address_that_nobody_verified_counts_where_the_tenant_says_so(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    await world.federation.set(world.tenant.tenant_id, email_trusted=True)
    outside.claims = {"email_verified": False}
    assert await why(world) == "email_verified"
    outside.claims = {"email_verified": None}
    assert (await sign_in(world)).session


async def test_link_is_of_one_tenant(world: SignInWorld, outside: ProviderTwin) -> None:
    await sign_in(world)
    other = world.add_tenant("other")
    await world.federation.set(other.tenant_id)
    world.add_client("shop-o", tenant_id=other.tenant_id)
    key = await world.begin(client_id="shop-o")
    assert await reason_of(come_back(world, key, await go(world, key))) == "SIGN_IN_REFUSED"
    assert world.trail.events[-1].details == {"why": "unknown"}
    assert world.trail.events[-1].tenant_id == other.tenant_id
    cat = world.add_member("ann@acme.example", "viewer", tenant=other)
    await come_back(world, key, await go(world, key))
    assert [each.member_id for each in world.memory.sessions.values()] == [world.ann.member_id, cat.member_id]


async def test_nobody_signs_in_by_a_provider_that_was_removed_or_replaced_meanwhile(world: SignInWorld) -> None:
    await sign_in(world)
    key = await begin(world)
    address = await go(world, key)
    await world.federation.set(world.tenant.tenant_id, client_id="rampart-2")
    assert await reason_of(come_back(world, key, address)) == "SIGN_IN_REFUSED"
    assert world.trail.events[-1].details == {"why": "provider"}
    await world.federation.providers.remove(world.federation.caller(world.tenant.tenant_id, "owner"))
    assert await reason_of(go(world, await begin(world))) == "RESOURCE_NOT_FOUND"


async def test_tenant_may_be_typed_where_the_attempt_knows_none(world: SignInWorld) -> None:
    key, view = await world.server.sign_in.begin("", "", "", False)
    assert view.provider == ""
    assert await reason_of(go(world, key, "nobody")) == "RESOURCE_NOT_FOUND"
    assert (await come_back(world, key, await go(world, key, "acme"))).step is SignInStep.DONE
    _, view = await world.server.sign_in.begin("", "", "acme", False)
    assert view.provider == "Acme ID"


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("claims", [{"amr": ["pwd", "mfa"]}, {"amr": ["otp", "pwd"]}, {"acr": "2"}])
async def test_second_factor_of_the_provider_counts_if_the_tenant_trusts_it(
    world: SignInWorld, outside: ProviderTwin, claims: dict[str, Any], trusted: bool
) -> None:
    await world.federation.set(world.tenant.tenant_id, second_factor_trusted=trusted)
    world.people.has[world.ann.member_id] = frozenset({SecondFactor.TOTP})
    outside.claims = claims
    key = await begin(world)
    view = await come_back(world, key, await go(world, key))
    if not trusted:
        assert (view.step, view.session, world.people.noted) == (SignInStep.SECOND_FACTOR, "", [])
        view = await world.server.sign_in.factor(key, GivenFactor(SecondFactor.TOTP, TOTP), BROWSER)
    assert view.step is SignInStep.CONSENT
    [session] = world.memory.sessions.values()
    assert session.methods == ({"fed", "mfa"} if trusted else {"fed", "otp"})


@pytest.mark.parametrize(
    "claims", [{}, {"amr": ["pwd"]}, {"amr": ["pwd", "pin"]}, {"amr": "mfa"}, {"acr": "1"}, {"acr": 2}]
)
async def test_tenant_that_asks_for_a_second_factor_gets_one(
    world: SignInWorld, outside: ProviderTwin, claims: dict[str, Any]
) -> None:
    await world.federation.set(world.tenant.tenant_id, second_factor_trusted=True)
    world.people.required.add(world.tenant.tenant_id)
    outside.claims = claims
    assert (await sign_in(world)).step is SignInStep.ENROL
    outside.claims = {"amr": ["mfa"]}
    key = await begin(world)
    assert (await come_back(world, key, await go(world, key))).step is SignInStep.CONSENT
    assert (await world.server.sign_in.get(key)).step is SignInStep.CONSENT


async def test_proof_that_was_asked_for_anew_is_anew_at_the_provider(world: SignInWorld, outside: ProviderTwin) -> None:
    now = int(world.seconds())
    for changed, max_age in (({"prompt": "login"}, 0), ({"max_age": 600}, 600)):
        for ago, good in ((max_age + 50, True), (max_age + 70, False)):
            outside.claims = {"auth_time": now - ago}
            assert (await reason_of(sign_in(world, **changed)) if not good else await _again(world, changed)) == (
                "" if good else "SIGN_IN_REFUSED"
            )
        outside.claims = {"auth_time": None}
        assert await reason_of(sign_in(world, **changed)) == "SIGN_IN_REFUSED"


async def _again(world: SignInWorld, changed: dict[str, Any]) -> str:
    key = await begin(world, **changed)
    address = await go(world, key)
    asked = dict(parse_qsl(urlsplit(address).query))
    assert asked.get("max_age") == ("600" if "max_age" in changed else "0")
    assert asked.get("prompt") == ("login" if "prompt" in changed else None)
    assert (await come_back(world, key, address)).session
    return ""


@pytest.mark.parametrize(("ago", "counted"), [(3600, 3600), (0, 0), (-40, 0), (None, 0)])
async def test_session_says_when_the_person_was_there(
    world: SignInWorld, outside: ProviderTwin, ago: int | None, counted: int
) -> None:
    outside.claims = {"auth_time": None if ago is None else int(world.seconds()) - ago}
    view = await sign_in(world)
    [session] = world.memory.sessions.values()
    assert (session.used_at, session.authenticated_at) == (world.now, world.now - timedelta(seconds=counted))
    assert world.memory.events[-1].at == world.now
    opened = claims_of((await world.server.account.open(view.session)).token)
    assert opened["auth_time"] == int(session.authenticated_at.timestamp())


async def test_session_counts_although_the_member_was_signed_out_since_he_was_at_the_provider(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    world.change(world.ann, signed_out_at=world.now - timedelta(minutes=1))
    outside.claims = {"auth_time": int(world.seconds()) - 3600}
    view = await sign_in(world)
    assert (await world.server.account.open(view.session)).token


async def test_account_page_asks_for_a_proof_anew(world: SignInWorld) -> None:
    session = (await world.signed_in()).session
    key, _ = await world.server.sign_in.begin(session, "", "acme", True)
    assert dict(parse_qsl(urlsplit(await go(world, key)).query))["max_age"] == "0"


async def test_member_of_a_tenant_that_requires_the_provider_has_no_other_way(world: SignInWorld) -> None:
    world.add_member("bob@acme.example", "admin")
    cat = world.add_member("cat@elsewhere.example", "viewer")
    await world.federation.set(world.tenant.tenant_id, required=True)
    assert await reason_of(world.password(await begin(world), "bob@acme.example")) == "PROVIDER_REQUIRED"
    bob = next(each for each in world.people.members.values() if each.email == "bob@acme.example")
    key = await begin(world)
    await world.server.sign_in.begin_passkey(key)
    passkey = GivenFactor(SecondFactor.PASSKEY, bob.member_id)
    assert await reason_of(world.server.sign_in.factor(key, passkey, BROWSER)) == "PROVIDER_REQUIRED"
    assert world.memory.sessions == {}
    refused = [(each.action, each.target, each.reason) for each in world.trail.events]
    assert refused == [("sign_in.own", f"members/{bob.member_id}", "PROVIDER_REQUIRED")] * 2
    assert (await world.password(await begin(world))).session, "an owner keeps a way in"
    assert (await world.password(await begin(world), cat.email)).session, "another domain is not the provider's"


async def test_passkey_is_a_second_factor_beside_the_provider(world: SignInWorld, outside: ProviderTwin) -> None:
    world.change(world.ann, roles=frozenset({"viewer"}))
    await world.federation.set(world.tenant.tenant_id, required=True)
    world.people.has[world.ann.member_id] = frozenset({SecondFactor.PASSKEY})
    key = await begin(world)
    assert (await come_back(world, key, await go(world, key))).step is SignInStep.SECOND_FACTOR
    await world.server.sign_in.begin_passkey(key)
    view = await world.server.sign_in.factor(key, GivenFactor(SecondFactor.PASSKEY, world.ann.member_id), BROWSER)
    assert view.session


async def test_narrower_domains_keep_out_who_was_linked(world: SignInWorld) -> None:
    await sign_in(world)
    await world.federation.set(world.tenant.tenant_id, domains=frozenset({"other.example"}))
    assert await why(world) == "member"


@pytest.mark.parametrize("fault", ["timeout", "address", "malformed", "status"])
async def test_provider_that_does_not_answer_is_unavailable_and_said_to_be(
    world: SignInWorld, outside: ProviderTwin, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = await begin(world)
    address = await go(world, key)
    outside.fault = fault
    with pytest.raises(MeshError) as caught:
        await come_back(world, key, address)
    assert (caught.value.reason, caught.value.metadata) == (
        "DEPENDENCY_UNAVAILABLE",
        {"dependency": "identity_provider"},
    )
    assert fault not in caught.value.message
    world.wait(minutes=11)
    assert await reason_of(go(world, await begin(world))) == "DEPENDENCY_UNAVAILABLE"
    assert (await world.password(await begin(world), password=PASSWORD)).session


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ((401, {"error": "invalid_client"}), "token_invalid_client"),
        ((400, {"error": "x" * 999}), "token"),
        ((302, {}), "token"),
        ((200, {"access_token": "a"}), "tokens"),
        ((200, {"id_token": "a.b.c", "access_token": 1}), "tokens"),
        ((200, {"id_token": "a" * 20_000, "access_token": "a"}), "signature"),
    ],
)
async def test_token_endpoint_that_gives_no_tokens_signs_nobody_in(
    world: SignInWorld, outside: ProviderTwin, refusal: tuple[int, dict[str, Any]], reason: str
) -> None:
    outside.refusal = refusal
    assert await why(world) == reason


async def test_nothing_of_a_person_or_token_is_told(
    world: SignInWorld, outside: ProviderTwin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await sign_in(world)
    outside.claims = {"sub": "sub-other"}
    assert await why(world) == "unknown"
    outside.fault = "tls"
    assert await reason_of(sign_in(world)) == "DEPENDENCY_UNAVAILABLE"
    told = f"{caplog.text} {world.trail.events} {world.kept_people.events} {world.memory.events}"
    for secret in ("ann@acme.example", "sub-ann", "sub-other", outside.access_token, "by the provider"):
        assert secret not in told


async def test_answers_that_are_wrong_are_counted_where_they_come_from(
    world: SignInWorld, outside: ProviderTwin
) -> None:
    await sign_in(world)
    assert world.people.admitted == 0
    key = await begin(world)
    outside.fault = "timeout"
    assert await reason_of(come_back(world, key, await go(world, key))) == "DEPENDENCY_UNAVAILABLE"
    assert world.people.admitted == 0
    outside.fault = ""
    assert await why(world, code="guessed") == "token_invalid_grant"
    assert world.people.admitted == 1
    key = await begin(world)
    address = await go(world, key)
    asked, world.people.throttled = len(outside.asked), True
    assert await reason_of(come_back(world, key, address)) == "SIGN_IN_THROTTLED"
    assert len(outside.asked) == asked
    world.people.throttled = False
    assert (await come_back(world, key, address)).session


async def test_attempt_that_has_a_session_takes_no_answer(world: SignInWorld) -> None:
    key = await begin(world)
    address = await go(world, key)
    assert (await world.password(key)).step is SignInStep.CONSENT
    assert await reason_of(come_back(world, key, address)) == "INTERACTION_INVALID"
    assert await reason_of(go(world, key)) == "INTERACTION_INVALID"


@pytest.mark.parametrize("email", ["bob@acme.example", "nobody@acme.example", "ann@acme.example"])
async def test_wrong_password_is_answered_as_one_that_counts_for_nothing(world: SignInWorld, email: str) -> None:
    world.add_member("bob@acme.example", "admin")
    assert await reason_of(world.password(await begin(world), email, "wrong")) == "SIGN_IN_REFUSED"
    await world.federation.set(world.tenant.tenant_id, required=True)
    assert await reason_of(world.password(await begin(world), email, "wrong")) == "PROVIDER_REQUIRED"
    assert await reason_of(world.password(await begin(world), "cat@elsewhere.example", "wrong")) == "SIGN_IN_REFUSED"
    key, _ = await world.server.sign_in.begin("", "", "", False)
    nowhere = GivenPassword("nobody", email, "wrong")
    assert await reason_of(world.server.sign_in.password(key, nowhere, BROWSER)) == "SIGN_IN_REFUSED"
