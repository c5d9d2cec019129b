"""Seals the places at which callers go on later: tokens of pages, positions in streams.

A continuation is a place under authenticated encryption (AES-SIV, RFC 5297). Nobody but the service can read or make
one, and it opens for the tenant and the request that it was handed out for and for no other: both are associated data.
Without a nonce equal places have equal texts, so that answers that are equal keep an equal entity tag.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from google.protobuf.message import Message

__all__ = ["Continuations"]

# Of the format. Another one is not opened, hence refused like any text of another origin.
_VERSION = b"1"


class Continuations:
    """The continuations of one service, under keys of 32 bytes that all its replicas share.

    The first key seals; what any of them has sealed is opened, so that keys can be replaced one after the other.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESSIV(key) for key in keys]

    def seal(self, tenant_id: str, request: Message, place: bytes) -> str:
        """Returns a place as base64url. `request` has the fields that must be the same when it comes back, no others.

        Messages of requests belong to one method each, so their name is its name.
        """
        sealed = self._ciphers[0].encrypt(place, _bound_to(tenant_id, request))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, tenant_id: str, request: Message, text: str) -> bytes | None:
        """Returns the place; None for a text that was not sealed for this tenant and request."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        except ValueError:
            return None
        if base64.urlsafe_b64encode(sealed).decode().rstrip("=") != text:
            return None
        bound = _bound_to(tenant_id, request)
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, bound)
            except InvalidTag:
                continue
        return None


def _bound_to(tenant_id: str, request: Message) -> list[bytes]:
    return [
        _VERSION,
        request.DESCRIPTOR.full_name.encode(),
        tenant_id.encode(),
        request.SerializeToString(deterministic=True),
    ]
