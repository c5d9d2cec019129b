from __future__ import annotations

import re

import pytest

from meshkit.errors import Kind, MeshError
from tests.support.pages import Browser
from tests.support.sign_in_twin import PASSWORD, Person, SignInTwin, totp

NEW = "another four words"


@pytest.fixture
async def ada(browser: Browser, twin: SignInTwin) -> Person:
    """Somebody who has signed in and looks at the account page."""
    twin.sessions["rss_ada"] = twin.people[0]
    browser.cookies["__Host-session"] = "rss_ada"
    await browser.get("/account")
    assert "Your account" in browser.text
    return twin.people[0]


async def test_who_is_not_signed_in_is_sent_to_sign_in(browser: Browser) -> None:
    await browser.get("/account")
    assert browser.place.startswith("/sign-in?attempt=")


async def test_session_that_is_over_is_forgotten(browser: Browser) -> None:
    browser.cookies["__Host-session"] = "rss_over"
    await browser.get("/account")
    assert browser.place.startswith("/sign-in?attempt=")
    assert "__Host-session" not in browser.cookies


async def test_page_shows_the_account_of_the_session(browser: Browser, ada: Person) -> None:
    assert "ada@acme.example" in browser.text and "analyst" in browser.text
    assert "Tenant acme" in browser.text


async def test_new_password_ends_the_session_and_asks_for_itself(
    browser: Browser, ada: Person, twin: SignInTwin
) -> None:
    await browser.submit("/account/password", old=PASSWORD, password=NEW, repeated=NEW)
    assert ada.password == NEW
    assert "__Host-session" not in browser.cookies
    assert "Your password is set." in browser.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"old": "no", "password": NEW, "repeated": NEW}, "That is not right."),
        ({"old": PASSWORD, "password": "short", "repeated": "short"}, "fewer than 8 characters."),
        ({"old": PASSWORD, "password": NEW, "repeated": "x"}, "are not the same."),
    ],
)
async def test_password_that_will_not_do_is_told_where_it_was_typed(
    browser: Browser, ada: Person, typed: dict[str, str], words: str
) -> None:
    reply = await browser.submit("/account/password", typed)
    assert reply.status == 422
    assert words in browser.text
    assert ("details", {"open": None}) in browser.tags
    assert ada.password == PASSWORD


async def test_authenticator_app_is_turned_on_by_a_code_of_the_secret_that_is_shown(
    browser: Browser, ada: Person
) -> None:
    reply = await browser.submit("/account/totp")
    assert ada.new_secret in browser.text.replace(" ", "")
    assert "svg" in [tag for tag, _ in browser.tags]
    assert "style" not in reply.body.decode().partition("<svg")[2]
    secret = ada.new_secret
    assert (await browser.submit("/account/totp/confirm", code="1")).status == 422
    assert secret in browser.text.replace(" ", ""), "the same secret is shown again"
    code = totp(secret)
    await browser.submit("/account/totp/confirm", code=f"{code[:3]} {code[3:]}")
    assert ada.totp_secret == secret
    assert browser.place == "/account?done=totp-on" and "The authenticator app is on." in browser.text
    await browser.submit("/account/totp/remove")
    assert ada.totp_secret == ""


@pytest.mark.parametrize("given", [{"secret": "<b>x"}, {"uri": "javascript:alert(1)"}, {"uri": "otpauth://totp/a b"}])
async def test_secret_that_a_form_brings_back_is_shown_only_if_it_is_one(
    browser: Browser, ada: Person, given: dict[str, str]
) -> None:
    await browser.submit("/account/totp")
    reply = await browser.submit("/account/totp/confirm", given, code="1")
    assert reply.status == 422
    assert "Your account" in browser.text
    assert next(iter(given.values())) not in reply.body.decode()


async def test_recovery_codes_are_shown_once(browser: Browser, ada: Person) -> None:
    await browser.submit("/account/recovery-codes")
    assert len(ada.recovery_codes) == 10
    assert all(code in browser.text for code in ada.recovery_codes)
    await browser.get("/account")
    assert not any(code in browser.text for code in ada.recovery_codes)
    assert "10 of them are left." in browser.text


async def test_passkey_is_renamed_and_removed(browser: Browser, ada: Person) -> None:
    ada.passkeys["key-1"] = "Laptop"
    await browser.get("/account")
    await browser.submit("/account/passkeys/rename", name="Old laptop")
    assert ada.passkeys == {"key-1": "Old laptop"}
    fields = next(form.fields for form in browser.forms if form.action == "/account/passkeys/rename")
    await browser.post("/account/passkeys/remove", fields)
    assert ada.passkeys == {}
    assert "The passkey is removed." in browser.text


async def test_passkey_that_is_refused_is_told(browser: Browser, ada: Person) -> None:
    given = '{"id": "x", "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiAiIn0"}}'
    reply = await browser.submit("/account/passkeys", passkey=given, state="another", name="Key")
    assert reply.status == 422
    assert "That is not right." in browser.text


@pytest.mark.parametrize("action", ["password", "totp", "totp/remove", "recovery-codes", "passkeys/remove"])
async def test_old_proof_is_asked_for_again_before_anything_is_changed(
    browser: Browser, ada: Person, twin: SignInTwin, action: str
) -> None:
    twin.again = True
    fields = browser.forms[0].fields | {"old": PASSWORD, "password": NEW, "repeated": NEW}
    await browser.post(f"/account/{action}", fields)
    assert twin.asked("StartSignIn").again
    assert browser.place.startswith("/sign-in?attempt=") and "show once more that it is you" in browser.text
    assert (ada.password, ada.totp_secret, ada.recovery_codes) == (PASSWORD, "", [])


async def test_script_is_told_where_to_show_again_who_one_is(browser: Browser, ada: Person, twin: SignInTwin) -> None:
    twin.again = True
    fields = next(form.fields for form in browser.forms if form.action == "/account/passkeys")
    reply = await browser.post("/account/passkeys/options", fields)
    assert re.fullmatch(r"/sign-in\?attempt=[\w-]+&notice=again", reply.json["location"])
    await browser.get(reply.json["location"])
    assert "show once more that it is you" in browser.text


async def test_program_that_acts_for_a_person_is_shown_and_ended(browser: Browser, ada: Person) -> None:
    ada.programs["grant-1"] = "Command line"
    await browser.get("/account")
    assert "Command line" in browser.text and "decision:read" in browser.text
    fields = next(form.fields for form in browser.forms if form.fields.get("id") == "grant-1")
    await browser.post("/account/sessions/end", fields)
    assert ada.programs == {}
    assert "It is ended" in browser.text


async def test_what_was_allowed_is_shown_and_taken_back(browser: Browser, ada: Person) -> None:
    assert "You have allowed none." in browser.text
    ada.consents["client-1"], ada.consents["client-2"] = "The <Shop>", "The other"
    await browser.get("/account")
    assert "The <Shop>" in browser.text and "allowed since 2026-11-21" in browser.text
    fields = next(form.fields for form in browser.forms if form.fields.get("client") == "client-1")
    await browser.post("/account/consents/withdraw", fields)
    assert list(ada.consents) == ["client-2"]
    assert "It is taken back." in browser.text
    reply = await browser.post("/account/consents/withdraw", fields)
    assert (reply.status, "There is no such consent." in browser.text) == (422, True)


async def test_sign_out_ends_this_session_alone(browser: Browser, ada: Person, twin: SignInTwin) -> None:
    twin.sessions["rss_other"] = ada
    await browser.submit("/account/sign-out")
    assert list(twin.sessions) == ["rss_other"]
    assert "__Host-session" not in browser.cookies
    assert "You are signed out." in browser.text


async def test_sign_out_everywhere_ends_all_sessions(browser: Browser, ada: Person, twin: SignInTwin) -> None:
    twin.sessions["rss_other"] = ada
    await browser.submit("/account/sign-out", everywhere="yes")
    assert twin.sessions == {}


async def test_too_many_wrong_passwords_are_told_when_to_come_again(
    browser: Browser, ada: Person, twin: SignInTwin
) -> None:
    form = next(form.fields for form in browser.forms if form.action == "/account/password")
    refused = MeshError(Kind.RESOURCE_EXHAUSTED, "SIGN_IN_THROTTLED", "too many", retry_after=7)
    twin.refuse["ChangePassword"] = refused
    reply = await browser.post("/account/password", form | {"old": "x", "password": NEW, "repeated": NEW})
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    assert "Try again in 7 seconds." in browser.text
