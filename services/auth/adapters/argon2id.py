"""Computes Argon2id (RFC 9106), here and now. What hashes beside everything else is `adapters/argon2_hasher.py`."""

from __future__ import annotations

import base64
import os

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["Argon2id"]


class Argon2id:
    """Hashes with one set of parameters, and verifies with those of each hash."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)

    def hash(self, password: str) -> str:
        return self._argon2.hash(password)

    def matches(self, password_hash: str, password: str) -> bool:
        """Tells whether the hash is one of the password."""
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def of_nobody(self) -> str:
        """Returns what no password is known to match, and takes as long to find out as any hash."""
        salt, digest = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
        argon2 = self._argon2
        return f"$argon2id$v=19$m={argon2.memory_cost},t={argon2.time_cost},p={argon2.parallelism}${salt}${digest}"

    def outdated(self, password_hash: str) -> bool:
        """Tells whether the hash was made with other parameters."""
        return self._argon2.check_needs_rehash(password_hash)
