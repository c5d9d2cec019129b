"""Who a peer is, by X509-SVID: every certificate that the standard refuses is nobody."""

from __future__ import annotations

import ipaddress
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from prometheus_client import REGISTRY

from meshkit.identity import svid
from meshkit.identity.svid import CLIENT, SERVER, NoIdentityError, PeerIdentities, spiffe_path
from tests.support.certificates import Certificates
from tests.support.pki import GATEWAY, Holder, Key, authority, leaf, pem, signed_with_sha1

DOMAIN = "rampart.local"
ROOT = authority(path_length=0)
DEEP_ROOT = authority()
UNDER = authority(DEEP_ROOT, path_length=0)
RSA_ROOT = authority(key=rsa.generate_private_key(65537, 2048))
WEAK_ROOT = authority(key=rsa.generate_private_key(65537, 1024))


def peers(*roots: Holder) -> PeerIdentities:
    return PeerIdentities(DOMAIN, pem(*roots))


def shown(of: Holder, *intermediates: Holder) -> dict[str, list[bytes]]:
    """What gRPC says of a peer: its certificate, and what it has sent besides."""
    return {"x509_pem_cert": [pem(of)]} | ({"x509_pem_cert_chain": [pem(*intermediates)]} if intermediates else {})


def refusals(reason: str) -> float:
    return REGISTRY.get_sample_value("peer_certificates_refused_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize(
    ("spiffe_id", "path"),
    [
        (GATEWAY, "service/gateway"),
        ("spiffe://rampart.local/operator", "operator"),
        ("spiffe://rampart.local/Some_Team/a.b-c/...", "Some_Team/a.b-c/..."),
        (f"spiffe://rampart.local/{'x' * 2025}", "x" * 2025),
    ],
)
def test_id_is_read(spiffe_id: str, path: str) -> None:
    assert spiffe_path(spiffe_id, DOMAIN) == path


@pytest.mark.parametrize(
    "spiffe_id",
    [
        "", "spiffe://", "spiffe://rampart.local", "spiffe://rampart.local/", f"{GATEWAY}/", f"{GATEWAY}?x=1",
        f"{GATEWAY}?", f"{GATEWAY}#x", f"{GATEWAY}#", "spiffe://rampart.local//gateway", "spiffe://rampart.local/service//gateway",
        "spiffe://rampart.local/service/../gateway", "spiffe://rampart.local/service/./gateway",
        "spiffe://rampart.local/service/gateway/..", "spiffe://rampart.local/.", "spiffe://rampart.local/service/gate%77ay",
        "spiffe://rampart.local/service%2Fgateway", "spiffe://rampart.local/service/gate way", f"{GATEWAY} ",
        f" {GATEWAY}", f"{GATEWAY}\n", f"{GATEWAY}\0", "spiffe://rampart.local/service/gatewäy", "spiffe://rampart.local/service/gateway:1",
        "spiffe://rampart.local/service/gateway@x", "spiffe://rampart.local/service/gateway;a", "spiffe://rampart.local/a~b",
        "SPIFFE://rampart.local/service/gateway", "Spiffe://rampart.local/service/gateway",
        "spiffe://RAMPART.local/service/gateway", "spiffe://rampart.local:443/service/gateway",
        "spiffe://user@rampart.local/service/gateway", "spiffe://rampart.local.evil/service/gateway",
        "spiffe://evil/rampart.local/service/gateway", "https://rampart.local/service/gateway",
        "spiffe:/rampart.local/service/gateway", "spiffe://rampart.localservice/gateway",
        f"spiffe://rampart.local/{'x' * 2026}",
    ],
    ids=lambda text: text[:60],
)  # fmt: skip
def test_what_is_no_id_of_a_workload_is_nobody(spiffe_id: str) -> None:
    assert spiffe_path(spiffe_id, DOMAIN) == ""
    if spiffe_id.isascii() and "\0" not in spiffe_id:
        assert peers(ROOT).of(shown(leaf(ROOT, spiffe_id))) == ""


def test_good_leaf_is_its_path() -> None:
    assert peers(ROOT).of(shown(leaf(ROOT, GATEWAY))) == "service/gateway"
    assert peers(authority(), ROOT).of(shown(leaf(ROOT, GATEWAY, is_ca=None, hosts=()))) == "service/gateway"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (leaf(ROOT, GATEWAY, is_ca=True), "authority"),
        (leaf(ROOT, GATEWAY, is_ca=True, usage=("digital_signature", "key_cert_sign")), "authority"),
        (leaf(ROOT, GATEWAY, usage=("digital_signature", "key_cert_sign")), "authority"),
        (leaf(ROOT, GATEWAY, usage=("digital_signature", "crl_sign")), "authority"),
        (leaf(ROOT, GATEWAY, usage=None), "key_usage"),
        (leaf(ROOT, GATEWAY, usage=("key_agreement",)), "key_usage"),
        (leaf(ROOT, GATEWAY, purposes=None), "extended_key_usage"),
        (leaf(ROOT, GATEWAY, purposes=[SERVER]), "extended_key_usage"),
        (leaf(ROOT, GATEWAY, purposes=[ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), "extended_key_usage"),
        (leaf(ROOT), "no_spiffe_id"),
        (leaf(ROOT, hosts=()), "no_spiffe_id"),
        (leaf(ROOT, GATEWAY, "https://rampart.example/"), "no_spiffe_id"),
        (leaf(ROOT, GATEWAY, GATEWAY), "no_spiffe_id"),
        (leaf(ROOT, f"{GATEWAY}?x"), "no_spiffe_id"),
        (ROOT, "authority"),
    ],
)
def test_leaf_that_the_standard_refuses_is_nobody(bad: Holder, reason: str) -> None:
    before = refusals(reason)
    assert peers(ROOT).of(shown(bad)) == ""
    assert refusals(reason) == before + 1


def test_chain_within_the_path_lengths_is_taken() -> None:
    assert peers(DEEP_ROOT).of(shown(leaf(UNDER, GATEWAY), UNDER)) == "service/gateway"
    one = authority(path_length=1)
    under = authority(one)
    assert peers(one).of(shown(leaf(under, GATEWAY), under)) == "service/gateway"


@pytest.mark.parametrize("roots", [1, 2])
def test_chain_beyond_the_path_length_of_its_authority_is_nobody(roots: int) -> None:
    before = refusals("path")
    beyond = authority(ROOT)
    assert peers(*[ROOT, DEEP_ROOT][:roots]).of(shown(leaf(beyond, GATEWAY), beyond)) == ""
    below = authority(UNDER)
    assert peers(DEEP_ROOT).of(shown(leaf(below, GATEWAY), below, UNDER)) == ""
    assert refusals("path") == before + 2


@pytest.mark.parametrize("hours", [-20, -1, 20, 100])
def test_another_authority_beside_ours_changes_nothing_whenever_it_begins(hours: int) -> None:
    other = authority(begin=timedelta(hours=hours))
    for roots in ((ROOT, other), (other, ROOT)):
        assert peers(*roots).of(shown(leaf(ROOT, GATEWAY))) == "service/gateway"


def test_chain_over_what_is_no_authority_is_nobody() -> None:
    leaf_as_issuer = leaf(DEEP_ROOT, GATEWAY)
    for issuer in (leaf_as_issuer, authority(DEEP_ROOT, is_ca=False), authority(DEEP_ROOT, usage=("crl_sign",))):
        assert peers(DEEP_ROOT).of(shown(leaf(issuer, GATEWAY), issuer)) == ""


@pytest.mark.parametrize(
    ("weak", "reason"),
    [
        (leaf(ROOT, GATEWAY, key=rsa.generate_private_key(65537, 1024)), "weak_key"),
        (leaf(ROOT, GATEWAY, key=ec.generate_private_key(ec.SECP192R1())), "weak_key"),
        (leaf(ROOT, GATEWAY, key=ec.generate_private_key(ec.SECP256K1())), "weak_key"),
        (signed_with_sha1(RSA_ROOT, leaf(RSA_ROOT, GATEWAY)), "path"),
        (leaf(WEAK_ROOT, GATEWAY), "path"),
    ],
    ids=["RSA of 1024 bits", "P-192", "secp256k1", "SHA-1", "authority with RSA of 1024 bits"],
)
def test_weak_key_or_signature_is_nobody(weak: Holder, reason: str) -> None:
    before = refusals(reason)
    assert peers(ROOT, RSA_ROOT, WEAK_ROOT).of(shown(weak)) == ""
    assert refusals(reason) == before + 1


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["RSA of 2048 bits", "P-384", "Ed25519"],
)
def test_strong_key_of_another_kind_is_taken(key: Key) -> None:
    assert peers(RSA_ROOT).of(shown(leaf(RSA_ROOT, GATEWAY, key=key))) == "service/gateway"


@pytest.mark.parametrize(
    ("permitted", "path"),
    [
        (x509.DNSName("localhost"), "service/gateway"),
        (x509.DNSName("elsewhere.example"), ""),
        (x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")), ""),
        # Those of URIs are not read, and so not believed to be kept.
        (x509.UniformResourceIdentifier("elsewhere.example"), ""),
        (x509.UniformResourceIdentifier("rampart.local"), ""),
    ],
)
def test_name_outside_of_what_its_authority_may_name_is_nobody(permitted: x509.GeneralName, path: str) -> None:
    confined = authority(confined=x509.NameConstraints([permitted], None))
    assert peers(confined).of(shown(leaf(confined, GATEWAY))) == path


def test_client_needs_no_purpose_of_a_server() -> None:
    assert peers(ROOT).of(shown(leaf(ROOT, GATEWAY, purposes=[CLIENT]))) == "service/gateway"


def test_expired_certificate_is_nobody_also_on_a_connection_that_is_open() -> None:
    now = time.time()
    clock = [now]
    known = PeerIdentities(DOMAIN, pem(ROOT), clock=lambda: clock[0])
    short = shown(leaf(ROOT, GATEWAY, life=timedelta(minutes=10)))
    long = shown(leaf(ROOT, GATEWAY, life=timedelta(minutes=20)))
    assert known.of(short) == known.of(long) == "service/gateway"
    clock[0] = now + 360
    assert known.of(short) == "service/gateway", "not asked for at every call"
    before = refusals("expired")
    known.forget_expired()
    assert (known.of(short), known.of(long)) == ("", "service/gateway")
    assert known.of(short) == ""
    assert refusals("expired") == before + 1


def test_leaf_is_not_believed_beyond_its_authority() -> None:
    now = time.time()
    clock = [now]
    old = authority(begin=timedelta(minutes=1) - timedelta(days=1))
    known = PeerIdentities(DOMAIN, pem(old), clock=lambda: clock[0])
    assert known.of(shown(leaf(old, GATEWAY))) == "service/gateway"
    clock[0] = now + 120
    known.forget_expired()
    assert known.of(shown(leaf(old, GATEWAY))) == ""


def test_other_authorities_are_believed_at_once() -> None:
    known, ours, theirs = peers(ROOT), shown(leaf(ROOT, GATEWAY)), shown(leaf(DEEP_ROOT, GATEWAY))
    assert (known.of(ours), known.of(theirs)) == ("service/gateway", "")
    known.trust(pem(ROOT, DEEP_ROOT))
    assert (known.of(ours), known.of(theirs)) == ("service/gateway", "service/gateway")
    known.trust(pem(DEEP_ROOT))
    assert (known.of(ours), known.of(theirs)) == ("", "service/gateway")
    with pytest.raises(NoIdentityError):
        known.trust(b"")
    assert known.of(theirs) == "service/gateway"


def test_certificate_of_another_authority_is_nobody() -> None:
    assert peers(ROOT).of(shown(leaf(DEEP_ROOT, GATEWAY))) == ""


@pytest.mark.parametrize("sent", [{}, {"x509_pem_cert": [b"garbage"]}, {"x509_pem_cert": [b""]}, {"peer_dns": [b"x"]}])
def test_peer_without_a_certificate_is_nobody(sent: dict[str, list[bytes]]) -> None:
    assert peers(ROOT).of(sent) == ""


def test_certificate_is_read_once_and_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svid, "KNOWN_PEERS", 2)
    known, bad, before = peers(ROOT), shown(leaf(ROOT)), refusals("no_spiffe_id")
    for _ in range(5):
        assert known.of(bad) == ""
    assert refusals("no_spiffe_id") == before + 1
    for _ in range(3):
        assert known.of(shown(leaf(ROOT, GATEWAY))) == "service/gateway"
    known.of(bad)
    assert refusals("no_spiffe_id") == before + 2


def test_certificates_of_the_local_authority_are_identities(tmp_path: Path) -> None:
    files = Certificates(tmp_path / "tls").identity("service/fraud")
    identities = PeerIdentities(DOMAIN, files.ca.read_bytes())
    assert identities.of({"x509_pem_cert": [files.certificate.read_bytes()]}) == "service/fraud"
