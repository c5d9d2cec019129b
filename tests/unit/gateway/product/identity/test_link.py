from __future__ import annotations

import pytest
from rampart.auth.v1.sign_in_service_pb2 import LINK_KIND_INVITATION, LINK_KIND_RESET

from tests.support.pages import Browser
from tests.support.sign_in_twin import SignInTwin

LINK = "rln_0123456789abcdef"
NEW = "another four words"


@pytest.fixture(autouse=True)
def sent(twin: SignInTwin) -> None:
    twin.links[LINK] = (LINK_KIND_INVITATION, twin.people[0])


async def test_secret_of_a_link_leaves_the_address_at_once(browser: Browser, twin: SignInTwin) -> None:
    reply = await browser.get(f"/link/{LINK}", follow=False)
    assert (reply.status, reply.headers["location"], reply.headers["referrer-policy"]) == (303, "/link", "no-referrer")
    assert twin.calls == [], "a program that looks at the link uses nothing up"
    await browser.get("/link")
    assert LINK not in browser.reply.body.decode()
    assert browser.gateway.access_lines()[-2]["route"] == "/link/{secret}"
    assert LINK not in str(browser.gateway.access_lines())


async def test_link_sets_the_password_and_goes_on_to_sign_in(browser: Browser, twin: SignInTwin) -> None:
    await browser.get(f"/link/{LINK}")
    assert "You have been invited" in browser.text and "ada@acme.example" in browser.text
    assert [attributes["name"] for _, attributes in browser.tags if "autofocus" in attributes] == ["password"]
    await browser.submit("/link", password=NEW, repeated=NEW)
    assert twin.people[0].password == NEW
    assert twin.asked("UseLink").client_address == "192.0.2.1"
    assert "__Host-link" not in browser.cookies
    assert "Your password is set." in browser.text
    await browser.submit("/sign-in", email="ada@acme.example", password=NEW)
    assert browser.place == "/account"


async def test_page_says_what_the_link_is_for(browser: Browser, twin: SignInTwin) -> None:
    twin.links[LINK] = (LINK_KIND_RESET, twin.people[0])
    await browser.get(f"/link/{LINK}")
    assert "Set a new password" in browser.text and "8 to 256 characters" in browser.text
    assert browser.element("password")["autocomplete"] == "new-password"


@pytest.mark.parametrize(
    ("password", "repeated", "words"),
    [("short", "short", "The password has fewer than 8 characters."), (NEW, NEW + "x", "are not the same")],
)
async def test_password_that_will_not_do_is_told_and_uses_nothing_up(
    browser: Browser, twin: SignInTwin, password: str, repeated: str, words: str
) -> None:
    await browser.get(f"/link/{LINK}")
    reply = await browser.submit("/link", password=password, repeated=repeated)
    assert reply.status == 422
    assert words in browser.text
    assert LINK in twin.links
    await browser.submit("/link", password=NEW, repeated=NEW)
    assert twin.people[0].password == NEW


@pytest.mark.parametrize(
    "path", ["/link", "/link/rln_unknown-unknown", "/link/x", "/link/%3Cscript%3E", "/link/a%0d%0ab"]
)
async def test_link_that_is_none_is_told(browser: Browser, path: str) -> None:
    reply = await browser.get(path)
    assert reply.status == 404
    assert "This link cannot be used" in browser.text
