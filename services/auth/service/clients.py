"""Creates, reads, changes and ends the clients of a tenant. The tenant is the verified caller's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from meshkit.context import Principal
from meshkit.preconditions import etag_mismatch
from services.auth import errors
from services.auth.domain.clients import (
    DEFAULT_GRACE,
    AuthenticationMethod,
    Client,
    ClientSettings,
    NewClient,
    client_faults,
    does_less,
)
from services.auth.domain.revocations import Revocation
from services.auth.domain.secrets import CLIENT_SECRET, StoredSecrets, new_secret, secret_hash
from services.auth.ports import ClientChanges, ClientStore, RecordedAct
from services.auth.service.acts import act
from services.auth.service.client_keys import key_faults
from services.auth.service.giving import GivenScopes, check_held
from services.auth.service.names import random_name
from services.auth.service.quotas import check_room
from services.auth.service.recent import forgotten_at

__all__ = ["AdmitsClient", "ChangesSettings", "ClientKeeper"]

AdmitsClient = Callable[[Client], bool]
"""Tells whether a client, in the state that it is in, may be changed."""
ChangesSettings = Callable[[ClientSettings], ClientSettings]
ChecksClient = Callable[[Client], None]


class ClientKeeper:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(
        self, store: ClientStore, scopes: GivenScopes, *, token_seconds: int, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._token_life = timedelta(seconds=token_seconds)
        self._clock = clock

    async def create(
        self, changes: ClientChanges, caller: Principal, settings: ClientSettings, asked: Sequence[str]
    ) -> NewClient:
        """Creates a client with the scopes asked for.

        Raises VALIDATION_FAILED, SCOPE_NOT_HELD and QUOTA_EXCEEDED.
        """
        settings = replace(settings, scopes=self._scopes.given(asked, caller, "client.scopes"))
        _check(settings)
        check_room(await changes.use())
        now = self._clock()
        secret = new_secret(CLIENT_SECRET) if settings.method.by_secret else ""
        stored = StoredSecrets(secret_hash(secret) if secret else None)
        name = random_name("client")
        client = Client(name, caller.tenant_id, settings, stored, created_at=now, updated_at=now, tag=uuid4())
        await changes.create(client, RecordedAct(act("client.create", _target(name), now)))
        return NewClient(client, secret)

    async def get(self, tenant_id: str, client_id: str) -> Client:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._store.get(tenant_id, client_id))

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[Client], bool]:
        """Returns a page of at most `limit` clients, and whether there are more."""
        found = await self._store.page(tenant_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def update(
        self,
        changes: ClientChanges,
        caller: Principal,
        client_id: str,
        change: ChangesSettings,
        *,
        admits: AdmitsClient | None = None,
        check: ChecksClient | None = None,
    ) -> Client:
        """Changes settings, only of a client that is admitted and in which `check` finds nothing wrong.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, VALIDATION_FAILED and SCOPE_NOT_HELD, and what `check` raises.
        """
        client = await _admitted(changes, client_id, admits)
        if check is not None:
            check(client)
        settings = change(client.settings)
        if settings == client.settings:
            return client
        wanted = sorted(settings.scopes)
        check_held(client.settings.scopes, caller)
        settings = replace(settings, scopes=self._scopes.given(wanted, caller, "client.scopes"))
        _check(settings)
        secrets = client.secrets if settings.method.by_secret else StoredSecrets()
        changed = replace(client, settings=settings, secrets=secrets)
        ended = self._issued_by_now(client) if does_less(client.settings, settings) else None
        return await self._store_changed(changes, changed, "client.update", revocation=ended)

    async def rotate(
        self, changes: ClientChanges, caller: Principal, client_id: str, grace: timedelta | None
    ) -> NewClient:
        """Replaces the secret; the one before is good for `grace`, 24 hours if that is None.

        Raises RESOURCE_NOT_FOUND, SCOPE_NOT_HELD, and STATE_NOT_ALLOWED while two are good or for one without a secret.
        """
        client = await _admitted(changes, client_id)
        check_held(client.settings.scopes, caller)
        now = self._clock()
        if not client.settings.method.by_secret:
            raise errors.no_secret(client.settings.method.value)
        if client.secrets.overlap(now):
            raise errors.two_secrets()
        secret = new_secret(CLIENT_SECRET)
        secrets = client.secrets.rotated(secret_hash(secret), now, DEFAULT_GRACE if grace is None else grace)
        changed = replace(client, secrets=secrets, rotated_at=now)
        return NewClient(await self._store_changed(changes, changed, "client.rotate_secret"), secret)

    async def revoke_secrets(self, changes: ClientChanges, client_id: str, *, previous_only: bool) -> Client:
        """Ends the use of secrets, and of all access tokens. Raises RESOURCE_NOT_FOUND."""
        client = await _admitted(changes, client_id)
        kept = StoredSecrets(client.secrets.current if previous_only else None)
        changed, ended = replace(client, secrets=kept), self._issued_by_now(client)
        return await self._store_changed(changes, changed, "client.revoke_secret", revocation=ended)

    async def disable(self, changes: ClientChanges, client_id: str) -> Client:
        """Ends the use of a client until it is enabled. Raises RESOURCE_NOT_FOUND."""
        client = await _admitted(changes, client_id)
        if client.disabled_at is not None:
            return client
        changed, ended = replace(client, disabled_at=self._clock()), Revocation.of_client(client.tenant_id, client_id)
        return await self._store_changed(changes, changed, "client.disable", revocation=ended)

    async def enable(self, changes: ClientChanges, caller: Principal, client_id: str) -> Client:
        """Lets a client have tokens again. Raises RESOURCE_NOT_FOUND and SCOPE_NOT_HELD."""
        client = await _admitted(changes, client_id)
        check_held(client.settings.scopes, caller)
        if client.disabled_at is None:
            return client
        changed, lifted = replace(client, disabled_at=None), [self._issued_by_now(client)]
        return await self._store_changed(changes, changed, "client.enable", lifted=lifted)

    async def delete(self, changes: ClientChanges, client_id: str, admits: AdmitsClient | None = None) -> None:
        """Deletes a client and ends the use of its tokens. Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH."""
        client = await _admitted(changes, client_id, admits)
        now = self._clock()
        ended = Revocation.of_client(client.tenant_id, client_id, forgotten_at(now) + self._token_life)
        await changes.delete(client_id, RecordedAct(act("client.delete", _target(client_id), now), ended))

    def _issued_by_now(self, client: Client) -> Revocation:
        last = forgotten_at(self._clock())
        return Revocation.of_client(client.tenant_id, client.client_id).up_to(last, self._token_life)

    async def _store_changed(
        self,
        changes: ClientChanges,
        client: Client,
        action: str,
        *,
        revocation: Revocation | None = None,
        lifted: Sequence[Revocation] = (),
    ) -> Client:
        now = self._clock()
        changed = replace(client, updated_at=now, tag=uuid4())
        event = act(action, _target(client.client_id), now)
        await changes.replace(changed, RecordedAct(event, revocation, lifted))
        return changed


def _check(settings: ClientSettings) -> None:
    faults = [*client_faults(settings)]
    if settings.method is AuthenticationMethod.PRIVATE_KEY_JWT:
        faults += key_faults(settings.keys)
    if faults:
        raise errors.client_refused(faults)


async def _admitted(changes: ClientChanges, client_id: str, admits: AdmitsClient | None = None) -> Client:
    client = _found(await changes.lock(client_id))
    if admits is not None and not admits(client):
        raise etag_mismatch()
    return client


def _found(client: Client | None) -> Client:
    if client is None:
        raise errors.client_not_found()
    return client


def _target(client_id: str) -> str:
    return f"clients/{client_id}"
