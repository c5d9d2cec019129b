"""Makes certificates: of an authority, and of the processes and callers that it names."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = datetime.timedelta(days=3650)
LIFE = datetime.timedelta(days=365)
BACKDATE = datetime.timedelta(minutes=5)
"""Clocks of containers on one machine may differ a little."""


def new_key() -> ec.EllipticCurvePrivateKey:
    """Returns a key of the kind that confines the mesh to TLS 1.3."""
    return ec.generate_private_key(ec.SECP256R1())


def new_authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Returns the certificate of an authority that signs leaves alone. No two have the same name."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Rampart local CA {x509.random_serial_number():x}"[:64])]
    )
    builder = _builder(name, name, key.public_key(), AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(key, hashes.SHA256())


def new_leaf(
    ca: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    name: str,
    spiffe_id: str,
) -> x509.Certificate:
    """Returns the certificate of a process or caller. Only a service serves, also under the host name `name`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if _serves(spiffe_id) else [])]
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = _builder(subject, ca.subject, key, LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(_names(name, spiffe_id)), critical=False)
    builder = builder.add_extension(identifier, critical=False)
    return builder.sign(signer, hashes.SHA256())


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
    uri = x509.UniformResourceIdentifier(spiffe_id)
    if not _serves(spiffe_id):
        return [uri]
    service = spiffe_id.rpartition("/")[2]
    hosts = ["localhost", name, *([service] if service != name else [])]
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    return [uri, *map(x509.DNSName, hosts), *addresses]


def _serves(spiffe_id: str) -> bool:
    return spiffe_id.split("/")[3:-1] == ["service"]
