"""Tells from a peer's certificates who it is: an X509-SVID, as SPIFFE's standards of that name and of the ID define it.

TLS has verified the chain by then, but less of it than the standard asks for: gRPC takes certificates that may sign
others for leaves, and does not count the certificates of a chain against the path length of its CA (ADR 0028). Nor does
it look again: a connection lasts longer than the certificates that it was opened with.
"""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from prometheus_client import Counter

__all__ = ["CLIENT", "SERVER", "NoIdentityError", "PeerIdentities", "Svid", "load", "read_svid", "spiffe_path"]

_log = logging.getLogger(__name__)
_refused = Counter("peer_certificates_refused", "Certificates of peers that are no identity of the mesh.", ["reason"])

Extension = TypeVar("Extension", bound=x509.ExtensionType)

MAX_ID_BYTES = 2048
KNOWN_PEERS = 1_000
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
LEAST_RSA_BITS = 2048
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
_SEGMENTS = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)+")


class NoIdentityError(Exception):
    """Certificates are no identity of the mesh. The message is the metric's label."""


@dataclass(frozen=True, slots=True)
class Svid:
    """What a certificate says, once it is verified."""

    path: str
    """Path of the SPIFFE ID, such as "service/gateway"."""
    since: float
    """Seconds since 1970 from which the whole chain is valid."""
    until: float
    """Seconds since 1970 at which the first certificate of the chain expires, that of the authority included."""


def spiffe_path(spiffe_id: str, trust_domain: str) -> str:
    """Returns "service/gateway" of "spiffe://DOMAIN/service/gateway" (SPIFFE-ID, section 2); empty for any other text.

    The path of a workload has segments of letters, digits and ".-_", none of them empty, "." or "..".
    """
    prefix = f"spiffe://{trust_domain}"
    path = spiffe_id.removeprefix(prefix)
    if len(spiffe_id) > MAX_ID_BYTES or path == spiffe_id or not _SEGMENTS.fullmatch(path):
        return ""
    return path[1:]


class PeerIdentities:
    """Reads the identities of peers, each certificate once: a connection shows the same ones at every call."""

    def __init__(self, trust_domain: str, roots: bytes, *, clock: Callable[[], float] = time.time) -> None:
        """`roots` are the PEM certificates of our CA, `clock` says the seconds since 1970. Raises NoIdentityError."""
        self._trust_domain = trust_domain
        self._roots = load(roots)
        self._clock = clock
        self._known: OrderedDict[tuple[bytes, ...], str] = OrderedDict()
        self._until: dict[tuple[bytes, ...], float] = {}

    def of(self, shown: Mapping[str, Iterable[bytes]]) -> str:
        """Returns the path of the SPIFFE ID in gRPC's `auth_context`; empty for a peer that is nobody."""
        key = (*shown.get("x509_pem_cert", ()), *shown.get("x509_pem_cert_chain", ()))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._read(key)
            if len(self._known) > KNOWN_PEERS:
                self._until.pop(self._known.popitem(last=False)[0], None)
        return known

    def trust(self, roots: bytes) -> None:
        """Believes the PEM certificates of these authorities alone, on connections that are open as on new ones.

        Raises NoIdentityError.
        """
        self._roots = load(roots)
        self._known.clear()
        self._until.clear()

    def forget_expired(self) -> None:
        """Makes nobody of the peers whose certificates have expired since they connected."""
        now = self._clock()
        for key in [key for key, until in self._until.items() if until <= now]:
            del self._until[key], self._known[key]

    def _read(self, shown: tuple[bytes, ...]) -> str:
        if not shown:
            return ""
        try:
            svid = read_svid(load(b"\n".join(shown)), self._roots, self._trust_domain, purposes={CLIENT})
            if svid.until <= self._clock():
                raise NoIdentityError("expired")
        except NoIdentityError as error:
            _refused.labels(str(error)).inc()
            _log.warning("a peer's certificate is no identity of the mesh: %s", error)
            return ""
        self._until[shown] = svid.until
        return svid.path


def read_svid(
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    trust_domain: str,
    *,
    purposes: set[x509.ObjectIdentifier],
) -> Svid:
    """Returns what a leaf, followed by intermediate certificates, says. Raises NoIdentityError.

    The leaf names each of the `purposes` (extended key usages); none that it does not name goes without saying.
    """
    path = _identity(chain[0], trust_domain)
    usage = _extension(chain[0], x509.ExtendedKeyUsage)
    if usage is None or not purposes.issubset(usage):
        raise NoIdentityError("extended_key_usage")
    if not _is_strong(chain[0].public_key()):
        raise NoIdentityError("weak_key")
    verified = _verified_path(chain, roots)
    return Svid(
        path,
        since=max(each.not_valid_before_utc for each in verified).timestamp(),
        until=min(each.not_valid_after_utc for each in verified).timestamp(),
    )


def load(text: bytes) -> list[x509.Certificate]:
    """Returns the certificates of a PEM text, which holds at least one. Raises NoIdentityError."""
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError as error:
        raise NoIdentityError("unreadable") from error


def _identity(leaf: x509.Certificate, trust_domain: str) -> str:
    """Returns the path of the one SPIFFE ID of a leaf (X509-SVID, sections 2, 4.1, 4.3 and 5.2)."""
    basic, usage = _extension(leaf, x509.BasicConstraints), _extension(leaf, x509.KeyUsage)
    names = _extension(leaf, x509.SubjectAlternativeName)
    if (basic is not None and basic.ca) or (usage is not None and (usage.key_cert_sign or usage.crl_sign)):
        raise NoIdentityError("authority")
    if usage is None or not usage.digital_signature:
        raise NoIdentityError("key_usage")
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else []
    path = spiffe_path(uris[0], trust_domain) if len(uris) == 1 else ""
    if not path:
        raise NoIdentityError("no_spiffe_id")
    return path


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise NoIdentityError("unreadable") from error


def _is_strong(key: object) -> bool:
    """Looks at the key of a leaf, as the path's verification does at those of authorities."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, CURVES)
    return isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS
    )


def _verified_path(
    certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> Sequence[x509.Certificate]:
    """Returns the path to our CA (RFC 5280, section 6.1), verified with its path lengths, names, keys and signatures.

    That they are valid now TLS has checked, by the clock of the system. We look at the last moment at which one of them
    began to be valid: whatever is valid now was valid then.
    """
    authority = ExtensionPolicy.permit_all()
    authority = authority.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    authority = authority.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    end = certificates[0].not_valid_after_utc
    moments = [begin for each in (*certificates, *roots) if (begin := each.not_valid_before_utc) <= end]
    builder = (
        PolicyBuilder()
        .store(Store(list(roots)))
        .extension_policies(ca_policy=authority, ee_policy=ExtensionPolicy.permit_all())
    )
    try:
        verifier = builder.time(max(moments)).build_client_verifier()
        return verifier.verify(certificates[0], list(certificates[1:])).chain
    except (VerificationError, ValueError) as error:
        raise NoIdentityError("path") from error


def _signs_certificates(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the key of an authority does not sign certificates")
