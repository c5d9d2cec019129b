"""Keeps the signing keys of this process: reads them from the store, creates and replaces them when due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from meshkit.errors import MeshError
from services.auth import errors
from services.auth.domain.keys import KeySchedule, SigningKey
from services.auth.ports import KeyChange, Sealer, SigningKeyStore

__all__ = ["Keyring"]

_log = logging.getLogger(__name__)
_ALGORITHM = "ES256"


class Keyring:
    """Signs with the current key and publishes all that may be needed to verify."""

    def __init__(
        self, store: SigningKeyStore, sealer: Sealer, schedule: KeySchedule, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._schedule = schedule
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._opened: dict[str, ECKey] = {}

    async def refresh(self) -> None:
        """Reads the keys; creates the first or the next one and removes old ones when it is time."""
        keys = await self._store.revise(self._plan)
        self._opened = {key.kid: self._opened.get(key.kid) or self._open(key) for key in keys}
        self._keys = keys

    async def keep(self, interval: float) -> None:
        """Refreshes every `interval` seconds for ever. While the store is down the keys in memory serve."""
        while True:
            try:
                await self.refresh()
            except MeshError as error:
                _log.warning("the signing keys cannot be refreshed: %s", error.message)
            await asyncio.sleep(interval if self._keys else 1.0)

    def sign(self, claims: Mapping[str, Any], kind: str = "at+jwt") -> str:
        """Returns a JWT of the type, an access token unless it is said (RFC 9068, section 2.1).

        Raises UNAVAILABLE before the first refresh.
        """
        key = self._schedule.signing(self._keys, self._clock())
        if key is None:
            raise errors.no_signing_key()
        header = {"alg": _ALGORITHM, "typ": kind, "kid": key.kid}
        return jwt.encode(header, dict(claims), self._opened[key.kid], algorithms=[_ALGORITHM])

    async def public_keys(self) -> list[dict[str, str]]:
        """Returns the public JWKs. Raises UNAVAILABLE before the first refresh."""
        if not self._keys:
            raise errors.no_signing_key()
        return [key.public_key for key in self._keys]

    @property
    def ready(self) -> bool:
        return self._schedule.signing(self._keys, self._clock()) is not None

    async def check(self) -> None:
        """Raises while there is no key to sign with."""
        if not self.ready:
            raise errors.no_signing_key()

    def _plan(self, keys: Sequence[SigningKey]) -> KeyChange:
        now = self._clock()
        add = []
        if self._schedule.successor_due(keys, now):
            add.append(self._create(now, self._schedule.activation(keys, now)))
        return KeyChange(add=add, remove=self._schedule.gone(keys, now))

    def _create(self, now: float, active_at: float) -> SigningKey:
        key = ECKey.generate_key("P-256", private=True)
        kid = key.thumbprint()
        public = {**key.as_dict(private=False), "kid": kid, "alg": _ALGORITHM, "use": "sig"}
        sealed = self._sealer.seal(key.as_pem(private=True), kid)
        _log.info("created a signing key", extra={"fields": {"kid": kid, "active_at": active_at}})
        return SigningKey(kid, sealed, {name: str(value) for name, value in public.items()}, now, active_at)

    def _open(self, key: SigningKey) -> ECKey:
        return ECKey.import_key(self._sealer.open(key.encrypted_key, key.kid))
