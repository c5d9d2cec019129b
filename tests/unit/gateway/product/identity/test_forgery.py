from __future__ import annotations

import pytest
from starlette.routing import Route

from gateway.product.identity.authorize import AUTHORIZE_PATH
from gateway.product.identity.forgery import form_token, is_of_own_page, own_origins, same_token
from gateway.product.identity.routes import identity_routes
from tests.support.gateway import plan
from tests.support.pages import ORIGIN, Browser
from tests.support.sign_in_twin import PASSWORD, SignInTwin

PUBLIC = own_origins("https://api.example.com")
TYPED = {"tenant": "acme", "email": "ada@acme.example", "password": PASSWORD}


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("https://API.example.com", {b"https://api.example.com"}),
        ("https://api.example.com:8443/base", {b"https://api.example.com:8443"}),
        ("http://127.0.0.1:8080", {b"http://127.0.0.1:8080", b"http://localhost:8080", b"http://[::1]:8080"}),
        ("http://localhost", {b"http://127.0.0.1", b"http://localhost", b"http://[::1]"}),
    ],
)
def test_origins_are_those_of_the_public_address(url: str, origins: set[bytes]) -> None:
    assert own_origins(url) == origins


@pytest.mark.parametrize(
    ("site", "origin", "own"),
    [
        (b"same-origin", b"null", True),
        (b"same-origin", b"https://api.example.com", True),
        (b"same-origin", None, True),
        (None, b"https://api.example.com", True),
        (b"same-origin", b"https://evil.example", False),
        (b"same-site", b"null", False),
        (b"cross-site", b"null", False),
        (b"cross-site", b"https://api.example.com", False),
        (b"none", None, False),
        (b"", None, False),
        (None, b"null", False),
        (None, None, False),
        (None, b"https://evil.example", False),
        (None, b"http://api.example.com", False),
        (None, b"https://api.example.com.evil.example", False),
        (None, b"https://api.example.com:444", False),
    ],
)
def test_form_is_taken_from_a_page_of_ours_alone(site: bytes | None, origin: bytes | None, own: bool) -> None:
    given = {b"sec-fetch-site": site, b"origin": origin}
    assert is_of_own_page({name: value for name, value in given.items() if value is not None}, PUBLIC) is own


def test_token_is_of_one_browser_and_one_session() -> None:
    token = form_token("secret", "session")
    assert same_token(token, "secret", "session")
    assert not same_token(token, "secret", "another session")
    assert not same_token(token, "another secret", "session")
    assert not same_token("", "secret", "session")
    assert not same_token(form_token("", "session"), "", "session")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": ""},
        {"origin": "https://evil.example"},
    ],
)
async def test_form_of_another_site_signs_nobody_in(
    browser: Browser, twin: SignInTwin, headers: dict[str, str]
) -> None:
    await browser.get("/sign-in")
    reply = await browser.submit("/sign-in", TYPED, headers=headers)
    assert reply.status == 403
    assert "out of date" in browser.text
    assert twin.sessions == {}


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
async def test_form_without_the_token_of_the_page_signs_nobody_in(
    browser: Browser, twin: SignInTwin, token: str
) -> None:
    await browser.get("/sign-in")
    assert (await browser.submit("/sign-in", TYPED, form=token)).status == 403
    assert twin.sessions == {}


async def test_token_of_another_browser_signs_nobody_in(browser: Browser, twin: SignInTwin) -> None:
    other = Browser(browser.gateway)
    await other.get("/sign-in")
    token = other.forms[0].fields["form"]
    await browser.get("/sign-in")
    assert (await browser.submit("/sign-in", TYPED, form=token)).status == 403
    assert twin.sessions == {}


async def test_every_form_needs_the_token(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/sign-in")
    await browser.submit("/sign-in", TYPED)
    assert "Your account" in browser.text
    before, called = dict(twin.sessions), len(twin.calls)
    routes = identity_routes(plan(), twin, browser.gateway.guard, browser.gateway.bodies, ORIGIN)
    forms = {route.path for route in routes if isinstance(route, Route) and "POST" in (route.methods or ())}
    assert len(forms) > 15
    for path in forms - {AUTHORIZE_PATH}:
        fields = {"form": "0" * 64, "everywhere": "yes", "answer": "allow"}
        assert (await browser.post(path, fields)).status == 403, path
    assert twin.sessions == before
    assert len(twin.calls) == called
