"""The first page of Rampart: what it says can be done as it says."""

from __future__ import annotations

import html
import re

import pytest

from tests.support.gateway import Gateway


async def test_first_page_leads_to_a_first_decision(gateway: Gateway) -> None:
    page = html.unescape((await gateway.request("GET", "/", token=None)).body.decode())
    (body,) = re.findall(r"-d '(\{.*\})'", page)
    assert (await gateway.request("POST", "/api/v1/fraud-check", body)).status == 200
    for path in ("/api/v1/oauth/token", "/api/v1/decisions/DECISION_ID", "/api/v1/decisions:watch"):
        assert f"curl -sS http://127.0.0.1:8080{path}" in page.replace("-sSN", "-sS")


async def test_commands_of_the_first_page_name_where_it_is_reached_without_any_script() -> None:
    page = (await Gateway(public_url="https://api.example.com").request("GET", "/", token=None)).body.decode()
    assert page.count("curl -sS https://api.example.com/api/v1/") >= 2
    assert 'data-origin="https://api.example.com"' in page
    assert "127.0.0.1" not in page


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/docs/home.css", "text/css; charset=utf-8"), ("/docs/home.js", "text/javascript; charset=utf-8")],
)
async def test_first_page_loads_its_script_and_style(gateway: Gateway, path: str, media_type: str) -> None:
    assert f'="{path}"' in (await gateway.request("GET", "/", token=None)).body.decode()
    reply = await gateway.request("GET", path, token=None)
    assert (reply.status, reply.headers["content-type"]) == (200, media_type)
    assert "default-src 'none'" in reply.headers["content-security-policy"]
