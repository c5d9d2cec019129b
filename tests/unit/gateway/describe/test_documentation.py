"""The documentation that the gateway serves: complete without a network, strict, and cached by its content."""

from __future__ import annotations

import hashlib
import html
import json
import re

import pytest

from gateway.compile.plan import compile_plan
from gateway.describe.documentation.home_page import home_page
from gateway.describe.documentation.operations import operations
from gateway.describe.documentation.routes import STATIC
from gateway.describe.openapi import render
from tests.support.documents import foreign_document, own_reasons, rampart_document
from tests.support.gateway import Gateway
from tests.support.protos import with_methods

ASSETS = {
    "/docs/docs.css": "text/css; charset=utf-8",
    "/docs/frame.css": "text/css; charset=utf-8",
    "/docs/docs.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/icon.svg": "image/svg+xml",
}
OF_PAGES = {"/docs/site.css": "text/css; charset=utf-8"}
WAYS = {"/", "/docs", "/problems", "/ready", "/openapi.json"}
PAGES = ["/", "/docs", "/problems", "/problems/rate-limited"]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        *((path, "text/html; charset=utf-8") for path in PAGES),
        ("/openapi.json", "application/json"),
        *ASSETS.items(),
        *OF_PAGES.items(),
    ],
)
async def test_part_is_served_to_anyone_with_its_type(gateway: Gateway, path: str, media_type: str) -> None:
    reply = await gateway.request("GET", path, token=None)
    assert reply.status == 200
    assert reply.headers["content-type"] == media_type
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["content-security-policy"]


async def test_page_consists_of_parts_that_are_served(gateway: Gateway) -> None:
    page = (await gateway.request("GET", "/docs", token=None)).body.decode()
    parts = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert set(ASSETS) <= set(parts)
    assert set(parts) - set(ASSETS) == WAYS, "the way home among them"


@pytest.mark.parametrize("path", PAGES)
async def test_links_of_a_page_lead_to_something(gateway: Gateway, path: str) -> None:
    page = (await gateway.request("GET", path, token=None)).body.decode()
    for link in set(re.findall(r'(?:src|href)="([^"]+)"', page)):
        reply = await gateway.request("GET", html.unescape(link).partition("#")[0], token=None)
        assert reply.status in (200, 503), link


@pytest.mark.parametrize("path", PAGES)
async def test_page_runs_no_script_but_its_own_files(gateway: Gateway, path: str) -> None:
    reply = await gateway.request("GET", path, token=None)
    policy = reply.headers["content-security-policy"]
    assert ("script-src 'self'" in policy) is (b"<script" in reply.body)
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert re.findall(r"<script(?![^>]*\bsrc=)", reply.body.decode()) == []
    assert re.findall(r"\s(?:on\w+|style)=", reply.body.decode()) == []


def test_links_to_operations_name_what_the_document_has() -> None:
    described = rampart_document()
    found = {operation.link for operation in operations(described)}
    assert "/docs#/fraud/checkFraud" in found
    assert len(found) == sum(len(item) for item in described["paths"].values())


def test_first_page_of_other_services_lists_their_operations() -> None:
    files = with_methods({"Get": 'get: "/v1/books"'}, "message Request {} message Reply {}")
    described = foreign_document(compile_plan(files))
    page = home_page(described, list(operations(described))).decode()
    assert "<h1>Library</h1>" in page
    assert 'href="/docs#/lib/get"' in page
    assert "/api/v1" not in page


async def test_gateway_without_a_product_serves_its_pages_and_nothing_more() -> None:
    gateway = Gateway(product=None)
    for path in PAGES:
        assert (await gateway.request("GET", path, token=None)).status == 200
    first = (await gateway.request("GET", "/", token=None)).body.decode()
    assert "All operations" in first
    assert "<script" not in first
    assert (await gateway.request("GET", "/docs/home.js", token=None)).status == 404


async def test_refused_secret_does_not_open_the_dialogue_of_the_browser(gateway: Gateway) -> None:
    script = (await gateway.request("GET", "/docs/docs.js", token=None)).body.decode()
    assert 'request.credentials = "omit"' in script


async def test_document_is_that_of_the_plan(gateway: Gateway) -> None:
    assert (await gateway.request("GET", "/openapi.json", token=None)).body == render(rampart_document())


@pytest.mark.parametrize(("accepted", "coding"), [("gzip", "gzip"), ("br", "br"), ("gzip, zstd;q=0.5", "gzip")])
async def test_parts_are_compressed_for_who_accepts_it(gateway: Gateway, accepted: str, coding: str) -> None:
    plain = await gateway.request("GET", "/openapi.json", token=None)
    assert "content-encoding" not in plain.headers
    for _ in range(2):
        reply = await gateway.request("GET", "/openapi.json", token=None, headers={"accept-encoding": accepted})
        assert reply.headers["content-encoding"] == coding
        assert len(reply.body) < len(plain.body) / 5
        assert reply.headers["etag"] != plain.headers["etag"]
        assert reply.headers["vary"] == plain.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/swagger-ui-bundle.js", "/problems"])
async def test_who_has_the_content_gets_304_with_the_tag_of_the_200(gateway: Gateway, path: str) -> None:
    for method, coding in (("GET", ""), ("HEAD", ""), ("GET", "gzip")):
        first = await gateway.request(method, path, token=None, headers={"accept-encoding": coding})
        etag = first.headers["etag"]
        assert first.headers["cache-control"] == "no-cache"
        for known in (etag, f'"other", W/{etag}', '"a,b", ' + etag, "*"):
            asked = {"accept-encoding": coding, "if-none-match": known}
            again = await gateway.request(method, path, token=None, headers=asked)
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
        for other in ('"other"', '"*"', etag.strip('"'), etag[:-1] + ';br"'):
            asked = {"accept-encoding": coding, "if-none-match": other}
            assert (await gateway.request(method, path, token=None, headers=asked)).status == 200


async def test_content_in_another_state_than_asked_for_is_412(gateway: Gateway) -> None:
    etag = (await gateway.request("GET", "/openapi.json", token=None)).headers["etag"]
    for known, status in ((etag, 200), ("*", 200), ('"other"', 412), (f"W/{etag}", 412)):
        reply = await gateway.request("GET", "/openapi.json", token=None, headers={"if-match": known})
        assert reply.status == status
        assert status == 200 or reply.json["reason"] == "ETAG_MISMATCH"


def test_vendored_files_are_those_that_the_readme_names() -> None:
    folder = STATIC / "swagger-ui"
    named = dict(re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", (folder / "README.md").read_text()))
    assert set(named) == {"swagger-ui-bundle.js", "swagger-ui.css"}
    for name, digest in named.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert (folder / "NOTICE").exists()


async def test_type_of_every_problem_leads_to_a_page_about_it(gateway: Gateway) -> None:
    listed = (await gateway.request("GET", "/problems", token=None)).body.decode()
    for reason in own_reasons().values():
        page = await gateway.request("GET", f"/problems/{reason.slug}", token=None)
        assert page.status == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert reason.name in page.body.decode()
        assert str(reason.status) in page.body.decode()
        assert html.escape(reason.remedy.partition("`")[0], quote=False) in page.body.decode()
        assert f'href="/problems/{reason.slug}"' in listed


async def test_type_of_a_real_problem_resolves(gateway: Gateway) -> None:
    problem = (await gateway.request("GET", "/api/v1/decisions", token=None)).json
    assert (await gateway.request("GET", problem["type"], token=None)).status == 200


async def test_unknown_problem_is_a_problem_itself(gateway: Gateway) -> None:
    reply = await gateway.request("GET", "/problems/nope", token=None)
    assert (reply.status, json.loads(reply.body)["reason"]) == (404, "ROUTE_NOT_FOUND")
