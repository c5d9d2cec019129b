"""The local certificate authority."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from console.failure import CommandFailure
from console.up import issuing
from console.up.certificates import Authority

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
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
    monkeypatch.setattr(issuing, "LIFE", datetime.timedelta(days=59))
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


def signed_by(leaf: Path, ca: x509.Certificate) -> bool:
    try:
        read(leaf).verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_authority_is_replaced_step_by_step_and_a_start_between_steps_undoes_none(tmp_path: Path) -> None:
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES | {"client-orders": "client/orders"})
    former = read(tmp_path / "ca.pem")
    authority = Authority.of(tmp_path)
    authority.trust_next()
    trusted = x509.load_pem_x509_certificates((tmp_path / "ca.pem").read_bytes())
    assert trusted[0] == former
    for again in (authority.trust_next, lambda: Authority(tmp_path, "rampart.test").ensure(IDENTITIES)):
        again()
        assert x509.load_pem_x509_certificates((tmp_path / "ca.pem").read_bytes()) == trusted
        assert signed_by(tmp_path / "fraud.pem", former)
    authority.sign_with_next()
    authority.sign_with_next()
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    for name in ("fraud", "operator", "client-orders"):
        assert signed_by(tmp_path / f"{name}.pem", trusted[1])
    assert authority.is_being_replaced
    authority.trust_signing()
    assert not authority.is_being_replaced
    assert x509.load_pem_x509_certificates((tmp_path / "ca.pem").read_bytes()) == trusted[1:]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert not (tmp_path / "next.key").exists()


def test_next_authority_whose_certificate_was_not_written_is_made_anew(tmp_path: Path) -> None:
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    (tmp_path / "next.key").write_bytes((tmp_path / "fraud.key").read_bytes())
    Authority.of(tmp_path).trust_next()
    assert len(x509.load_pem_x509_certificates((tmp_path / "ca.pem").read_bytes())) == 2
    assert (tmp_path / "next.key").read_bytes() != (tmp_path / "fraud.key").read_bytes()


def test_folder_without_certificates_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandFailure, match="holds no certificates"):
        Authority.of(tmp_path)


def test_certificates_of_callers_are_renewed_with_those_of_processes(tmp_path: Path) -> None:
    Authority(tmp_path, "rampart.test").ensure({"client-orders": "client/orders"})
    (tmp_path / "ca.key").unlink()
    Authority(tmp_path, "rampart.test").ensure(IDENTITIES)
    assert signed_by(tmp_path / "client-orders.pem", read(tmp_path / "ca.pem"))


def test_only_a_service_has_its_own_name_for_a_host(tmp_path: Path) -> None:
    """A caller that is named like a service must not be taken for it."""
    identities = {"client-fraud": "client/fraud", "operator": "operator", "service-user": "service/user"}
    Authority(tmp_path, "rampart.test").ensure(identities)
    hosts, purposes = {}, {}
    for name in identities:
        extensions = read(tmp_path / f"{name}.pem").extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts[name] = names.get_values_for_type(x509.DNSName)
        purposes[name] = set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert hosts == {"client-fraud": [], "operator": [], "service-user": ["localhost", "service-user", "user"]}
    assert purposes == {"client-fraud": {CLIENT}, "operator": {CLIENT}, "service-user": {CLIENT, SERVER}}
