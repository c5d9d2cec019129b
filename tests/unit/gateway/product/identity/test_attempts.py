from __future__ import annotations

import json
import math

import pytest

from gateway.edge.ratelimit import LimitSettings
from meshkit.errors import Kind, MeshError, unavailable
from tests.support.gateway import Gateway
from tests.support.pages import Browser
from tests.support.sign_in_twin import PASSWORD, Person, SignInTwin, totp
from tests.unit.gateway.product.identity.test_authorize import address

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TYPED = {"tenant": "acme", "email": "ada@acme.example", "password": PASSWORD}


@pytest.fixture
def careful(twin: SignInTwin) -> Person:
    """Somebody with a second factor."""
    twin.people = [Person("ada@acme.example", totp_secret=SECRET, recovery_codes=["abcd-1234"])]
    return twin.people[0]


async def test_password_opens_the_account(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/sign-in?tenant=acme")
    assert twin.asked("StartSignIn").tenant == "acme"
    await browser.submit("/sign-in", email=" ada@acme.example ", password=PASSWORD)
    assert (browser.place, len(twin.sessions)) == ("/account", 1)
    assert browser.cookies["__Host-session"] in twin.sessions
    assert not any(name.startswith("__Host-attempt-") for name in browser.cookies)
    asked = twin.asked("SubmitPassword")
    assert (asked.client_address, asked.email) == ("192.0.2.1", "ada@acme.example")


@pytest.mark.parametrize("wrong", [{"password": "no"}, {"email": "no@acme.example"}, {"tenant": "no"}, {"email": ""}])
async def test_wrong_password_tenant_and_address_look_the_same(
    browser: Browser, twin: SignInTwin, wrong: dict[str, str]
) -> None:
    await browser.get("/sign-in")
    reply = await browser.submit("/sign-in", TYPED | wrong)
    assert reply.status == 422
    assert "That does not match. Check what you have typed." in browser.text
    assert browser.element("alert")["role"] == "alert"
    assert "alert" in str(browser.element("password")["aria-describedby"]).split()
    assert browser.element("password")["aria-invalid"] == "true"
    assert "value" not in browser.element("password")
    assert PASSWORD not in reply.body.decode()
    assert (twin.sessions, "__Host-session" in browser.cookies) == ({}, False)


async def test_what_was_typed_right_need_not_be_typed_again(browser: Browser) -> None:
    await browser.get("/sign-in")
    await browser.submit("/sign-in", TYPED | {"password": "no"})
    assert browser.element("email")["value"] == "ada@acme.example"
    assert browser.element("tenant")["value"] == "acme"
    assert [attributes["id"] for _, attributes in browser.tags if "autofocus" in attributes] == ["password"]
    await browser.submit("/sign-in", TYPED)
    assert browser.place == "/account"


async def test_too_many_attempts_are_told_when_to_come_again(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/sign-in")
    twin.error = MeshError(Kind.RESOURCE_EXHAUSTED, "SIGN_IN_THROTTLED", "too many", retry_after=89.5)
    reply = await browser.submit("/sign-in", TYPED)
    assert (reply.status, reply.headers["retry-after"]) == (429, str(math.ceil(89.5)))
    assert "Try again in 2 minutes." in browser.text


async def test_second_factor_is_asked_for_before_there_is_a_session(browser: Browser, careful: Person) -> None:
    await browser.get("/sign-in")
    await browser.submit("/sign-in", TYPED)
    assert browser.place.startswith("/sign-in/factor?attempt=")
    assert "__Host-session" not in browser.cookies
    assert browser.element("totp_code")["autocomplete"] == "one-time-code"
    code = totp(SECRET)
    await browser.submit("/sign-in/factor", totp_code=f" {code[:3]} {code[3:]} ")
    assert browser.place == "/account"


async def test_wrong_code_is_told_and_may_be_tried_again(browser: Browser, careful: Person) -> None:
    await browser.get("/sign-in")
    await browser.submit("/sign-in", TYPED)
    reply = await browser.submit("/sign-in/factor", totp_code="000000")
    assert reply.status == 422
    assert "alert" in str(browser.element("totp_code")["aria-describedby"]).split()
    await browser.submit("/sign-in/factor", totp_code=totp(SECRET))
    assert browser.place == "/account"


async def test_recovery_code_is_a_second_factor(browser: Browser, careful: Person) -> None:
    await browser.get("/sign-in")
    await browser.submit("/sign-in", TYPED)
    form = next(form for form in browser.forms if "recovery_code" in form.fields)
    await browser.post("/sign-in/factor", form.fields | {"recovery_code": " abcd-1234"})
    assert browser.place == "/account"


async def test_script_gets_what_a_passkey_needs(browser: Browser, twin: SignInTwin) -> None:
    twin.people[0].passkey = True
    await browser.get("/sign-in")
    form = next(form for form in browser.forms if "passkey" in form.fields)
    reply = await browser.post("/sign-in/passkey", form.fields)
    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.json["options"])["rpId"] == "localhost"
    assert reply.headers["cache-control"] == "no-store"


async def test_answer_of_a_passkey_is_handed_on_as_it_is(browser: Browser, twin: SignInTwin) -> None:
    twin.people[0].passkey = True
    await browser.get("/sign-in")
    form = next(form for form in browser.forms if "passkey" in form.fields)
    given = '{"response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiAiIn0"}, "a b": " "}'
    reply = await browser.post(form.action, form.fields | {"passkey": given})
    assert reply.status == 422
    assert twin.asked("SubmitFactor").passkey == given


async def test_second_factor_that_is_asked_for_is_set_up_on_the_way(browser: Browser, twin: SignInTwin) -> None:
    twin.needs_second = True
    await browser.get(address())
    await browser.submit("/sign-in", TYPED)
    assert "A second factor is needed" in browser.text
    page = next(str(attributes["href"]) for _, attributes in browser.tags if attributes.get("class") == "button")
    await browser.get(page)
    await browser.submit("/account/totp")
    await browser.submit("/account/totp/confirm", code=totp(twin.people[0].new_secret))
    assert "Shop asks for access" in browser.text
    assert "code=" in (await browser.submit("/consent", answer="allow")).headers["location"]


async def test_browser_is_known_again(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/sign-in")
    await browser.submit("/sign-in", TYPED | {"password": "no"})
    device = twin.asked("SubmitPassword").device
    assert len(device) == 43
    await browser.submit("/sign-in", TYPED)
    assert twin.asked("SubmitPassword").device == device == browser.cookies["__Host-device"]
    assert any("__Host-device" in line and "Max-Age=34560000" in line for line in browser.reply_cookies)


@pytest.mark.parametrize("answer", ["refuse", "", "yes", "allow "])
async def test_anything_but_yes_is_no(browser: Browser, twin: SignInTwin, answer: str) -> None:
    await browser.get(address())
    await browser.submit("/sign-in", TYPED)
    reply = await browser.submit("/consent", answer=answer)
    assert "error=access_denied" in reply.headers["location"]
    assert not twin.asked("SubmitConsent").allowed


async def test_without_a_word_about_where_a_form_leads_a_page_leads_there(browser: Browser, twin: SignInTwin) -> None:
    twin.tells_where = False
    await browser.get(address())
    assert "shop.example" not in browser.reply.headers["content-security-policy"]
    await browser.submit("/sign-in", TYPED)
    reply = await browser.submit("/consent", answer="allow")
    assert reply.status == 200
    link = next(attributes["href"] for tag, attributes in browser.tags if tag == "a" and attributes.get("rel"))
    assert str(link).startswith("https://shop.example/back?code=")
    refresh = next(attributes for _, attributes in browser.tags if attributes.get("http-equiv") == "refresh")
    assert refresh["content"] == f"0; url={link}"


async def test_attempt_of_another_browser_is_no_attempt(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/sign-in")
    place = browser.place
    other = Browser(browser.gateway)
    reply = await other.get(place)
    assert reply.status == 404
    assert "This sign-in is over" in other.text
    name = f"__Host-attempt-{place.partition('=')[2]}"
    other.cookies[name] = "another-secret"
    assert (await other.get(place)).status == 404


@pytest.mark.parametrize("attempt", ["unknown", "a;b", "%0d%0a", "x" * 200, ".."])
async def test_name_that_is_none_is_an_attempt_that_is_over(browser: Browser, twin: SignInTwin, attempt: str) -> None:
    assert (await browser.get(f"/sign-in/factor?attempt={attempt}")).status == 404
    assert twin.calls == []


async def test_two_tabs_sign_in_beside_each_other(browser: Browser, twin: SignInTwin) -> None:
    await browser.get(address(state="first"))
    first = browser.reply
    await browser.get(address(state="second"))
    browser.reply = first
    await browser.submit("/sign-in", TYPED)
    reply = await browser.submit("/consent", answer="allow")
    assert "state=first" in reply.headers["location"]


async def test_browser_keeps_but_the_latest_attempts(browser: Browser) -> None:
    places = []
    for _ in range(12):
        await browser.get("/sign-in")
        places.append(browser.place.partition("=")[2])
    kept = [name.removeprefix("__Host-attempt-") for name in browser.cookies if name.startswith("__Host-attempt-")]
    assert kept == places[-8:]


async def test_failure_of_the_service_is_a_page_with_the_request_id(browser: Browser, twin: SignInTwin) -> None:
    twin.error = unavailable("auth")
    reply = await browser.get("/sign-in")
    assert reply.status == 503
    assert "does not work at the moment" in browser.text
    assert reply.headers["x-request-id"] in browser.text


async def test_pages_are_within_the_limits_of_an_address(twin: SignInTwin) -> None:
    browser = Browser(Gateway(upstream=twin, limits=LimitSettings(address_rate=1)))
    replies = [(await browser.get("/sign-in?attempt=x")).status for _ in range(3)]
    assert replies[-1] == 429
    assert "Too many requests" in browser.text and "retry-after" in browser.reply.headers


async def test_notice_is_one_of_ours(browser: Browser) -> None:
    await browser.get("/sign-in")
    place = browser.place
    await browser.get(f"{place}&notice=out")
    assert "You are signed out." in browser.text
    await browser.get(f"{place}&notice=call+this+number")
    assert "number" not in browser.text


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("application/json", "{}", 415), ("text/plain", "a=b", 415), ("", "form=x" + "y" * 40_000, 413)],
)
async def test_body_that_is_no_form_or_too_long_is_refused(
    browser: Browser, twin: SignInTwin, kind: str, body: str, status: int
) -> None:
    headers = {"content-type": kind or "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    reply = await browser.gateway.request("POST", "/sign-in", body, headers=headers, token=None)
    assert reply.status == status
    assert twin.calls == []
