"""Certificates of any shape, good and bad, from authorities of the test's own."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["GATEWAY", "Holder", "authority", "leaf", "pem"]

GATEWAY = "spiffe://rampart.local/service/gateway"
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
_LIFE = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Holder:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def authority(
    issuer: Holder | None = None,
    *,
    path_length: int | None = None,
    is_ca: bool = True,
    usage: Collection[str] = ("key_cert_sign",),
    begin: datetime.timedelta = -datetime.timedelta(minutes=5),
) -> Holder:
    """Returns an authority, its own issuer if there is no other, valid for a day from `begin` after now."""
    basic = x509.BasicConstraints(is_ca, path_length if is_ca else None)
    return _make("authority", issuer, [(basic, True), (_usage(usage), True)], begin)


def leaf(
    issuer: Holder,
    *uris: str,
    is_ca: bool | None = False,
    usage: Collection[str] | None = ("digital_signature",),
    hosts: bool = True,
) -> Holder:
    """Returns a certificate with these URIs. Without `is_ca` or `usage` it lacks the extension."""
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    if hosts:
        names += [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    extensions: list[tuple[x509.ExtensionType, bool]] = [(purposes, False)]
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    if is_ca is not None:
        extensions.append((x509.BasicConstraints(is_ca, None), True))
    if usage is not None:
        extensions.append((_usage(usage), True))
    return _make("leaf", issuer, extensions, -datetime.timedelta(minutes=5))


def pem(*holders: Holder) -> bytes:
    return b"".join(holder.certificate.public_bytes(serialization.Encoding.PEM) for holder in holders)


def _make(
    name: str,
    issuer: Holder | None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    begin: datetime.timedelta,
) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    number, start = x509.random_serial_number(), datetime.datetime.now(datetime.UTC) + begin
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {number:x}"[:64])])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key()).serial_number(number)
    builder = builder.issuer_name(issuer.certificate.subject if issuer else subject)
    builder = builder.not_valid_before(start).not_valid_after(start + _LIFE)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _usage(named: Collection[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in named for usage in _USAGES})
