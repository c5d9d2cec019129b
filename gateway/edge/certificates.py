"""Finds the certificate that a client showed to the proxy which ended its TLS connection (RFC 9440).

Whoever can write the header can claim any certificate. So it counts from the peers of one setting alone, which names
proxies that take it out of what clients send; by default there are none, and the header is not looked at.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from starlette.types import Scope

from gateway.edge.address import parse_address
from gateway.edge.trusted import TrustedPeers
from gateway.errors.places import malformed
from gateway.grammar.structured import StructuredFieldError, read_bytes
from meshkit.settings import Reader

__all__ = ["ClientCertificates"]

HEADER = "client-cert"
_FIELD = HEADER.encode()


@dataclass(frozen=True, slots=True)
class _Proxies:
    trusted: str
    """Addresses and networks of proxies, such as `10.0.0.5,unix`, that end TLS, say in `Client-Cert` (RFC 9440) which
    certificate the client showed, and let no `Client-Cert` of a client through. Tokens can be bound to it then."""


class ClientCertificates:
    """Knows whom to believe about certificates."""

    def __init__(self, trusted: TrustedPeers = TrustedPeers()) -> None:
        self._trusted = trusted

    @classmethod
    def read(cls, reader: Reader) -> ClientCertificates:
        """Raises SettingsError."""
        said = _Proxies(trusted=reader.text("RAMPART_CLIENT_CERT_PROXIES", ""))
        return cls(TrustedPeers.read("RAMPART_CLIENT_CERT_PROXIES", said.trusted))

    def __bool__(self) -> bool:
        return bool(self._trusted)

    def shown(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Returns the thumbprint of the client's certificate (RFC 8705, section 3.1), empty if nobody trusted says one.

        Raises MALFORMED_REQUEST for what a trusted proxy has written and nobody can read.
        """
        field = headers.get(_FIELD, b"")
        if not field or not self._trusted:
            return ""
        client = scope.get("client")
        return _thumbprint(field) if self._trusted.hold(parse_address(client[0] if client else "")) else ""


@lru_cache(maxsize=1_024)
def _thumbprint(field: bytes) -> str:
    """Returns the SHA-256 of a certificate in base64url. Empty, as some proxies write it, is none."""
    try:
        der = read_bytes(field)
        if der:
            x509.load_der_x509_certificate(der)
    except StructuredFieldError as error:
        raise malformed("header", HEADER, str(error)) from None
    except ValueError:
        raise malformed("header", HEADER, "holds no certificate") from None
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode() if der else ""
