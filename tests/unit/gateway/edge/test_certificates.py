"""Certificates of clients that a proxy tells of, and the tokens that are bound to them."""

from __future__ import annotations

import base64
import hashlib
import ssl
from dataclasses import replace

import pytest

from gateway.edge.certificates import ClientCertificates
from gateway.edge.header_fields import join
from gateway.edge.trusted import TrustedPeers
from meshkit.context import Confirmation
from meshkit.settings import Reader, SettingsError
from tests.support.certificates import Certificates
from tests.support.gateway import PRINCIPAL, TOKEN, Gateway, Reply

PROXY, STRANGER = "10.0.0.5", "203.0.113.9"
BELIEVED = ClientCertificates(TrustedPeers.read("-", PROXY))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    made = Certificates(tmp_path_factory.mktemp("tls") / "ca")
    names = ("client/shop", "client/other")
    return [ssl.PEM_cert_to_DER_cert(made.identity(name).certificate.read_text()) for name in names]


def field(der: bytes) -> str:
    return f":{base64.b64encode(der).decode()}:"


def thumbprint(der: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def bound_to(der: bytes, certificates: ClientCertificates = BELIEVED) -> Gateway:
    gateway = Gateway(certificates=certificates)
    gateway.verifier.tokens[TOKEN] = replace(PRINCIPAL, confirmation=Confirmation("x5t#S256", thumbprint(der)))
    return gateway


async def ask(gateway: Gateway, header: str | None, peer: str = PROXY) -> Reply:
    headers = {"client-cert": header} if header is not None else {}
    return await gateway.request("GET", "/api/v1/users", headers=headers, client=peer)


async def test_bound_token_is_good_with_its_certificate_again_and_again(certificates: list[bytes]) -> None:
    gateway = bound_to(certificates[0])
    for _ in range(2):
        assert (await ask(gateway, field(certificates[0]))).status == 200
    assert (await ask(gateway, field(certificates[0]).replace("=", ""))).status == 200


async def test_bound_token_without_its_certificate_is_refused(certificates: list[bytes]) -> None:
    gateway = bound_to(certificates[0])
    for shown in (None, "", "::", field(certificates[1])):
        reply = await ask(gateway, shown)
        assert (reply.status, reply.json["reason"]) == (401, "TOKEN_INVALID"), shown
    assert gateway.upstream.calls == []


@pytest.mark.parametrize("trusted", ["", "unix", "192.0.2.0/24"])
async def test_what_others_than_the_named_proxies_say_counts_for_nothing(
    certificates: list[bytes], trusted: str
) -> None:
    gateway = bound_to(certificates[0], ClientCertificates(TrustedPeers.read("-", trusted)))
    for peer in (PROXY, STRANGER):
        assert (await ask(gateway, field(certificates[0]), peer)).json["reason"] == "TOKEN_INVALID"


async def test_header_of_a_stranger_is_not_even_read(certificates: list[bytes]) -> None:
    for gateway in (Gateway(), Gateway(certificates=BELIEVED)):
        assert (await ask(gateway, "no such thing", STRANGER)).status == 200


@pytest.mark.parametrize("written", ["AAAA", ":AAAA", ":AAAA:", ":A:", ":AAAA:, :AAAA:", ":AA AA:", "-----BEGIN"])
async def test_what_a_proxy_writes_and_nobody_can_read_is_refused(written: str) -> None:
    reply = await ask(Gateway(certificates=BELIEVED), written)
    assert (reply.status, reply.json["reason"]) == (400, "MALFORMED_REQUEST")
    assert written not in reply.body.decode()


def test_two_certificates_are_none() -> None:
    assert join([(b"client-cert", b":AA==:"), (b"client-cert", b":AQ==:")])[1] == b"client-cert"


async def test_token_request_says_the_certificate_of_its_connection(certificates: list[bytes]) -> None:
    gateway = Gateway(certificates=BELIEVED)
    headers = {"client-cert": field(certificates[0]), "content-type": "application/x-www-form-urlencoded"}
    form = "grant_type=client_credentials&client_id=c&client_secret=s"
    for peer, said in ((PROXY, thumbprint(certificates[0])), (STRANGER, "")):
        await gateway.request("POST", "/api/v1/oauth/token", form, headers=headers, token=None, client=peer)
        assert gateway.upstream.last.request.certificate_thumbprint == said


async def test_claims_are_asked_for_with_the_certificate(certificates: list[bytes]) -> None:
    gateway = Gateway(certificates=BELIEVED)
    await gateway.request(
        "GET", "/api/v1/oauth/userinfo", headers={"client-cert": field(certificates[0])}, client=PROXY
    )
    assert gateway.upstream.last.request.certificate_thumbprint == thumbprint(certificates[0])


def test_only_addresses_and_networks_can_be_trusted() -> None:
    assert not ClientCertificates.read(Reader({}))
    assert ClientCertificates.read(Reader({"RAMPART_CLIENT_CERT_PROXIES": "10.0.0.0/8, unix"}))
    with pytest.raises(SettingsError, match="RAMPART_CLIENT_CERT_PROXIES must be addresses, networks or unix"):
        ClientCertificates.read(Reader({"RAMPART_CLIENT_CERT_PROXIES": "proxy.example"}))
