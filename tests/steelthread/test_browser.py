"""The pages in a real browser: a person gets from the first page, and from /docs, to a decision."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.steelthread.edge import Edge
from tests.support.browser import Tab, find_browser, open_tab

BROWSER = find_browser()
CHECK = "#operations-fraud-checkFraud"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    assert BROWSER is not None
    async with open_tab(BROWSER) as tab:
        yield tab


def check_that_nothing_else_was_loaded(tab: Tab, edge: Edge) -> None:
    assert tab.requests
    assert [url for url in tab.requests if not url.startswith(edge.target.base_url)] == []
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
    check_that_nothing_else_was_loaded(tab, edge)


async def test_docs_log_in_and_try_the_example(tab: Tab, edge: Edge) -> None:
    await tab.go(f"{edge.target.base_url}/docs")
    await tab.click(".btn.authorize")
    await tab.type("#client_id_clientCredentials", edge.target.client_id)
    await tab.type("#client_secret_clientCredentials", edge.target.client_secret)
    await tab.click(".auth-btn-wrapper .authorize")
    await tab.until("/Logout/.test(document.querySelector('.auth-btn-wrapper').innerText)")
    await tab.click(".auth-btn-wrapper .btn-done")
    await tab.click(f"{CHECK} .opblock-summary-control")
    await tab.until(f"(document.querySelector('{CHECK} textarea') || {{}}).value")
    await tab.click(f"{CHECK} .execute")
    assert await tab.text(f"{CHECK} .live-responses-table tbody .response-col_status") == "200"
    body = await tab.text(f"{CHECK} .live-responses-table .highlight-code")
    decision = json.loads(body[body.index("{") :])
    stored = await edge.get(f"/api/v1/decisions/{decision['decision_id']}")
    assert stored["outcome"] == decision["outcome"]
    check_that_nothing_else_was_loaded(tab, edge)


@pytest.mark.parametrize("path", ["/", "/docs", "/problems", "/problems/validation-failed"])
async def test_page_fits_a_phone(tab: Tab, edge: Edge, path: str) -> None:
    await tab.resize(390, 844)
    await tab.go(f"{edge.target.base_url}{path}")
    if path == "/docs":
        await tab.until("document.querySelector('.opblock')")
    page = "document.documentElement"
    assert await tab.value(f"{page}.scrollWidth <= {page}.clientWidth")
    check_that_nothing_else_was_loaded(tab, edge)
