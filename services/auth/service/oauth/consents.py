"""Grants what a person was asked for: a code for a client, or tokens for a device. Remembers what was consented to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from meshkit.identity.roles import Roles
from services.auth import errors
from services.auth.domain.authorization import AuthorizationRequest
from services.auth.domain.devices import DeviceAuthorization, DeviceState, read_user_code
from services.auth.domain.grants import AuthorizationCode
from services.auth.domain.members import Member
from services.auth.domain.oauth_clients import IDENTITY_SCOPES, OAuthClient
from services.auth.domain.redirection import answer_uri
from services.auth.domain.secrets import AUTHORIZATION_CODE, new_secret, secret_hash
from services.auth.ports.grants import DeviceChange, DeviceStore, GrantStore
from services.auth.ports.sign_in import ConsentStore
from services.auth.service.acts import act
from services.auth.service.oauth.sessions import SignedIn

__all__ = ["CODE_LIFE", "Consents", "held_scopes"]

CODE_LIFE = timedelta(seconds=60)


def held_scopes(asked: frozenset[str], client: OAuthClient, member: Member, roles: Roles) -> frozenset[str]:
    """Returns what of the scopes a client can have from a member: nobody gives away more than he has."""
    return asked & (IDENTITY_SCOPES | (client.settings.scopes & roles.permitted(member.roles)))


class Consents:
    """Carries out what a person allows."""

    def __init__(
        self,
        grants: GrantStore,
        devices: DeviceStore,
        consents: ConsentStore,
        *,
        roles: Roles,
        issuer: str,
        user_code_hash: Callable[[str], bytes],
        clock: Callable[[], datetime],
    ) -> None:
        self._grants = grants
        self._devices = devices
        self._consents = consents
        self._roles = roles
        self._issuer = issuer
        self._user_code_hash = user_code_hash
        self._clock = clock

    async def needed(self, request: AuthorizationRequest, client: OAuthClient, who: SignedIn) -> bool:
        """Tells whether the person has to be asked before the client gets what it asks for.

        Who has allowed nothing is asked also where the client could have nothing: without a consent there is no code.
        """
        if client.first_party:
            return False
        if "consent" in request.prompts:
            return True
        asked = self.offered(request.scopes, client, who.member)
        member = who.member
        allowed = await self._consents.consented(member.tenant_id, member.member_id, client.client_id)
        return not allowed or not asked <= allowed

    def offered(self, scopes: frozenset[str], client: OAuthClient, member: Member) -> frozenset[str]:
        """Returns what of the scopes the client can have from the member."""
        return held_scopes(scopes, client, member, self._roles)

    async def remember(self, request: AuthorizationRequest, client: OAuthClient, who: SignedIn) -> None:
        """Remembers what the person has consented to."""
        if client.first_party:
            return
        member, scopes = who.member, self.offered(request.scopes, client, who.member)
        event = act(
            "consent.create",
            f"clients/{client.client_id}",
            self._clock(),
            tenant_id=member.tenant_id,
            actor=member.member_id,
            client_id=client.client_id,
            scope=" ".join(sorted(scopes)),
        )
        await self._consents.consent(member.tenant_id, member.member_id, client.client_id, scopes, event)

    async def code_answer(self, request: AuthorizationRequest, client: OAuthClient, who: SignedIn) -> str:
        """Returns the redirect URI with a new code (RFC 6749, section 4.1.2; RFC 9207).

        Whoever takes his consent back at this moment has refused.
        """
        secret = new_secret(AUTHORIZATION_CODE)
        code = self._code(request, who, secret_hash(secret))
        if not await self._grants.add_code(code, by_consent=not client.first_party):
            return self.refused_answer(request)
        return answer_uri(request.redirect_uri, {"code": secret, "state": request.state, "iss": self._issuer})

    def _code(self, request: AuthorizationRequest, who: SignedIn, digest: bytes) -> AuthorizationCode:
        session = who.session
        return AuthorizationCode(
            code_hash=digest,
            tenant_id=session.tenant_id,
            member_id=session.member_id,
            session_id=session.session_id,
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            scopes=request.scopes,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            dpop_jkt=request.dpop_jkt,
            methods=session.methods,
            authenticated_at=session.authenticated_at,
            expires_at=self._clock() + CODE_LIFE,
        )

    def refused_answer(self, request: AuthorizationRequest) -> str:
        """Returns the redirect URI with the error of who does not consent."""
        return self.error_answer(request.redirect_uri, request.state, "access_denied", "the person has refused")

    def error_answer(self, redirect_uri: str, state: str, error: str, description: str) -> str:
        """Returns the redirect URI with an error (RFC 6749, section 4.1.2.1; RFC 9207)."""
        said = {"error": error, "error_description": description, "state": state, "iss": self._issuer}
        return answer_uri(redirect_uri, said)

    async def waiting_device(self, typed: str) -> DeviceAuthorization:
        """Returns the device that waits with a code. Raises RESOURCE_NOT_FOUND."""
        code = read_user_code(typed)
        found = await self._devices.find_typed(self._user_code_hash(code)) if code is not None else None
        if found is None or found.state is not DeviceState.PENDING or found.expires_at <= self._clock():
            raise errors.user_code_unknown()
        return found

    async def answer_device(self, typed: str, who: SignedIn, allowed: bool) -> None:
        """Lets in the device that waits with the code, or refuses it. Raises RESOURCE_NOT_FOUND."""
        waiting = await self.waiting_device(typed)

        def answered(device: DeviceAuthorization) -> DeviceChange:
            if device.state is not DeviceState.PENDING or device.expires_at <= self._clock():
                raise errors.user_code_unknown()
            return self._answered(device, who, allowed)

        if await self._devices.change(waiting.device_hash, answered) is None:
            raise errors.user_code_unknown()

    def _answered(self, device: DeviceAuthorization, who: SignedIn, allowed: bool) -> DeviceChange:
        session = who.session
        event = act(
            "device.allow" if allowed else "device.deny",
            f"clients/{device.client_id}",
            self._clock(),
            tenant_id=session.tenant_id,
            actor=session.member_id,
            client_id=device.client_id,
        )
        answered = replace(
            device,
            state=DeviceState.ALLOWED if allowed else DeviceState.DENIED,
            tenant_id=session.tenant_id,
            member_id=session.member_id,
            session_id=session.session_id,
            methods=session.methods,
            authenticated_at=session.authenticated_at,
        )
        return DeviceChange(answered, event=event)
