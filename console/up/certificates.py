"""Issues certificates: the platform's own authority, and one for each process and caller."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from console.up.state import write_private

AUTHORITY_LIFE = datetime.timedelta(days=3650)
LIFE = datetime.timedelta(days=365)
RENEW_BEFORE = datetime.timedelta(days=60)
BACKDATE = datetime.timedelta(minutes=5)
"""Clocks of containers on one machine may differ a little."""


class Authority:
    """Keeps `ca.pem`, and `<name>.pem` with `<name>.key`, in a folder; makes what is missing or about to expire."""

    def __init__(self, folder: Path, trust_domain: str) -> None:
        self._folder = folder
        self._trust_domain = trust_domain
        self.ca_file = folder / "ca.pem"

    def certificate(self, name: str) -> Path:
        return self._folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self._folder / f"{name}.key"

    def ensure(self, identities: dict[str, str]) -> None:
        """Makes the certificates of `identities`: file name to the path of the SPIFFE ID, such as "service/auth"."""
        ca = _read(self.ca_file)
        if ca is None or not self.key("ca").exists() or _expires(ca, RENEW_BEFORE):
            ca = self._make_authority()
        for name, path in identities.items():
            self._ensure_leaf(ca, name, f"spiffe://{self._trust_domain}/{path}")

    def _ensure_leaf(self, ca: x509.Certificate, name: str, spiffe_id: str) -> None:
        known = _read(self.certificate(name))
        if (
            known is None
            or not self.key(name).exists()
            or _expires(known, RENEW_BEFORE)
            or not _fits(known, ca, spiffe_id)
        ):
            key = ec.generate_private_key(ec.SECP256R1())
            self._write(name, key, self._sign_leaf(ca, key, name, spiffe_id))

    def _make_authority(self) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"Rampart local CA {x509.random_serial_number():x}"[:64])]
        )
        builder = _builder(name, name, key.public_key(), AUTHORITY_LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        self._write("ca", key, builder.sign(key, hashes.SHA256()))
        ca = _read(self.ca_file)
        assert ca is not None
        return ca

    def _sign_leaf(
        self, ca: x509.Certificate, key: ec.EllipticCurvePrivateKey, name: str, spiffe_id: str
    ) -> x509.Certificate:
        signer = serialization.load_pem_private_key(self.key("ca").read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = _builder(subject, ca.subject, key.public_key(), LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(_names(name, spiffe_id)), critical=False)
        builder = builder.add_extension(identifier, critical=False)
        return builder.sign(signer, hashes.SHA256())

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(self.key(name), private)
        write_private(self.certificate(name), certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - BACKDATE).not_valid_after(now + life)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _names(name: str, spiffe_id: str) -> Iterable[x509.GeneralName]:
    """Names a service also as clients of the mesh look for it: by its own name alone."""
    kind, _, service = spiffe_id.rpartition("/")
    hosts = ["localhost", name, *([service] if kind.endswith("/service") and service != name else [])]
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    return [x509.UniformResourceIdentifier(spiffe_id), *map(x509.DNSName, hosts), *addresses]


def _read(path: Path) -> x509.Certificate | None:
    """Returns a stored certificate, None if there is none that can be read: it is then made again."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _expires(certificate: x509.Certificate, within: datetime.timedelta) -> bool:
    return certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC) + within


def _fits(certificate: x509.Certificate, ca: x509.Certificate, spiffe_id: str) -> bool:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if names.get_values_for_type(x509.UniformResourceIdentifier) != [spiffe_id]:
        return False
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return authority.key_identifier == x509.SubjectKeyIdentifier.from_public_key(ca.public_key()).digest
