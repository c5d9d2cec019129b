"""The pages in a real browser: a person gets from the first page, and from /docs, to a decision."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.steelthread.edge import Edge
from tests.support.browser import Tab, find_browser, open_tab

BROWSER = find_browser()
CHECK = "#operations-fraud-checkFraud"
PALE = (Path(__file__).parent.parent / "support" / "pale_text.js").read_text()
"""Returns texts whose contrast is less than WCAG 2.2 asks for (1.4.3, level AA)."""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    assert BROWSER is not None
    async with open_tab(BROWSER) as tab:
        yield tab


def check_that_nothing_else_was_loaded(tab: Tab, here: str) -> None:
    assert tab.requests
    assert [url for url in tab.requests if not url.startswith(here)] == []
    assert tab.complaints == []


async def test_first_page_leads_to_a_decision(tab: Tab, edge: Edge) -> None:
    await tab.go(f"{edge.target.base_url}/")
    assert edge.target.base_url in await tab.text(".command pre")
    await tab.type("#client", edge.target.client_id)
    await tab.type("#secret", "wrong")
    await tab.click("#try button[type=submit]")
    assert "wrong" in await tab.text("#result .failure")
    await tab.type("#secret", edge.target.client_secret)
    await tab.click("#try button[type=submit]")
    assert await tab.text("#result .outcome b") in ("approve", "review", "decline")
    check_that_nothing_else_was_loaded(tab, edge.target.base_url)


# The document names the gateway by one address; a page is where its reader found it.
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_docs_log_in_and_try_the_example(tab: Tab, edge: Edge, host: str) -> None:
    here = edge.target.base_url.replace("127.0.0.1", host)
    await tab.go(f"{here}/docs")
    await tab.click(".btn.authorize")
    await tab.type("#client_id_clientCredentials", edge.target.client_id)
    await tab.type("#client_secret_clientCredentials", edge.target.client_secret)
    await tab.click(".auth-container:has(#client_id_clientCredentials) .auth-btn-wrapper .authorize")
    await tab.until("[...document.querySelectorAll('.auth-btn-wrapper')].some(each => /Logout/.test(each.innerText))")
    await tab.click(".auth-btn-wrapper .btn-done")
    await tab.click(f"{CHECK} .opblock-summary-control")
    await tab.until(f"(document.querySelector('{CHECK} textarea') || {{}}).value")
    await tab.click(f"{CHECK} .execute")
    assert await tab.text(f"{CHECK} .live-responses-table tbody .response-col_status") == "200"
    body = await tab.text(f"{CHECK} .live-responses-table .highlight-code")
    decision = json.loads(body[body.index("{") :])
    stored = await edge.get(f"/api/v1/decisions/{decision['decision_id']}")
    assert stored["outcome"] == decision["outcome"]
    check_that_nothing_else_was_loaded(tab, here)


PATHS = ("/", "/docs#/fraud/checkFraud", "/problems", "/problems/validation-failed", "/nothing", "/ready", "/health")


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_pages_fit_a_phone_can_be_read_and_lead_home(tab: Tab, edge: Edge, colours: str) -> None:
    await tab.resize(390, 844)
    await tab.prefer(colours)
    for path in PATHS:
        await tab.go("about:blank")
        await tab.go(f"{edge.target.base_url}{path}")
        if path.startswith("/docs"):
            await tab.until("document.querySelector('.opblock.is-open .execute')")
            # The reference fades its colours in.
            await tab.until("document.getAnimations().length === 0")
        page = "document.documentElement"
        assert await tab.value(f"{page}.scrollWidth <= {page}.clientWidth"), path
        assert await tab.value(PALE) == [], path
        assert await tab.value("document.querySelector('header a').pathname") == "/", path
    check_that_nothing_else_was_loaded(tab, edge.target.base_url)


async def test_first_page_names_its_own_port_without_a_script(tab: Tab, edge: Edge) -> None:
    await tab.without_scripts()
    await tab.go(f"{edge.target.base_url}/")
    shown = await tab.text("main")
    assert f"curl -sS {edge.target.base_url}/api/v1/fraud-check" in shown
    assert not await tab.value("!!document.querySelector('#try').offsetHeight")
