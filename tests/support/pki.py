"""Certificates of any shape, good and bad, from authorities of the test's own."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["BOTH", "GATEWAY", "Holder", "Key", "authority", "leaf", "pem", "signed_with_sha1"]

GATEWAY = "spiffe://rampart.local/service/gateway"
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
_LIFE = datetime.timedelta(days=1)
_MOMENT = datetime.timedelta(minutes=5)
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)

_RSA_SHA256, _RSA_SHA1 = (bytes.fromhex(f"06092a864886f70d0101{number}") for number in ("0b", "05"))

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Holder:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

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
    begin: datetime.timedelta = -_MOMENT,
    confined: x509.NameConstraints | None = None,
    key: Key | None = None,
) -> Holder:
    """Returns an authority, its own issuer if there is no other, valid for a day from `begin` after now."""
    basic = x509.BasicConstraints(is_ca, path_length if is_ca else None)
    extensions: list[tuple[x509.ExtensionType, bool]] = [(basic, True), (_usage(usage), True)]
    if confined is not None:
        extensions.append((confined, True))
    return _make("authority", issuer, extensions, begin, key=key)


def leaf(
    issuer: Holder,
    *uris: str,
    is_ca: bool | None = False,
    usage: Collection[str] | None = ("digital_signature",),
    purposes: Collection[x509.ObjectIdentifier] | None = BOTH,
    hosts: Collection[str] = ("localhost",),
    begin: datetime.timedelta = -_MOMENT,
    life: datetime.timedelta = _LIFE,
    key: Key | None = None,
) -> Holder:
    """Returns a certificate with these URIs. Without `is_ca`, `usage` or `purposes` it lacks the extension."""
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    if hosts:
        names += [*map(x509.DNSName, hosts), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if purposes is not None:
        extensions.append((x509.ExtendedKeyUsage(list(purposes)), False))
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    if is_ca is not None:
        extensions.append((x509.BasicConstraints(is_ca, None), True))
    if usage is not None:
        extensions.append((_usage(usage), True))
    return _make("leaf", issuer, extensions, begin, life, key)


def signed_with_sha1(by: Holder, good: Holder) -> Holder:
    """Returns a certificate of an authority with an RSA key as it is when that signs with SHA-1.

    The library signs no certificate so; the algorithm's name is as long as that with SHA-256, so it is written over it.
    """
    assert isinstance(by.key, rsa.RSAPrivateKey)
    old = good.certificate.public_bytes(serialization.Encoding.DER)
    body = good.certificate.tbs_certificate_bytes.replace(_RSA_SHA256, _RSA_SHA1)
    new = old.replace(_RSA_SHA256, _RSA_SHA1)
    new = new.replace(good.certificate.signature, by.key.sign(body, padding.PKCS1v15(), hashes.SHA1()))
    return Holder(x509.load_der_x509_certificate(new), good.key)


def pem(*holders: Holder) -> bytes:
    return b"".join(holder.certificate.public_bytes(serialization.Encoding.PEM) for holder in holders)


def _make(
    name: str,
    issuer: Holder | None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    begin: datetime.timedelta,
    life: datetime.timedelta = _LIFE,
    key: Key | None = None,
) -> Holder:
    key = key or ec.generate_private_key(ec.SECP256R1())
    number, start = x509.random_serial_number(), datetime.datetime.now(datetime.UTC) + begin
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {number:x}"[:64])])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key()).serial_number(number)
    builder = builder.issuer_name(issuer.certificate.subject if issuer else subject)
    builder = builder.not_valid_before(start).not_valid_after(start + life)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Holder(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _usage(named: Collection[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in named for usage in _USAGES})
