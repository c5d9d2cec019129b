"""The test plans of the OpenID Foundation for the basic code flow and for refresh, rebuilt from their descriptions.

Each test has the name of the module that it is after. Modules about what is not offered (implicit and hybrid flows,
request objects, dynamic registration) ask for the refusal instead.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.auth.domain.authorization import RequestRefusal
from services.auth.domain.clients import GrantType
from services.auth.domain.sign_in import AttemptKey, SignInStep
from services.auth.domain.token_answers import GrantedTokens
from tests.support.signing_in import CALLBACK, VERIFIER, SignInWorld, challenge_of, claims_of, query_of, reason_of
from tests.support.tokens import ISSUER


async def test_oidcc_server(world: SignInWorld) -> None:
    view = await world.signed_in(scope="openid profile case:read", nonce="n-1")
    answer = query_of(view.redirect_uri)
    assert view.redirect_uri.startswith(f"{CALLBACK}&")
    assert (answer["state"], answer["iss"], answer["kept"]) == ("st", ISSUER, "1")
    granted = await world.redeem(answer["code"])
    assert granted.token_type == "Bearer"
    principal = await world.verifier.verify(granted.access.token)
    assert (principal.subject, principal.client_id) == (world.ann.member_id, "shop-1")
    assert (principal.tenant_id, principal.roles) == (world.tenant.tenant_id, frozenset({"owner"}))
    assert "case:read" in principal.scopes and "case:write" not in principal.scopes
    identity = claims_of(granted.identity_token)
    assert (identity["iss"], identity["aud"], identity["sub"]) == (ISSUER, "shop-1", world.ann.member_id)
    assert (identity["nonce"], identity["amr"], identity["acr"]) == ("n-1", ["pwd"], "1")
    assert identity["auth_time"] == int(world.now.timestamp())
    assert identity["sid"] == principal.session_id


async def test_oidcc_id_token_is_no_access_token(world: SignInWorld) -> None:
    granted = await world.redeem(await world.code(scope="openid case:read"))
    assert await reason_of(world.verifier.verify(granted.identity_token)) == "TOKEN_INVALID"


async def test_oidcc_without_the_scope_openid_there_is_no_id_token(world: SignInWorld) -> None:
    assert (await world.redeem(await world.code())).identity_token == ""


async def test_oidcc_idtoken_without_a_nonce_has_none(world: SignInWorld) -> None:
    granted = await world.redeem(await world.code(scope="openid case:read"))
    assert "nonce" not in claims_of(granted.identity_token)


async def test_oidcc_codereuse(world: SignInWorld) -> None:
    code = await world.code()
    granted = await world.redeem(code)
    assert await reason_of(world.redeem(code)) == "GRANT_INVALID"
    assert await reason_of(world.refresh(granted.refresh_token)) == "GRANT_INVALID"
    principal = await world.verifier.verify(granted.access.token)
    assert [each.name for each in world.memory.revocations] == [principal.session_id]


async def test_oidcc_codereuse_30seconds(world: SignInWorld) -> None:
    code = await world.code()
    granted = await world.redeem(code)
    world.wait(seconds=30)
    assert await reason_of(world.redeem(code)) == "GRANT_INVALID"
    assert await reason_of(world.refresh(granted.refresh_token)) == "GRANT_INVALID"


async def test_oidcc_code_used_twice_at_once_leaves_nothing(world: SignInWorld) -> None:
    code = await world.code()
    answers = await asyncio.gather(world.redeem(code), world.redeem(code), return_exceptions=True)
    [granted] = [each for each in answers if isinstance(each, GrantedTokens)]
    assert await reason_of(world.refresh(granted.refresh_token)) == "GRANT_INVALID"


async def test_oidcc_code_expires_after_a_minute(world: SignInWorld) -> None:
    code = await world.code()
    world.wait(seconds=60)
    assert await reason_of(world.redeem(code)) == "GRANT_INVALID"


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": ""},
        {"code_verifier": "w" * 43},
        {"code_verifier": challenge_of(VERIFIER)},
        {"redirect_uri": ""},
        {"redirect_uri": CALLBACK + "&"},
        {"redirect_uri": "https://shop.example/callback"},
        {"code": "rac_" + "x" * 43},
        {"code": ""},
    ],
)
async def test_oidcc_code_is_bound_to_verifier_and_redirect_uri(world: SignInWorld, wrong: dict[str, str]) -> None:
    code = await world.code()
    assert await reason_of(world.redeem(**{"code": code} | wrong)) == "GRANT_INVALID"
    assert (await world.redeem(code)).access.token


async def test_oidcc_code_of_another_client_is_refused(world: SignInWorld) -> None:
    world.add_client("shop-2")
    code = await world.code()
    assert await reason_of(world.redeem(code, "shop-2")) == "GRANT_INVALID"
    assert (await world.redeem(code)).access.token


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback?kept=1",
        "https://shop.example/callback",
        "https://shop.example/callback?kept=1&more=2",
        "https://shop.example/callback?kept=2",
        "https://shop.example/callback/?kept=1",
        "https://shop.example/CALLBACK?kept=1",
        "https://shop.example:443/callback?kept=1",
        "https://shop.example/callback?kept=1#f",
        "https://shop.example/x/../callback?kept=1",
        "http://shop.example/callback?kept=1",
        "",
    ],
)
async def test_oidcc_ensure_registered_redirect_uri_and_redirect_uri_query(world: SignInWorld, uri: str) -> None:
    refused = await world.start(redirect_uri=uri)
    assert refused == RequestRefusal("invalid_request", "redirect_uri is not one that is registered for the client")


@pytest.mark.parametrize("name", ["redirect_uri", "client_id"])
async def test_oidcc_parameter_on_which_all_depends_is_given_once(world: SignInWorld, name: str) -> None:
    assert isinstance(await world.start(refused=(name,)), RequestRefusal)


async def test_oidcc_unknown_client_is_told_to_the_person_alone(world: SignInWorld) -> None:
    assert await world.start(client_id="shop-9") == RequestRefusal("invalid_client", "there is no such client")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "=" * 43}, "invalid_request"),
        ({"scope": "case:read user:write"}, "invalid_scope"),
        ({"scope": "no:such"}, "invalid_scope"),
        ({"scope": "case:read  case:write"}, "invalid_scope"),
        ({"scope": 'case:"read'}, "invalid_scope"),
        ({"prompt": "select_account"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": -1}, "invalid_request"),
        ({"dpop_jkt": "x"}, "invalid_request"),
        ({"tenant": "nobody", "client_id": "rampart-cli", "redirect_uri": "http://127.0.0.1:9/callback", "scope": ""},
         "invalid_request"),
        ({"refused": ("request",)}, "request_not_supported"),
        ({"refused": ("request_uri",)}, "request_uri_not_supported"),
        ({"refused": ("registration",)}, "registration_not_supported"),
        ({"refused": ("nonce", "request")}, "request_not_supported"),
        ({"refused": ("nonce",)}, "invalid_request"),
    ],
)  # fmt: skip
async def test_oidcc_bad_request_is_told_to_the_client(world: SignInWorld, changed: dict[str, Any], error: str) -> None:
    told = query_of(await world.start(**changed))
    assert (told["error"], told["state"], told["iss"]) == (error, "st", ISSUER)
    assert told["error_description"]
    assert "code" not in told


async def test_oidcc_state_that_came_twice_is_not_returned(world: SignInWorld) -> None:
    assert "state" not in query_of(await world.start(refused=("state",)))


async def test_oidcc_client_without_the_grant_type_gets_no_code(world: SignInWorld) -> None:
    world.add_client("shop-1", grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}))
    assert query_of(await world.start())["error"] == "unauthorized_client"


async def test_oidcc_prompt_none_not_logged_in(world: SignInWorld) -> None:
    assert query_of(await world.start(prompt="none"))["error"] == "login_required"


async def test_oidcc_prompt_none_logged_in(world: SignInWorld) -> None:
    view = await world.signed_in()
    again = await world.start(view.session, prompt="none")
    granted = await world.redeem(query_of(again)["code"])
    assert (await world.verifier.verify(granted.access.token)).subject == world.ann.member_id


async def test_oidcc_prompt_none_without_consent(world: SignInWorld) -> None:
    view = await world.signed_in()
    more = await world.start(view.session, prompt="none", scope="case:read case:write")
    assert query_of(more)["error"] == "consent_required"


async def test_oidcc_prompt_login(world: SignInWorld) -> None:
    view = await world.signed_in(scope="openid")
    world.wait(seconds=100)
    key = await world.begin(view.session, prompt="login", scope="openid")
    assert (await world.server.sign_in.get(key)).step is SignInStep.IDENTIFY
    again = await world.password(key)
    granted = await world.redeem(query_of(again.redirect_uri)["code"])
    assert claims_of(granted.identity_token)["auth_time"] == int(world.now.timestamp())


async def test_oidcc_prompt_consent_asks_again(world: SignInWorld) -> None:
    view = await world.signed_in()
    key = await world.begin(view.session, prompt="consent")
    assert (await world.server.sign_in.get(key)).step is SignInStep.CONSENT


async def test_oidcc_max_age_1(world: SignInWorld) -> None:
    view = await world.signed_in()
    world.wait(seconds=2)
    assert isinstance(await world.start(view.session, max_age=1), AttemptKey)
    assert query_of(await world.start(view.session, max_age=1, prompt="none"))["error"] == "login_required"


async def test_oidcc_max_age_10000(world: SignInWorld) -> None:
    view = await world.signed_in()
    world.wait(seconds=2)
    assert "code" in query_of(await world.start(view.session, max_age=10000))


async def test_oidcc_login_hint_is_shown_and_proves_nothing(world: SignInWorld) -> None:
    key = await world.begin(login_hint="ann@acme.example")
    view = await world.server.sign_in.get(key)
    assert (view.step, view.email) == (SignInStep.IDENTIFY, "ann@acme.example")


async def test_oidcc_refused_consent(world: SignInWorld) -> None:
    key = await world.begin()
    await world.password(key)
    told = query_of((await world.server.sign_in.consent(key, False)).redirect_uri)
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "st", ISSUER)
    assert await reason_of(world.server.sign_in.consent(key, True)) == "INTERACTION_INVALID"


async def test_oidcc_refresh_token(world: SignInWorld) -> None:
    first = await world.redeem(await world.code(scope="openid case:read"))
    world.wait(seconds=60)
    second = await world.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    before, after = claims_of(first.identity_token), claims_of(second.identity_token)
    assert all(before[name] == after[name] for name in ("iss", "sub", "aud", "auth_time", "sid"))
    assert after["iat"] > before["iat"]
    assert (await world.refresh(second.refresh_token)).access.scope == first.access.scope


async def test_oidcc_refresh_token_rp_key_of_another_client_is_refused(world: SignInWorld) -> None:
    world.add_client("shop-2")
    granted = await world.redeem(await world.code())
    assert await reason_of(world.refresh(granted.refresh_token, "shop-2")) == "GRANT_INVALID"
    assert (await world.refresh(granted.refresh_token)).access.token
