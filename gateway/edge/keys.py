"""The port of credentials that callers show instead of access tokens, and that are exchanged for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from meshkit.context import CallContext
from meshkit.identity.api_keys import api_key_invalid
from meshkit.identity.tokens import Permit

__all__ = ["KeySource", "NoKeys"]


class KeySource(Protocol):
    """Has access tokens for keys."""

    def shown(self, headers: Mapping[bytes, bytes], bearer: str) -> str:
        """Returns the key that a request shows, in a header of its own or as its bearer token; empty if none."""
        ...

    def known(self, key: str) -> str | None:
        """Returns the token of a key that was exchanged a while ago, without waiting; None if there is none."""
        ...

    async def exchange(self, key: str, permit: Permit, call: CallContext) -> str:
        """Returns a token for a key. Raises API_KEY_INVALID for one that is not good, UNAVAILABLE if nobody can say.

        `permit` can refuse before anything is done for a key that was never good.
        """
        ...

    def forget(self, key: str) -> None:
        """Forgets the token of a key, because it was refused."""
        ...


class NoKeys:
    """Implements `KeySource` where there are none."""

    def shown(self, headers: Mapping[bytes, bytes], bearer: str) -> str:
        return ""

    def known(self, key: str) -> str | None:
        return None

    async def exchange(self, key: str, permit: Permit, call: CallContext) -> str:
        raise api_key_invalid()

    def forget(self, key: str) -> None:
        """Knows none."""
