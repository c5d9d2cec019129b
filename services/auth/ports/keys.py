"""Where signing keys are kept, and how they are encrypted there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.auth.domain.keys import SigningKey

__all__ = ["KeyChange", "Sealer", "SigningKeyStore"]


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to be done with the stored keys."""

    add: Sequence[SigningKey] = field(default=())
    remove: Sequence[SigningKey] = field(default=())


class SigningKeyStore(Protocol):
    """Signing keys, shared by every replica."""

    async def revise(self, plan: Callable[[Sequence[SigningKey]], KeyChange]) -> list[SigningKey]:
        """Applies what `plan` makes of the stored keys and returns the keys after it; one caller at a time."""
        ...


class Sealer(Protocol):
    """Encrypts signing keys at rest."""

    def seal(self, plain: bytes, name: str) -> bytes:
        """Returns the ciphertext; `name` must be given again to open it."""
        ...

    def open(self, sealed: bytes, name: str) -> bytes:
        """Raises SettingsError if the key of this process is not the one that it was sealed with."""
        ...
