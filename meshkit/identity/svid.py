"""Tells from a peer's certificates who it is: an X509-SVID, as SPIFFE's standards of that name and of the ID define it.

TLS has verified the chain by then, but less of it than the standard asks for: gRPC takes certificates that may sign
others for leaves, and does not count the certificates of a chain against the path length of its CA (ADR 0028).
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from prometheus_client import Counter

from meshkit.settings import SettingsError, TlsFiles

__all__ = ["PeerIdentities", "check_own", "spiffe_path"]

_log = logging.getLogger(__name__)
_refused = Counter("peer_certificates_refused", "Certificates of peers that are no identity of the mesh.", ["reason"])

Extension = TypeVar("Extension", bound=x509.ExtensionType)

MAX_ID_BYTES = 2048
KNOWN_PEERS = 1_000
_SEGMENTS = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)+")


class _NoIdentityError(Exception):
    """Certificates are no identity of the mesh. The message is the metric's label."""


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

    def __init__(self, trust_domain: str, roots: bytes) -> None:
        """`roots` are the PEM certificates of our CA."""
        self._trust_domain = trust_domain
        self._roots = _load_roots(roots)
        self._known: OrderedDict[tuple[bytes, ...], str] = OrderedDict()

    def of(self, shown: Mapping[str, Iterable[bytes]]) -> str:
        """Returns the path of the SPIFFE ID in gRPC's `auth_context`; empty for a peer that is nobody."""
        key = (*shown.get("x509_pem_cert", ()), *shown.get("x509_pem_cert_chain", ()))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._read(key)
            if len(self._known) > KNOWN_PEERS:
                self._known.popitem(last=False)
        return known

    def _read(self, shown: Sequence[bytes]) -> str:
        if not shown:
            return ""
        try:
            certificates = _load(b"\n".join(shown))
            path = _identity(certificates[0], self._trust_domain)
            _check_path(certificates, self._roots)
        except _NoIdentityError as error:
            _refused.labels(str(error)).inc()
            _log.warning("a peer's certificate is no identity of the mesh: %s", error)
            return ""
        return path


def check_own(files: TlsFiles, trust_domain: str) -> None:
    """Raises SettingsError for a certificate of ours that the peers must refuse."""
    try:
        certificates = _load(files.certificate.read_bytes())
        _identity(certificates[0], trust_domain)
        _check_path(certificates, _load_roots(files.ca.read_bytes()))
    except _NoIdentityError as error:
        raise SettingsError(
            f"RAMPART_TLS_CERT_FILE names {files.certificate}, which is no X509-SVID of {trust_domain}: {error}"
        ) from error


def _load_roots(roots: bytes) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(roots)
    except ValueError as error:
        raise SettingsError("RAMPART_TLS_CA_FILE names a file that holds no certificate in PEM") from error


def _load(text: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError as error:
        raise _NoIdentityError("unreadable") from error


def _identity(leaf: x509.Certificate, trust_domain: str) -> str:
    """Returns the path of the one SPIFFE ID of a leaf (X509-SVID, sections 2, 4.1, 4.3 and 5.2)."""
    basic, usage = _extension(leaf, x509.BasicConstraints), _extension(leaf, x509.KeyUsage)
    names = _extension(leaf, x509.SubjectAlternativeName)
    if (basic is not None and basic.ca) or (usage is not None and (usage.key_cert_sign or usage.crl_sign)):
        raise _NoIdentityError("authority")
    if usage is None or not usage.digital_signature:
        raise _NoIdentityError("key_usage")
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else []
    path = spiffe_path(uris[0], trust_domain) if len(uris) == 1 else ""
    if not path:
        raise _NoIdentityError("no_spiffe_id")
    return path


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise _NoIdentityError("unreadable") from error


def _check_path(certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> None:
    """Verifies the path to our CA (RFC 5280, section 6.1), path lengths included.

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
        builder.time(max(moments)).build_client_verifier().verify(certificates[0], list(certificates[1:]))
    except (VerificationError, ValueError) as error:
        raise _NoIdentityError("path") from error


def _signs_certificates(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the key of an authority does not sign certificates")
