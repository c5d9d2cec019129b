"""Encrypts signing keys at rest: AES-256-GCM, bound to the key's identifier."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from meshkit.settings import SettingsError

__all__ = ["AesSealer"]

_NONCE_BYTES = 12


class AesSealer:
    """Implements `Sealer` under one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, name: str) -> bytes:
        """Returns a random nonce and the ciphertext; `name` must be given again to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """Raises SettingsError if the key of this process is not the one that it was sealed with."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except InvalidTag as error:
            raise SettingsError("RAMPART_AUTH_KEY_FILE does not hold the key of the stored signing keys") from error
