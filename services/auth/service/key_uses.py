"""Notes when API keys were last used, beside the calls that use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.auth.ports import ApiKeyStore

__all__ = ["INTERVAL_SECONDS", "KeyUses"]

INTERVAL_SECONDS = 60.0
MOST = 10_000
"""Keys between two writings; uses of more are not noted."""


class KeyUses:
    """Collects uses in memory until they are written (see `meshkit.periodic`): at most one write a minute for a key."""

    def __init__(self, store: ApiKeyStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._uses: dict[tuple[str, str], datetime] = {}

    def note(self, tenant_id: str, key_id: str) -> None:
        """Notes a use now."""
        name = (tenant_id, key_id)
        if name in self._uses or len(self._uses) < MOST:
            self._uses[name] = self._clock()

    async def write(self) -> int:
        """Stores what was noted. Returns 0, for there is no more to do before the next minute."""
        uses, self._uses = self._uses, {}
        if uses:
            await self._store.note_uses(uses)
        return 0
