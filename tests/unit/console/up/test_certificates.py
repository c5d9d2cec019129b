"""The local certificate authority."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store

from console.up import certificates
from console.up.certificates import Authority

IDENTITIES = {"fraud": "service/fraud", "operator": "operator"}


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_certificate_names_its_process_and_this_machine(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "rampart.test")
    authority.ensure(IDENTITIES)
    certificate = read(authority.certificate("fraud"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://rampart.test/service/fraud"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "fraud"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_a_certificate_is_verified_by_the_authority_and_not_by_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        Authority(tmp_path / name, "rampart.test").ensure(IDENTITIES)
    leaf = read(tmp_path / "one/fraud.pem")
    verifier = (
        PolicyBuilder().store(Store([read(tmp_path / "one/ca.pem")])).build_server_verifier(x509.DNSName("localhost"))
    )
    verifier.verify(leaf, [])
    other = (
        PolicyBuilder().store(Store([read(tmp_path / "two/ca.pem")])).build_server_verifier(x509.DNSName("localhost"))
    )
    with pytest.raises(x509.verification.VerificationError):
        other.verify(leaf, [])


def test_keys_are_for_the_user_alone(tmp_path: Path) -> None:
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_good_certificates_stay(tmp_path: Path) -> None:
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    before = contents(tmp_path)
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    assert contents(tmp_path) == before


def test_a_certificate_about_to_expire_is_renewed_under_the_same_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "LIFE", datetime.timedelta(days=59))
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    monkeypatch.undo()
    before = contents(tmp_path)
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    after = contents(tmp_path)
    assert after["ca.pem"] == before["ca.pem"]
    assert after["fraud.pem"] != before["fraud.pem"]


@pytest.mark.parametrize("lost", ["ca.pem", "ca.key"])
def test_a_lost_authority_is_made_again_with_all_that_it_signs(tmp_path: Path, lost: str) -> None:
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    before = contents(tmp_path)
    (tmp_path / lost).unlink()
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    after = contents(tmp_path)
    assert not set(before.values()) & set(after.values())
    read(tmp_path / "fraud.pem").verify_directly_issued_by(read(tmp_path / "ca.pem"))


def test_another_trust_domain_gets_its_own_certificates(tmp_path: Path) -> None:
    Authority(tmp_path, "one.test").ensure(IDENTITIES)
    Authority(tmp_path, "two.test").ensure(IDENTITIES)
    names = read(tmp_path / "operator.pem").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://two.test/operator"]
