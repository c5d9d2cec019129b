from __future__ import annotations

import pytest

from meshkit.errors import Kind, MeshError
from tests.support.pages import Browser
from tests.support.sign_in_twin import PASSWORD, SignInTwin


@pytest.fixture(autouse=True)
def waiting(twin: SignInTwin) -> None:
    twin.devices["WXYZABCD"] = "pending"


async def to_the_question(browser: Browser) -> None:
    await browser.get("/device")
    await browser.submit("/device", user_code=" wxyz abcd ")
    await browser.submit("/sign-in", tenant="acme", email="ada@acme.example", password=PASSWORD)


async def test_device_is_connected_once_the_person_has_seen_what_it_asks_for(
    browser: Browser, twin: SignInTwin
) -> None:
    await to_the_question(browser)
    assert "WXYZABCD" in browser.text and "See decisions" in browser.text
    assert twin.devices["WXYZABCD"] == "pending"
    await browser.submit("/consent", answer="allow")
    assert twin.devices["WXYZABCD"] == "allowed"
    assert "The device is connected" in browser.text


async def test_device_can_be_refused(browser: Browser, twin: SignInTwin) -> None:
    await to_the_question(browser)
    await browser.submit("/consent", answer="refuse")
    assert twin.devices["WXYZABCD"] == "refused"
    assert "The device was refused" in browser.text


async def test_who_is_signed_in_is_asked_all_the_same(browser: Browser, twin: SignInTwin) -> None:
    twin.sessions["rss_known"] = twin.people[0]
    browser.cookies["__Host-session"] = "rss_known"
    await browser.get("/device")
    await browser.submit("/device", user_code="WXYZABCD")
    assert "asks for access" in browser.text
    assert twin.devices["WXYZABCD"] == "pending"


async def test_code_in_the_address_is_but_filled_in(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/device?user_code=WXYZABCD")
    assert browser.element("user_code")["value"] == "WXYZABCD"
    assert twin.calls == []


@pytest.mark.parametrize("code", ["NONE", "", "  ", "x" * 500])
async def test_code_of_no_device_may_be_typed_again(browser: Browser, code: str) -> None:
    await browser.get("/device")
    reply = await browser.submit("/device", user_code=code)
    assert reply.status == 422
    assert browser.element("user_code")["aria-invalid"] == "true"


async def test_too_many_codes_are_told_when_to_come_again(browser: Browser, twin: SignInTwin) -> None:
    await browser.get("/device")
    twin.error = MeshError(Kind.RESOURCE_EXHAUSTED, "SIGN_IN_THROTTLED", "too many", retry_after=5)
    reply = await browser.submit("/device", user_code="WXYZABCD")
    assert (reply.status, reply.headers["retry-after"]) == (429, "5")
    assert "Try again in 5 seconds." in browser.text
