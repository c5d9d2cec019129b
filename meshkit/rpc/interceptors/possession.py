"""Checks tokens that are bound to their sender where the sender itself calls, without a gateway between.

A gateway has checked proofs of possession, and a service the certificate of who called it, before either passes a token
on. Only what callers from outside the mesh send is left to check.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from meshkit.context import Confirmation
from meshkit.errors import Kind, MeshError

__all__ = ["certificate_thumbprint", "check_sender", "sender_certificate"]

_OUTSIDE = "client/"
"""Begins the path of every caller that is not the platform's own."""
_CERTIFICATE = "x509_pem_cert"


def check_sender(bound: Confirmation | None, peer: str, connection: Mapping[str, Iterable[bytes]]) -> None:
    """Refuses a bound token from a caller that does not prove to hold what it is bound to. Raises TOKEN_INVALID.

    `connection` is the authentication context of the call. There are no DPoP proofs over gRPC (RFC 9449 is for HTTP),
    so that a token bound to a key is good for the gateway alone.
    """
    if bound is None or not peer.startswith(_OUTSIDE):
        return
    if bound.method != "x5t#S256":
        raise _refused("is bound to a key, of which there is no proof here")
    if not hmac.compare_digest(sender_certificate(peer, connection), bound.thumbprint):
        raise _refused("is bound to another certificate")


def sender_certificate(peer: str, connection: Mapping[str, Iterable[bytes]]) -> str:
    """Returns the thumbprint of the certificate of a caller from outside the mesh, to which its tokens may be bound.

    It is empty for a caller that passes on what others ask for: its certificate says nothing of them.
    """
    shown = b"".join(connection.get(_CERTIFICATE, ())) if peer.startswith(_OUTSIDE) else b""
    return certificate_thumbprint(shown) if shown else ""


def certificate_thumbprint(pem: bytes) -> str:
    """Returns the SHA-256 of a certificate in base64url (RFC 8705, section 3.1)."""
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _refused(what: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", f"the access token {what}")
