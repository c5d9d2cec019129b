"""Who a peer is, by X509-SVID: every certificate that the standard refuses is nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from meshkit.identity import svid
from meshkit.identity.svid import PeerIdentities, check_own, spiffe_path
from meshkit.settings import SettingsError, TlsFiles
from tests.support.certificates import Certificates
from tests.support.pki import GATEWAY, Holder, authority, leaf, pem

DOMAIN = "rampart.local"
ROOT = authority(path_length=0)
DEEP_ROOT = authority()
UNDER = authority(DEEP_ROOT, path_length=0)


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
    assert peers(authority(), ROOT).of(shown(leaf(ROOT, GATEWAY, is_ca=None, hosts=False))) == "service/gateway"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (leaf(ROOT, GATEWAY, is_ca=True), "authority"),
        (leaf(ROOT, GATEWAY, is_ca=True, usage=("digital_signature", "key_cert_sign")), "authority"),
        (leaf(ROOT, GATEWAY, usage=("digital_signature", "key_cert_sign")), "authority"),
        (leaf(ROOT, GATEWAY, usage=("digital_signature", "crl_sign")), "authority"),
        (leaf(ROOT, GATEWAY, usage=None), "key_usage"),
        (leaf(ROOT, GATEWAY, usage=("key_agreement",)), "key_usage"),
        (leaf(ROOT), "no_spiffe_id"),
        (leaf(ROOT, hosts=False), "no_spiffe_id"),
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
    check_own(files, DOMAIN)
    identities = PeerIdentities(DOMAIN, files.ca.read_bytes())
    assert identities.of({"x509_pem_cert": [files.certificate.read_bytes()]}) == "service/fraud"


def test_process_refuses_to_start_without_a_readable_authority(tmp_path: Path) -> None:
    files = TlsFiles(tmp_path / "ca", tmp_path / "certificate", tmp_path / "key")
    files.ca.write_bytes(b"nothing")
    files.certificate.write_bytes(pem(leaf(ROOT, GATEWAY)))
    with pytest.raises(SettingsError, match="RAMPART_TLS_CA_FILE"):
        check_own(files, DOMAIN)


@pytest.mark.parametrize("bad", [leaf(ROOT, GATEWAY, is_ca=True), leaf(ROOT), leaf(DEEP_ROOT, GATEWAY)])
def test_process_refuses_to_start_with_a_certificate_that_its_peers_would_refuse(tmp_path: Path, bad: Holder) -> None:
    files = TlsFiles(tmp_path / "ca", tmp_path / "certificate", tmp_path / "key")
    files.ca.write_bytes(pem(ROOT))
    files.certificate.write_bytes(pem(bad))
    with pytest.raises(SettingsError, match=r"RAMPART_TLS_CERT_FILE names .*certificate, which is no X509-SVID"):
        check_own(files, DOMAIN)
