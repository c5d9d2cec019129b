"""Creates, reads, rotates and ends the API keys of a tenant. The tenant is the verified caller's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from meshkit.context import Principal
from meshkit.identity.api_keys import PREFIX_LENGTH, new_api_key
from services.auth import errors
from services.auth.domain.api_keys import DEFAULT_LIFE, MAX_LIFE, ApiKey, AskedKey, NewApiKey
from services.auth.domain.clients import DEFAULT_GRACE, DEFAULT_RATE_LIMIT
from services.auth.domain.revocations import Revocation
from services.auth.domain.secrets import StoredSecrets, secret_hash
from services.auth.ports import ApiKeyChanges, ApiKeyStore, RecordedAct
from services.auth.service.acts import act
from services.auth.service.giving import GivenScopes, check_held
from services.auth.service.names import check_name, random_name
from services.auth.service.quotas import check_room
from services.auth.service.recent import forgotten_at

__all__ = ["ApiKeyKeeper"]


class ApiKeyKeeper:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(
        self, store: ApiKeyStore, scopes: GivenScopes, *, token_seconds: int, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._token_life = timedelta(seconds=token_seconds)
        self._clock = clock

    async def create(self, changes: ApiKeyChanges, caller: Principal, asked: AskedKey) -> NewApiKey:
        """Raises VALIDATION_FAILED, SCOPE_NOT_HELD and QUOTA_EXCEEDED."""
        check_name(asked.display_name, "api_key.display_name")
        scopes = self._scopes.given(asked.scopes, caller, "api_key.scopes")
        now = self._clock()
        expires_at = asked.expires_at or now + DEFAULT_LIFE
        if not now < expires_at <= now + MAX_LIFE:
            raise errors.key_life()
        check_room(await changes.use())
        secret = new_api_key()
        key = ApiKey(
            key_id=random_name("key"),
            tenant_id=caller.tenant_id,
            display_name=asked.display_name,
            scopes=scopes,
            rate_limit=asked.rate_limit or DEFAULT_RATE_LIMIT,
            prefix=secret[:PREFIX_LENGTH],
            secrets=StoredSecrets(secret_hash(secret)),
            created_at=now,
            expires_at=expires_at,
        )
        await changes.create(key, RecordedAct(act("api_key.create", _target(key.key_id), now)))
        return NewApiKey(key, secret)

    async def get(self, tenant_id: str, key_id: str) -> ApiKey:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._store.get(tenant_id, key_id))

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[ApiKey], bool]:
        """Returns a page of at most `limit` keys, and whether there are more."""
        found = await self._store.page(tenant_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def rotate(
        self, changes: ApiKeyChanges, caller: Principal, key_id: str, grace: timedelta | None
    ) -> NewApiKey:
        """Replaces a key; the one before is good for `grace`, 24 hours if that is None.

        Raises RESOURCE_NOT_FOUND, SCOPE_NOT_HELD, and STATE_NOT_ALLOWED while two are good or after the key's end.
        """
        key = _found(await changes.lock(key_id))
        check_held(key.scopes, caller)
        now = self._clock()
        if not key.good(now):
            raise errors.key_ended()
        if key.secrets.overlap(now):
            raise errors.two_secrets()
        secret = new_api_key()
        secrets = key.secrets.rotated(secret_hash(secret), now, DEFAULT_GRACE if grace is None else grace)
        rotated = replace(key, secrets=secrets, prefix=secret[:PREFIX_LENGTH], rotated_at=now)
        ended = Revocation.of_client(key.tenant_id, key_id).up_to(forgotten_at(now), self._token_life)
        event = act("api_key.rotate", _target(key_id), now)
        await changes.replace(rotated, RecordedAct(event, None if secrets.overlap(now) else ended))
        return NewApiKey(rotated, secret)

    async def delete(self, changes: ApiKeyChanges, key_id: str) -> None:
        """Ends the use of a key and of its tokens. Raises RESOURCE_NOT_FOUND."""
        key = _found(await changes.lock(key_id))
        now = self._clock()
        ended = Revocation.of_client(key.tenant_id, key_id, forgotten_at(now) + self._token_life)
        await changes.delete(key_id, RecordedAct(act("api_key.delete", _target(key_id), now), ended))


def _found(key: ApiKey | None) -> ApiKey:
    if key is None:
        raise errors.key_not_found()
    return key


def _target(key_id: str) -> str:
    return f"api-keys/{key_id}"
