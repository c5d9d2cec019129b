from __future__ import annotations

import pytest

from meshkit.errors import Kind, MeshError, unavailable
from tests.support.pages import Browser
from tests.support.sign_in_twin import SignInTwin
from tests.unit.gateway.product.identity.test_authorize import address


@pytest.fixture
def federated(twin: SignInTwin) -> SignInTwin:
    twin.provider = "Acme ID"
    return twin


async def leave(browser: Browser) -> str:
    """Goes to the provider, and returns the `state`."""
    await browser.get(address())
    fields = next(form.fields for form in browser.forms if form.action == "/sign-in")
    await browser.post("/sign-in/provider", fields | {"tenant": " acme"})
    return f"{fields['attempt']}.other-state"


async def test_way_to_the_provider_is_a_page_so_that_no_policy_forbids_it(
    browser: Browser, federated: SignInTwin
) -> None:
    state = await leave(browser)
    assert federated.asked("StartFederation").tenant == "acme"
    assert browser.reply.status == 200
    link = next(attributes["href"] for tag, attributes in browser.tags if tag == "a" and attributes.get("rel"))
    assert link == f"https://provider.example/authorize?state={state}"


async def test_answer_of_the_provider_signs_in(browser: Browser, federated: SignInTwin) -> None:
    state = await leave(browser)
    await browser.get(f"/sign-in/callback/acme?code=c&state={state}&iss=https%3A%2F%2Fprovider.example")
    asked = federated.asked("FinishFederation")
    assert (asked.code, asked.state, asked.iss) == ("c", state, "https://provider.example")
    assert asked.tenant == "acme"
    assert asked.client_address and asked.device == browser.cookies["__Host-device"]
    assert browser.place.startswith("/consent?attempt=")
    assert browser.cookies["__Host-session"] in federated.sessions


async def test_last_step_by_the_provider_leaves_by_a_page(browser: Browser, federated: SignInTwin) -> None:
    federated.first_party = True
    state = await leave(browser)
    reply = await browser.get(f"/sign-in/callback/acme?code=c&state={state}")
    assert reply.status == 200
    assert "https://shop.example/back?code=" in reply.body.decode()


@pytest.mark.parametrize("query", ["code=c&state={}1", "error=access_denied&state={}"])
async def test_answer_that_is_not_good_shows_the_first_page_again(
    browser: Browser, federated: SignInTwin, query: str
) -> None:
    state = await leave(browser)
    reply = await browser.get(f"/sign-in/callback/acme?{query.format(state)}")
    assert reply.status == 422
    assert "did not vouch for you" in browser.text
    assert federated.sessions == {}


async def test_answer_to_another_browser_is_nobodys(browser: Browser, federated: SignInTwin) -> None:
    state = await leave(browser)
    other = Browser(browser.gateway)
    for query in (f"code=c&state={state}", "code=c&state=other-state", f"code=c&attempt={state.partition('.')[0]}", ""):
        assert (await other.get(f"/sign-in/callback/acme?{query}")).status == 404
    assert federated.sessions == {}


async def test_each_of_several_tabs_takes_its_own_answer(browser: Browser, federated: SignInTwin) -> None:
    states = [await leave(browser) for _ in range(2)]
    assert (await browser.get("/sign-in/callback/acme?code=c&state=forged")).status == 404
    for state in states:
        await browser.get(f"/sign-in/callback/acme?code=c&state={state}")
        assert browser.place.startswith("/consent?attempt=")


async def test_organisation_without_a_provider_is_told(browser: Browser, twin: SignInTwin) -> None:
    await leave(browser)
    assert browser.reply.status == 422
    assert "has no sign-in of its own" in browser.text


async def test_provider_that_cannot_be_reached_is_told(browser: Browser, federated: SignInTwin) -> None:
    await browser.get(address())
    federated.error = unavailable("the provider")
    fields = next(form.fields for form in browser.forms if form.action == "/sign-in")
    await browser.post("/sign-in/provider", fields)
    assert "cannot be reached now" in browser.text


async def test_way_to_the_provider_is_there_before_the_organisation_is_known(
    browser: Browser, federated: SignInTwin
) -> None:
    await browser.get("/sign-in")
    assert "Sign in with your organisation's own sign-in" in browser.text
    fields = next(form.fields for form in browser.forms if form.action == "/sign-in")
    await browser.post("/sign-in/provider", fields | {"tenant": "acme"})
    assert federated.asked("StartFederation").tenant == "acme"


async def test_organisation_that_has_no_provider_shows_no_way_to_one(browser: Browser) -> None:
    await browser.get("/sign-in?tenant=acme")
    assert "organisation's own sign-in" not in browser.text


async def test_who_has_to_use_the_provider_is_told(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/sign-in")
    twin.refuse["SubmitPassword"] = MeshError(Kind.PERMISSION_DENIED, "PROVIDER_REQUIRED", "by its own provider alone")
    await browser.submit("/sign-in", tenant="acme", email="ada@acme.example", password="four words of hers")
    assert browser.reply.status == 422
    assert "wants you to use its own sign-in" in browser.text
    assert "Sign in with your organisation's own sign-in" in browser.text
