from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.pages import Browser
from tests.support.sign_in_twin import PASSWORD, REDIRECT, Person, SignInTwin

GOOD = {
    "client_id": "shop", "redirect_uri": REDIRECT, "response_type": "code", "scope": "openid decision:read",
    "state": "s&=%", "code_challenge": "c" * 43, "code_challenge_method": "S256",
}  # fmt: skip


def address(**changed: str) -> str:
    return f"/oauth/authorize?{urlencode({name: value for name, value in (GOOD | changed).items() if value})}"


def answered(location: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}


async def test_parameters_reach_the_service_as_they_came(browser: Browser, twin: SignInTwin) -> None:
    more = {
        "nonce": "n", "prompt": "login", "login_hint": "ada@acme.example", "max_age": "60", "tenant": "acme",
        "dpop_jkt": "t" * 43, "response_mode": "query",
    }  # fmt: skip
    await browser.get(address(**more))
    asked = twin.asked("StartAuthorization")
    for name, value in (GOOD | more).items():
        assert (asked.max_age.seconds if name == "max_age" else getattr(asked, name)) == (
            60 if name == "max_age" else value
        )
    assert asked.session == "" and not asked.refused_parameters


async def test_person_signs_in_consents_and_comes_back_with_a_code(browser: Browser, twin: SignInTwin) -> None:
    await browser.get(address())
    assert browser.place.startswith("/sign-in?attempt=")
    await browser.submit("/sign-in", tenant="acme", email="ada@acme.example", password=PASSWORD)
    assert "Shop asks for access" in browser.text and "See decisions" in browser.text
    assert "You then go on to shop.example ." in browser.text
    reply = await browser.submit("/consent", answer="allow")
    assert reply.status == 303
    assert reply.headers["location"].startswith(f"{REDIRECT}?")
    found = answered(reply.headers["location"])
    assert found["code"].startswith("rac_")
    assert (found["state"], found["iss"]) == (GOOD["state"], "https://issuer.example")


async def test_browser_with_a_session_goes_straight_back(browser: Browser, twin: SignInTwin) -> None:
    twin.sessions["rss_known"], twin.first_party = twin.people[0], True
    browser.cookies["__Host-session"] = "rss_known"
    reply = await browser.get(address())
    assert (reply.status, twin.asked("StartAuthorization").session) == (303, "rss_known")
    assert "code" in answered(reply.headers["location"])


async def test_what_the_client_gets_is_not_rewritten_on_the_way(browser: Browser, twin: SignInTwin) -> None:
    twin.redirect_uri, twin.first_party = "https://shop.example/a%2Fb/(x)'~?q=%7B", True
    twin.sessions["rss_known"] = twin.people[0]
    browser.cookies["__Host-session"] = "rss_known"
    reply = await browser.get(address(redirect_uri=twin.redirect_uri))
    assert reply.headers["location"].startswith(f"{twin.redirect_uri}?code=")


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("&scope=other", ["scope"]),
        ("&client_id=shop", ["client_id"]),
        ("&request=x", ["request"]),
        ("&request_uri=x&registration=y", ["registration", "request_uri"]),
        ("&max_age=soon", ["max_age"]),
        ("&max_age=-1", ["max_age"]),
        ("&max_age=9999999999", ["max_age"]),
        ("&unknown=1&unknown=2", ["unknown"]),
        ("&claims=x&ui_locales=de", []),
        ("&scope=&request=", []),
    ],
)
async def test_doubled_and_unsupported_parameters_are_named_to_the_service(
    browser: Browser, twin: SignInTwin, query: str, refused: list[str]
) -> None:
    await browser.get(address() + query, follow=False)
    asked = twin.asked("StartAuthorization")
    assert sorted(asked.refused_parameters) == refused
    assert all(getattr(asked, name, "") in ("", 0) for name in refused if name in GOOD)


async def test_refusal_that_the_client_may_hear_goes_to_the_client(browser: Browser) -> None:
    reply = await browser.get(address() + "&scope=other")
    assert reply.status == 303
    assert answered(reply.headers["location"])["error"] == "invalid_request"


@pytest.mark.parametrize("changed", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/"}])
async def test_refusal_without_a_client_is_shown_to_the_person_alone(browser: Browser, changed: dict[str, str]) -> None:
    reply = await browser.get(address(**changed))
    assert reply.status == 400
    assert "location" not in reply.headers
    assert "invalid_request" in browser.text and reply.headers["x-request-id"] in browser.text
    assert "evil.example" not in reply.body.decode()


async def test_form_of_a_client_is_the_same_request_with_the_session(browser: Browser, twin: SignInTwin) -> None:
    twin.sessions["rss_known"] = Person("ada@acme.example")
    cross = {"sec-fetch-site": "cross-site", "origin": "https://shop.example"}
    reply = await browser.post("/oauth/authorize", GOOD, headers=cross, follow=False)
    assert reply.status == 303
    browser.cookies["__Host-session"] = "rss_known"
    await browser.get(reply.headers["location"])
    asked = twin.asked("StartAuthorization")
    assert (asked.state, asked.session) == (GOOD["state"], "rss_known")


async def test_form_of_a_client_with_a_query_is_refused(browser: Browser, twin: SignInTwin) -> None:
    reply = await browser.post("/oauth/authorize?client_id=shop", GOOD)
    assert reply.status == 400
    assert twin.calls == []


@pytest.mark.parametrize("query", ["?client_id=%zz", "?client_id=%ff", "?" + "&".join(f"a{i}=1" for i in range(50))])
async def test_query_that_is_none_is_a_page_and_no_call(browser: Browser, twin: SignInTwin, query: str) -> None:
    reply = await browser.get("/oauth/authorize" + query)
    assert reply.status == 400
    assert "cannot be understood" in browser.text
    assert twin.calls == []


async def test_prompt_login_asks_again_although_there_is_a_session(browser: Browser, twin: SignInTwin) -> None:
    twin.sessions["rss_known"] = twin.people[0]
    browser.cookies["__Host-session"] = "rss_known"
    await browser.get(address(prompt="login", login_hint="ada@acme.example", tenant="acme"))
    assert browser.element("email")["value"] == "ada@acme.example"
    assert "autofocus" in browser.element("password")
    assert not any(attributes.get("id") == "tenant" for _, attributes in browser.tags)
