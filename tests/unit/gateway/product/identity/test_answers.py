from __future__ import annotations

from urllib.parse import urlencode

import pytest

from gateway.product.identity.answers import leads_there
from tests.support.pages import Browser
from tests.support.sign_in_twin import PASSWORD, Person, SignInTwin

PAGES = (
    "/sign-in",
    "/device",
    "/account",
    "/link",
    "/consent?attempt=none",
    "/oauth/authorize",
    "/sign-in/callback/acme",
)
STRICT = {
    "default-src": ["'none'"], "style-src": ["'self'"], "img-src": ["'self'"], "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"], "form-action": ["'self'"],
}  # fmt: skip
WITH_SCRIPT = {"script-src": ["'self'"], "connect-src": ["'self'"]}


def policy(header: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (part.split() for part in header.split(";"))}


@pytest.mark.parametrize("path", PAGES)
async def test_page_is_kept_by_nobody_framed_by_nobody_and_loads_nothing_of_others(browser: Browser, path: str) -> None:
    reply = await browser.get(path)
    found = policy(reply.headers["content-security-policy"])
    assert found in (STRICT, STRICT | WITH_SCRIPT)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert not any(attributes.get("style") for _, attributes in browser.tags)
    assert [attributes.get("src") for tag, attributes in browser.tags if tag == "script"] in (
        [],
        ["/sign-in/passkeys.js"],
    )
    assert ("html", {"lang": "en"}) in browser.tags


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://shop.example/back?x=1", "https://shop.example"),
        ("http://127.0.0.1:1234/back", "http://127.0.0.1:1234"),
        ("http://[::1]:1234/back", "http://[::1]:1234"),
        ("com.example.app:/back", "com.example.app:"),
        ("https://shop.example; script-src *", None),
        ("https://user@evil.example/", None),
        ("https://*/", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//evil.example", None),
        ("", None),
    ],
)
async def test_form_may_lead_to_where_the_client_is_and_nowhere_else(
    browser: Browser, twin: SignInTwin, address: str, target: str | None
) -> None:
    twin.redirect_uri = address
    await start(browser, address)
    found = policy(browser.reply.headers["content-security-policy"])
    assert found["form-action"] == ["'self'", *([target] if target else [])]
    assert found["script-src"] == ["'self'"]


async def start(browser: Browser, address: str) -> None:
    query = {"client_id": "shop", "redirect_uri": address, "code_challenge_method": "S256"}
    await browser.get(f"/oauth/authorize?{urlencode(query)}")


async def test_page_on_the_way_never_leads_to_what_is_no_address(browser: Browser, twin: SignInTwin) -> None:
    twin.tells_where, twin.redirect_uri = False, "javascript:alert(1)"
    await start(browser, twin.redirect_uri)
    await browser.submit("/sign-in", tenant="acme", email="ada@acme.example", password=PASSWORD)
    reply = await browser.submit("/consent", answer="allow")
    assert reply.status == 500
    assert b"javascript:" not in reply.body


@pytest.mark.parametrize(
    ("address", "allowed", "followed"),
    [
        ("https://shop.example/back?code=1", "https://shop.example/other", True),
        ("https://shop.example/back?code=1", "", False),
        ("https://shop.example/back", "https://evil.example", False),
        ("javascript:alert(1)", "javascript:alert(1)", False),
    ],
)
def test_redirect_of_a_form_is_one_that_its_page_allowed(address: str, allowed: str, followed: bool) -> None:
    assert leads_there(address, allowed) is followed


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "https://shop.example/\r\nset-cookie: a=b", "https://a b", "x"],
)
async def test_browser_is_never_sent_to_what_is_no_address(browser: Browser, twin: SignInTwin, address: str) -> None:
    twin.redirect_uri = address
    twin.first_party = True
    twin.sessions["rss_known"] = Person("ada@acme.example")
    browser.cookies["__Host-session"] = "rss_known"
    await start(browser, address)
    assert browser.reply.status == 500
    assert "location" not in browser.reply.headers
