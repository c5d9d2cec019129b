"""Lets devices in that have no browser (RFC 8628): begins to wait, and answers whether somebody has let them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from meshkit.errors import MeshError, unavailable
from services.auth import errors
from services.auth.domain.authorization import asked_scopes
from services.auth.domain.clients import GrantType
from services.auth.domain.devices import (
    DEVICE_LIFE,
    INTERVAL,
    DeviceAuthorization,
    DeviceState,
    NewDevice,
    new_user_code,
)
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.secrets import DEVICE_CODE, new_secret, secret_hash
from services.auth.domain.token_answers import GrantedTokens
from services.auth.domain.token_binding import TokenBinding
from services.auth.domain.token_requests import ClientProof
from services.auth.ports.grants import DeviceChange, DeviceStore
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.granting import Granting

__all__ = ["DeviceGrant"]

_TRIES = 5
"""For a code that no other device waits with: two in 34 bits are alike once in a long time."""


class DeviceGrant:
    """Keeps devices waiting, and gives them tokens once."""

    def __init__(
        self,
        devices: DeviceStore,
        clients: OAuthClients,
        granting: Granting,
        *,
        user_code_hash: Callable[[str], bytes],
        clock: Callable[[], datetime],
    ) -> None:
        self._devices = devices
        self._clients = clients
        self._granting = granting
        self._user_code_hash = user_code_hash
        self._clock = clock

    async def begin(self, proof: ClientProof, scope: str) -> NewDevice:
        """Begins to wait. Raises CLIENT_INVALID, GRANT_UNSUPPORTED, SCOPE_INVALID, UNAVAILABLE if no code is free."""
        client = await self._clients.authenticate(proof)
        if not client.may(GrantType.DEVICE_CODE):
            raise errors.grant_unsupported(GrantType.DEVICE_CODE.value)
        scopes = asked_scopes(scope, client)
        if scopes is None:
            raise errors.scope_invalid(scope.split())
        for _ in range(_TRIES):
            new = NewDevice(new_secret(DEVICE_CODE), new_user_code(), int(DEVICE_LIFE.total_seconds()), INTERVAL)
            if await self._devices.add(self._waiting(new, client, scopes)):
                return new
        raise unavailable("user codes", "no code for people is free")

    async def redeem(self, client: OAuthClient, device_code: str, bound: TokenBinding) -> GrantedTokens:
        """Returns the tokens of a device that was let in.

        Raises AUTHORIZATION_PENDING, SLOW_DOWN, AUTHORIZATION_DENIED, DEVICE_CODE_EXPIRED and GRANT_INVALID.
        """
        now = self._clock()
        waited: list[DeviceAuthorization] = []

        def asked(device: DeviceAuthorization) -> DeviceChange:
            waited.append(device)
            return self._asked(device, client, bound)

        change = await self._devices.change(secret_hash(device_code), asked)
        if change is None:
            raise errors.grant_invalid()
        if change.made is None:
            raise _refusal(waited[-1], change.device, now)
        grant = change.made.grant
        member = await self._granting.recipient_of(grant)
        return await self._granting.tokens(grant, client, member, bound=bound)

    def _waiting(self, new: NewDevice, client: OAuthClient, scopes: frozenset[str]) -> DeviceAuthorization:
        return DeviceAuthorization(
            device_hash=secret_hash(new.device_code),
            user_code_hash=self._user_code_hash(new.user_code),
            client_id=client.client_id,
            scopes=scopes,
            expires_at=self._clock() + DEVICE_LIFE,
        )

    def _asked(self, device: DeviceAuthorization, client: OAuthClient, bound: TokenBinding) -> DeviceChange:
        now = self._clock()
        if device.client_id != client.client_id:
            raise errors.grant_invalid()
        asked = device.asked(now)
        if device.state is not DeviceState.ALLOWED or device.expires_at <= now or device.authenticated_at is None:
            return DeviceChange(asked)
        made = self._granting.new_grant(
            client,
            tenant_id=device.tenant_id,
            member_id=device.member_id,
            # A device goes on when the browser that let it in does not.
            session_id="",
            scopes=device.scopes,
            methods=device.methods,
            authenticated_at=device.authenticated_at,
            bound=bound,
        )
        return DeviceChange(replace(asked, state=DeviceState.REDEEMED), made)


def _refusal(before: DeviceAuthorization, device: DeviceAuthorization, now: datetime) -> MeshError:
    if device.state is DeviceState.DENIED:
        return errors.authorization_denied()
    if device.state is DeviceState.REDEEMED:
        return errors.grant_invalid()
    if device.expires_at <= now:
        return errors.device_code_expired()
    return errors.slow_down(device.interval) if before.too_soon(now) else errors.authorization_pending()
