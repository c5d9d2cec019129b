"""Access tokens by client credentials (RFC 6749, section 4.4), over gRPC."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from ._call import Caller
from ._gen.methods import ISSUE_TOKEN
from ._gen.rampart.auth.v1 import IssueTokenRequest
from .config import Config
from .errors import RampartError

RENEW_AFTER = 0.8
"""Share of a token's lifetime after which it is renewed."""
MARGIN = 5.0
"""Seconds before its end when a token is no longer used, and between attempts to renew one that still holds."""


@dataclass
class _Held:
    token: str
    renew_at: float
    ends_at: float


class TokenSource:
    """Holds one token, renews it before it expires, and asks once however many calls are waiting.

    A token that cannot be renewed is used as long as it holds.
    """

    def __init__(self, caller: Caller, config: Config) -> None:
        self._caller = caller
        self._request = IssueTokenRequest(
            client_id=config.client_id, client_secret=config.client_secret, scope=config.scope
        )
        self._lock = asyncio.Lock()
        self._held: _Held | None = None

    async def token(self) -> str:
        """Returns a token that is valid now. Raises RampartError if there is none to be had."""
        held = self._held
        now = time.monotonic()
        if held and (now < held.renew_at or (self._lock.locked() and now < held.ends_at)):
            return held.token
        async with self._lock:
            held = self._held
            if held and time.monotonic() < held.renew_at:
                return held.token
            return await self._renew(held)

    def reject(self, token: str) -> None:
        """Forgets a token that a service has refused."""
        if self._held and self._held.token == token:
            self._held = None

    async def _renew(self, held: _Held | None) -> str:
        asked_at = time.monotonic()
        try:
            answer = await self._caller.call(ISSUE_TOKEN, self._request, {})
        except RampartError:
            if held is None or time.monotonic() >= held.ends_at:
                raise
            held.renew_at = time.monotonic() + MARGIN
            return held.token
        self._held = _Held(
            token=answer.access_token,
            renew_at=asked_at + answer.expires_in * RENEW_AFTER,
            ends_at=asked_at + answer.expires_in - MARGIN,
        )
        return answer.access_token
