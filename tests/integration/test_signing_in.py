"""People sign in by the pages of the edge at the real auth service: its process, its database, a real browser."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from gateway.calls.mesh import MeshUpstream
from meshkit.ids import uuid7
from meshkit.rpc.channel import open_channel
from meshkit.storage.postgres import open_pool
from services.auth.adapters.postgres_directory import PostgresDirectory
from services.auth.adapters.postgres_members import PostgresMembers
from services.auth.domain.audit import AuditEvent
from services.auth.domain.links import LinkKind, MemberLink
from services.auth.domain.members import Member
from services.auth.domain.secrets import new_secret, secret_hash
from services.auth.domain.tenants import Tenant
from services.auth.ports import RecordedAct
from services.auth.service.quotas import check_room
from tests.integration.conftest import FreshDatabase
from tests.support.browser import Tab, find_browser, open_tab
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.gateway import Gateway, plan
from tests.support.pages import Browser, serving
from tests.support.processes import Process, free_port
from tests.support.servers import Database
from tests.support.sign_in_twin import totp
from tests.support.signing_in import VERIFIER, challenge_of
from tests.support.tenants import add_tenant

BROWSER = find_browser()
EMAIL = "ann@acme.example"
PASSWORD = "four words nobody has said"
SECRETS = re.compile(r"r(?:ss|ac|rt|ln)_[A-Za-z0-9_-]{20,}")


@dataclass(frozen=True)
class Place:
    """Where the pages stand, and the auth process behind them."""

    url: str
    address: str
    database: Database
    log: Path


@pytest.fixture(scope="module")
def place(
    fresh_database: FreshDatabase, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder, database = tmp_path_factory.mktemp("auth"), fresh_database("auth")
    place = Place(f"http://localhost:{free_port()}", f"127.0.0.1:{free_port()}", database, folder / "log")
    environment = {
        **database.environment(),
        **certificates.environment("service/auth"),
        "RAMPART_AUTH_LISTEN": place.address,
        **key_files("auth", folder),
        "RAMPART_ISSUER": place.url,
    }
    process = Process("services.auth", environment, place.log)
    process.wait_ready()
    yield place
    process.stop()


@pytest.fixture
async def gateway(place: Place, certificates: Certificates) -> AsyncIterator[Gateway]:
    policies = {name: method.policy for name, method in plan().methods.items()}
    async with open_channel(place.address, certificates.identity("service/gateway"), policies) as channel:
        yield Gateway(upstream=MeshUpstream({"auth": channel}, policies), public_url=place.url)


@pytest.fixture
async def link(place: Place) -> tuple[str, str]:
    """The path of an invitation, and the name of the tenant that invites."""
    pool, now = await open_pool(place.database.dsn, size=2), datetime.now(UTC)
    owner = await add_tenant(PostgresDirectory(pool), Tenant(str(uuid7()), f"t-{secrets.token_hex(6)}", "EUR", now))
    made = Member(str(uuid7()), owner.tenant_id, EMAIL, "Ann", frozenset({"owner"}), now, now)
    secret = new_secret("rln_")
    stored = MemberLink(secret_hash(secret), made.tenant_id, made.member_id, LinkKind.INVITATION, now + timedelta(1))
    assert await PostgresMembers(pool).create_member(
        made, stored, RecordedAct(AuditEvent("member.invite", made.tenant_id, now)), check_room
    )
    await pool.close()
    return f"/link/{secret}", owner.name


def authorization(place: Place, tenant: str) -> str:
    query = {
        "client_id": "rampart-cli", "redirect_uri": "http://127.0.0.1:49152/callback", "response_type": "code",
        "scope": "openid account:read", "state": "st", "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256", "tenant": tenant,
    }  # fmt: skip
    return f"/oauth/authorize?{urlencode(query)}"


async def come_in(browser: Browser, link: tuple[str, str]) -> None:
    """Follows the invitation to the account page."""
    path, _ = link
    await browser.get(path)
    await browser.submit("/link", password=PASSWORD, repeated=PASSWORD)
    # A token that is issued within the second in which others were ended is ended too.
    await asyncio.sleep(1.1)
    await browser.submit("/sign-in", email=EMAIL, password=PASSWORD)
    assert browser.place == "/account", browser.text


async def test_invited_person_comes_in_protects_the_account_and_signs_in_to_a_client(
    gateway: Gateway, place: Place, link: tuple[str, str]
) -> None:
    browser = Browser(gateway)
    await come_in(browser, link)
    await browser.submit("/account/totp")
    secret = next(form.fields["secret"] for form in browser.forms if "secret" in form.fields)
    await browser.submit("/account/totp/confirm", code=totp(secret, -1))
    assert "The authenticator app is on." in browser.text
    await browser.submit("/account/sign-out")
    assert "You are signed out." in browser.text
    await browser.get(authorization(place, link[1]))
    assert (await browser.submit("/sign-in", email=EMAIL, password="wrong words")).status == 422
    await browser.submit("/sign-in", email=EMAIL, password=PASSWORD)
    reply = await browser.submit("/sign-in/factor", totp_code=totp(secret))
    assert reply.status == 303, browser.text
    answer = parse_qs(urlsplit(reply.headers["location"]).query)
    assert (answer["state"], answer["iss"]) == (["st"], [place.url])
    assert answer["code"][0].startswith("rac_")
    written = place.log.read_text() + str(gateway.access_lines())
    assert not SECRETS.search(written) and EMAIL not in written and PASSWORD not in written


async def test_account_page_ends_what_acts_for_the_person(gateway: Gateway, link: tuple[str, str]) -> None:
    browser = Browser(gateway)
    await come_in(browser, link)
    assert "A browser (this one)" in browser.text
    await browser.submit("/account/recovery-codes")
    assert len([tag for tag, _ in browser.tags if tag == "li"]) == 10
    await browser.get("/account")
    await browser.submit("/account/sign-out", everywhere="yes")
    await browser.get("/account")
    assert browser.place.startswith("/sign-in?attempt=")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
async def test_browser_registers_a_passkey_and_signs_in_with_it(
    gateway: Gateway, place: Place, link: tuple[str, str]
) -> None:
    assert BROWSER is not None
    async with serving(gateway, urlsplit(place.url).port or 0), open_tab(BROWSER) as tab:
        await _by_passkey(tab, place, link)


async def _by_passkey(tab: Tab, place: Place, link: tuple[str, str]) -> None:
    await tab.give_authenticator()
    await tab.go(place.url + link[0])
    await tab.type("#password", PASSWORD)
    await tab.type("#repeated", PASSWORD)
    await tab.click("form button")
    await tab.until("location.pathname === '/sign-in'")
    await asyncio.sleep(1.1)
    await tab.type("#email", EMAIL)
    await tab.type("#password", PASSWORD)
    await tab.click("#sign-in button")
    await tab.give_passkey("create")
    await tab.until("location.search === '?done=passkey-new'")
    await tab.click("form[action='/account/sign-out'] button")
    await tab.until("location.pathname === '/sign-in'")
    await tab.give_passkey("get")
    await tab.until("location.pathname === '/account'")
    assert "last used on" in await tab.text("main")
    assert tab.complaints == []
