"""Whatever is shown on a page is text, whoever wrote it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from rampart.auth.v1.sign_in_service_pb2 import LINK_KIND_RESET

from meshkit.errors import Kind, MeshError
from tests.support.pages import Browser
from tests.support.sign_in_twin import PASSWORD, Person, SignInTwin
from tests.unit.gateway.product.identity.test_authorize import address

HOSTILE = """"'><script src=//evil.example></script><img src=x onerror=alert(1)>{{form}}&lt;\u202e"""
Walk = Callable[[Browser, SignInTwin, str], Awaitable[None]]


def named(value: str, twin: SignInTwin) -> None:
    """Puts a value wherever somebody can have written one."""
    person = Person(value, tenant=value, totp_secret="JBSWY3DPEHPK3PXP", recovery_codes=["a"], name=value)
    person.passkeys = {value: value}
    twin.people, twin.client_name, twin.provider = [person], value, value
    twin.scopes = [(value, value)]


async def first(browser: Browser, twin: SignInTwin, value: str) -> None:
    await browser.get(address(tenant=value, login_hint=value))


async def typed(browser: Browser, twin: SignInTwin, value: str) -> None:
    await browser.get("/sign-in")
    await browser.submit("/sign-in", tenant=value, email=value, password="no")


async def factor(browser: Browser, twin: SignInTwin, value: str) -> None:
    await first(browser, twin, value)
    await browser.submit("/sign-in", email=value, password=PASSWORD)


async def consent(browser: Browser, twin: SignInTwin, value: str) -> None:
    await factor(browser, twin, value)
    form = next(form for form in browser.forms if "recovery_code" in form.fields)
    await browser.post("/sign-in/factor", form.fields | {"recovery_code": "a"})


async def away(browser: Browser, twin: SignInTwin, value: str) -> None:
    twin.tells_where = False
    await consent(browser, twin, value)
    await browser.submit("/consent", answer="allow")


async def code(browser: Browser, twin: SignInTwin, value: str) -> None:
    await browser.get("/device")
    await browser.submit("/device", user_code=value)


async def link(browser: Browser, twin: SignInTwin, value: str) -> None:
    twin.links["rln_0123456789"] = (LINK_KIND_RESET, twin.people[0])
    await browser.get("/link/rln_0123456789")


async def account(browser: Browser, twin: SignInTwin, value: str) -> None:
    twin.sessions["rss_known"] = twin.people[0]
    browser.cookies["__Host-session"] = "rss_known"
    await browser.get("/account")


async def secret(browser: Browser, twin: SignInTwin, value: str) -> None:
    twin.people[0].totp_secret = ""
    await account(browser, twin, value)
    await browser.submit("/account/totp")


async def refusal(browser: Browser, twin: SignInTwin, value: str) -> None:
    await browser.get(address(client_id=value))


async def failure(browser: Browser, twin: SignInTwin, value: str) -> None:
    twin.error = MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", value)
    await browser.get("/sign-in")


@pytest.mark.parametrize(
    "walk",
    [first, typed, factor, consent, away, code, link, account, secret, refusal, failure],
    ids=lambda w: w.__name__,
)
async def test_page_has_the_same_elements_whatever_it_shows(browser: Browser, twin: SignInTwin, walk: Walk) -> None:
    shapes = []
    for value in ("Plain", HOSTILE):
        browser.cookies.clear()
        twin.forget()
        named(value, twin)
        await walk(browser, twin, value)
        shapes.append([(tag, sorted(attributes)) for tag, attributes in browser.tags])
        words = browser.reply.body.decode()
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 15
    assert "<script src=//" not in words
