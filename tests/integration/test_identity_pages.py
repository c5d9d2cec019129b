"""The pages of signing in, in a real browser in front of a mesh in memory."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.browser import Tab, find_browser, open_tab
from tests.support.gateway import Gateway
from tests.support.pages import serving
from tests.support.processes import free_port
from tests.support.sign_in_twin import PASSWORD, Person, SignInTwin, TwinUpstream, totp

BROWSER = find_browser()
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
EMAIL = "ada@acme.example"
PALE = (Path(__file__).parent.parent / "support" / "pale_text.js").read_text()

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@functools.cache
def pages() -> tuple[int, Gateway, TwinUpstream]:
    """Returns a port, and the gateway for it with its mesh: to make one takes longer than any test."""
    port, upstream = free_port(), TwinUpstream()
    return port, Gateway(upstream=upstream, public_url=f"http://localhost:{port}"), upstream


class Site:
    """A gateway and the mesh behind it. The client stands at another origin of the same server."""

    def __init__(self) -> None:
        self.port, self.gateway, upstream = pages()
        self.url = f"http://localhost:{self.port}"
        self.person = Person(EMAIL, totp_secret=SECRET, recovery_codes=["abcd-1234"])
        self.twin = SignInTwin(people=[self.person], redirect_uri=f"http://127.0.0.1:{self.port}/ready")
        upstream.twin = self.twin

    def authorize(self) -> str:
        query = {"client_id": "shop", "redirect_uri": self.twin.redirect_uri, "code_challenge_method": "S256"}
        return f"{self.url}/oauth/authorize?{urlencode(query)}"

    async def sign_in(self, tab: Tab) -> None:
        await tab.go(f"{self.url}/account")
        await tab.type("#tenant", "acme")
        await tab.type("#email", EMAIL)
        await tab.type("#password", PASSWORD)
        await tab.click("#sign-in button")
        if self.person.totp_secret:
            await tab.type("#totp_code", totp(SECRET))
            await tab.click("form.stack button")
        await tab.until("location.pathname === '/account'")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with serving(site.gateway, site.port):
        yield site


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    assert BROWSER is not None
    async with open_tab(BROWSER) as tab:
        yield tab


async def test_password_code_and_consent_by_keyboard_alone_lead_back_to_the_client(tab: Tab, site: Site) -> None:
    await tab.without_scripts()
    await tab.go(site.authorize())
    assert await tab.value("document.activeElement?.id") == "tenant"
    await tab.write("acme")
    for words in (EMAIL, PASSWORD):
        await tab.press("Tab")
        await tab.write(words)
    await tab.press("Enter")
    await tab.until("document.activeElement?.id === 'totp_code'")
    await tab.write(totp(SECRET))
    await tab.press("Enter")
    await tab.until("document.querySelector('.scopes')")
    assert "Shop asks for access" in await tab.text("h1")
    for _ in range(4):
        if await tab.value("document.activeElement?.value") == "allow":
            break
        await tab.press("Tab")
    await tab.press("Enter")
    await tab.until("location.pathname === '/ready'")
    assert await tab.value("location.host") == f"127.0.0.1:{site.port}", "the policy of the page allows the way back"
    assert "code=rac_" in await tab.value("location.search")
    await tab.go(site.authorize())
    assert "Shop asks for access" in await tab.text("h1"), "the browser has kept the session"
    assert await tab.value("document.cookie") == ""
    assert tab.complaints == []


async def test_passkey_is_registered_signs_in_and_is_a_second_factor(tab: Tab, site: Site) -> None:
    site.person.totp_secret, site.person.recovery_codes = "", []
    await tab.give_authenticator()
    await site.sign_in(tab)
    await tab.type("form[data-passkey=create] #name", "Laptop")
    await tab.give_passkey("create")
    await tab.until("location.search === '?done=passkey-new'")
    assert list(site.person.passkeys.values()) == ["Laptop"]
    await tab.click("form[action='/account/sign-out'] button")
    await tab.until("location.pathname === '/sign-in'")
    assert site.twin.sessions == {}
    await tab.give_passkey("get")
    await tab.until("location.pathname === '/account'")
    assert len(site.twin.sessions) == 1
    await tab.click("form[action='/account/sign-out'] button[name=everywhere]")
    await tab.until("location.pathname === '/sign-in'")
    assert site.twin.asked("SignOut").everywhere
    assert site.twin.sessions == {}
    await tab.go(f"{site.url}/account")
    await tab.until("location.pathname === '/sign-in'")
    assert tab.complaints == []


async def test_passkey_that_is_not_there_is_told_and_the_password_still_works(tab: Tab, site: Site) -> None:
    await tab.give_authenticator()
    await tab.go(f"http://127.0.0.1:{site.port}/account")
    assert await tab.value("document.querySelector('form[data-passkey=get]').hidden"), "they are for names"
    await tab.go(f"{site.url}/account")
    await tab.give_passkey("get")
    assert "No passkey was given" in await tab.text("form[data-passkey=get] [role=alert]")
    await site.sign_in(tab)


async def test_pages_fit_a_phone_and_can_be_read(tab: Tab, site: Site) -> None:
    site.twin.links["rln_0123456789"] = (2, site.person)
    site.person.passkeys["key"] = "x" * 100
    site.person.programs["grant"] = "Command line"
    site.twin.provider = "The identity provider of a company with a long name"
    await tab.resize(390, 844)
    await tab.go(site.authorize())
    await _check_look(tab)
    await tab.go(f"{site.url}/account")
    await tab.type("#tenant", "acme")
    await tab.type("#email", "nobody@acme.example")
    await tab.type("#password", "x")
    await tab.click("#sign-in button")
    await tab.until("document.querySelector('.alert')")
    assert await tab.value("document.activeElement?.id") == "password"
    await _check_look(tab)
    await site.sign_in(tab)
    await _check_look(tab)
    for form in ("/account/recovery-codes", "/account/totp/remove", "/account/totp"):
        await tab.go(f"{site.url}/account")
        await tab.click(f"form[action='{form}'] button")
        await tab.until("document.readyState === 'complete' && !document.querySelector('#old') || location.search")
        await _check_look(tab)
    for path in ("/oauth/authorize", "/device", "/link/rln_0123456789", "/consent?attempt=x", "/device?end=done"):
        await tab.go(f"{site.url}{path}")
        await _check_look(tab)


async def _check_look(tab: Tab) -> None:
    where, page = await tab.value("location.pathname"), "document.documentElement"
    assert await tab.value(f"{page}.scrollWidth <= {page}.clientWidth"), where
    for colours in ("light", "dark"):
        await tab.prefer(colours)
        assert await tab.value(PALE) == [], (where, colours)
    unnamed = (
        "[...document.querySelectorAll('input:not([type=hidden])')].filter((e) => !e.labels.length && !e.ariaLabel)"
    )
    assert await tab.value(f"{unnamed}.length") == 0, where
