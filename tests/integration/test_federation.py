"""Somebody signs in by a provider of the tenant's own: a second instance of auth and gateway, as others run it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rampart.auth.v1 import auth_service_pb2 as pb

from gateway.calls.mesh import MeshUpstream
from gateway.product.rampart import rampart
from meshkit.identity.claims import TrustedIssuer
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.channel import open_channel
from meshkit.rpc.keys import AUTH_SERVICE, remote_keys
from tests.integration.conftest import FreshDatabase
from tests.support.calls import calling
from tests.support.certificates import Certificates
from tests.support.continuations import key_files
from tests.support.gateway import Gateway, Reply, plan
from tests.support.pages import Browser, serving
from tests.support.processes import Process, free_port

EMAIL = "ann@acme.example"
PASSWORD = "four words nobody has said"
SECRETS = re.compile(r"r(?:ss|ac|rt|ln|at|cs)_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{20,}")


@dataclass
class Instance:
    """An auth process, and where its pages are."""

    url: str
    address: str
    log: Path
    process: Process


@dataclass
class Place:
    """The pages of an instance, with a tenant and a token of its owner's powers."""

    instance: Instance
    gateway: Gateway
    tenant: str
    token: str

    async def rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        return await self.gateway.request(method, path, body, token=self.token)


@pytest.fixture(scope="module")
def instances(
    fresh_database: FreshDatabase, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Instance, Instance]]:
    """Ours, and the one that is the provider."""
    urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    started: list[Instance] = []
    for url in urls:
        folder, address = tmp_path_factory.mktemp("auth"), f"127.0.0.1:{free_port()}"
        environment = {
            **fresh_database("auth").environment(),
            **certificates.environment("service/auth"),
            "RAMPART_AUTH_LISTEN": address,
            **key_files("auth", folder),
            "RAMPART_ISSUER": url,
            "RAMPART_AUTH_EGRESS_ALLOW": urls[1],
        }
        process = Process("services.auth", environment, folder / "log")
        started.append(Instance(url, address, folder / "log", process))
    for instance in started:
        instance.process.wait_ready()
    yield started[0], started[1]
    for instance in started:
        instance.process.stop()


async def _opened(stack: AsyncExitStack, instance: Instance, certificates: Certificates, tenant: str) -> Place:
    operator = certificates.identity("operator")
    mine = await stack.enter_async_context(calling(instance.address, AUTH_SERVICE.full_name, operator))
    await mine(pb.CreateTenantRequest(name=tenant), pb.CreateTenantResponse)
    issued = await mine(pb.IssueOperatorTokenRequest(tenant=tenant), pb.IssueOperatorTokenResponse)
    policies = {name: method.policy for name, method in plan().methods.items()}
    files = certificates.identity("service/gateway")
    channel = await stack.enter_async_context(open_channel(instance.address, files, policies))
    gateway = Gateway(
        upstream=MeshUpstream({"auth": channel}, policies),
        verifier=TokenVerifier(remote_keys(channel), TrustedIssuer.own(instance.url, "rampart")),
        public_url=instance.url,
        product=rampart(instance.url),
    )
    await stack.enter_async_context(serving(gateway, urlsplit(instance.url).port or 0))
    return Place(instance, gateway, tenant, issued.access_token)


@pytest.fixture
async def places(
    instances: tuple[Instance, Instance], certificates: Certificates
) -> AsyncIterator[tuple[Place, Place]]:
    async with AsyncExitStack() as stack:
        ours = await _opened(stack, instances[0], certificates, "acme")
        yield ours, await _opened(stack, instances[1], certificates, "staff")


async def invite(place: Place) -> str:
    reply = await place.rest("POST", "/api/v1/members", {"email": EMAIL, "roles": ["analyst"]})
    assert reply.status == 200, reply.json
    path: str = reply.json["link"]["path"]
    return path


async def connect(ours: Place, provider: Place) -> str:
    """Registers us at the provider, and it at ours. Returns the secret."""
    client = {
        "display_name": "Rampart of Acme",
        "grant_types": ["authorization_code"],
        "redirect_uris": [f"{ours.instance.url}/sign-in/callback/acme"],
    }
    made = (await provider.rest("POST", "/api/v1/clients", client)).json
    given = {
        "issuer": provider.instance.url,
        "client_id": made["client"]["client_id"],
        "client_secret": made["client_secret"],
        "display_name": "Acme ID",
        "domains": ["acme.example"],
    }
    reply = await ours.rest("PUT", "/api/v1/identity-provider", given)
    assert reply.status == 200, reply.json
    assert reply.json["redirect_uri"] == client["redirect_uris"][0]
    assert (await ours.rest("GET", "/api/v1/identity-provider")).json == reply.json
    assert "client_secret" not in reply.json
    secret: str = made["client_secret"]
    return secret


async def leave(browser: Browser) -> str:
    """Goes to the provider, and returns the path there."""
    await browser.get("/sign-in?tenant=acme")
    fields = next(form.fields for form in browser.forms if form.action == "/sign-in")
    await browser.post("/sign-in/provider", fields)
    address = next(attributes["href"] for tag, attributes in browser.tags if tag == "a" and attributes.get("rel"))
    assert address
    return address


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


async def test_member_signs_in_by_another_instance(places: tuple[Place, Place]) -> None:
    ours, provider = places
    link, _ = await invite(provider), await invite(ours)
    secret = await connect(ours, provider)
    there, here = Browser(provider.gateway), Browser(ours.gateway)
    await there.get(link)
    await there.submit("/link", password=PASSWORD, repeated=PASSWORD)
    # A token that is issued within the second in which others were ended is ended too.
    await asyncio.sleep(1.1)
    await there.get(path_of(await leave(here)))
    await there.submit("/sign-in", email=EMAIL, password=PASSWORD)
    assert "Rampart of Acme" in there.text
    reply = await there.submit("/consent", answer="allow")
    assert reply.headers["location"].startswith(f"{ours.instance.url}/sign-in/callback/acme?")
    answer = path_of(reply.headers["location"])
    assert (await Browser(ours.gateway).get(answer)).status == 404, "the answer is of one browser"
    await here.get(answer)
    assert here.place == "/account" and EMAIL in here.text, here.text
    again = Browser(ours.gateway)
    reply = await there.get(path_of(await leave(again)))
    await again.get(path_of(reply.headers["location"]))
    assert again.place == "/account"
    [member] = (await ours.rest("GET", "/api/v1/members")).json["members"]
    assert (member["state"], member["roles"]) == ("active", ["analyst"]) and "sign_in_time" in member
    events = (await ours.rest("GET", "/api/v1/audit-events")).json["events"]
    assert [each["action"] for each in events].count("member.link") == 1
    written = ours.instance.log.read_text() + str(ours.gateway.access_lines()) + str(events)
    assert not SECRETS.search(written) and EMAIL not in written and secret not in written
    assert (await ours.rest("DELETE", "/api/v1/identity-provider")).status == 200
    last = Browser(ours.gateway)
    await last.get("/sign-in?tenant=acme")
    assert last.place.startswith("/sign-in?attempt=") and "Acme ID" not in last.text


async def test_provider_in_our_network_is_not_asked(places: tuple[Place, Place]) -> None:
    ours, _ = places
    for host in ("127.0.0.1:1", "169.254.169.254", "[::1]", "localhost"):
        given = {"issuer": f"https://{host}", "client_id": "c", "client_secret": "s"}
        reply = await ours.rest("PUT", "/api/v1/identity-provider", given)
        assert (reply.json["reason"], reply.json["metadata"]) == ("PROVIDER_UNUSABLE", {"why": "address"})
