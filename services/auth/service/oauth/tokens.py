"""Answers the token endpoint: which grant types there are, and which client may use which."""

from __future__ import annotations

from services.auth import errors
from services.auth.domain.clients import GrantType
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.token_answers import GrantedTokens
from services.auth.domain.token_binding import TokenBinding
from services.auth.domain.token_requests import TokenRequest
from services.auth.service.binding import binding_for
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.code_grant import CodeGrant, RedeemedCode
from services.auth.service.oauth.device_grant import DeviceGrant
from services.auth.service.oauth.proofs import Proofs
from services.auth.service.oauth.refresh_grant import RefreshGrant
from services.auth.service.oauth.turns import GrantTurns
from services.auth.service.programs import ProgramGrant

__all__ = ["TokenEndpoint"]


class TokenEndpoint:
    """Grants tokens."""

    def __init__(
        self,
        *,
        clients: OAuthClients,
        programs: ProgramGrant,
        codes: CodeGrant,
        refreshes: RefreshGrant,
        devices: DeviceGrant,
        proofs: Proofs,
    ) -> None:
        self._clients = clients
        self._programs = programs
        self._codes = codes
        self._refreshes = refreshes
        self._devices = devices
        self._proofs = proofs
        self._turns = GrantTurns()

    async def grant(self, request: TokenRequest) -> GrantedTokens:
        """Returns tokens.

        Raises CLIENT_INVALID, GRANT_UNSUPPORTED, PROOF_INVALID, CERTIFICATE_REQUIRED, and what the grant raises.
        """
        client = await self._clients.authenticate(request.client)
        grant_type = _grant_type(request.grant_type)
        if grant_type is None or not client.may(grant_type):
            raise errors.grant_unsupported(request.grant_type)
        jkt = await self._proofs.key(request.proof)
        bound = binding_for(client.settings.constraint, jkt=jkt, certificate=request.certificate)
        if grant_type is GrantType.CLIENT_CREDENTIALS:
            return GrantedTokens(self._programs.issue(client, request.scope, bound), bound.token_type)
        async with self._turns.turn():
            return await self._for_people(grant_type, request, client, bound)

    async def _for_people(
        self, grant_type: GrantType, request: TokenRequest, client: OAuthClient, bound: TokenBinding
    ) -> GrantedTokens:
        if grant_type is GrantType.AUTHORIZATION_CODE:
            given = RedeemedCode(request.code, request.redirect_uri, request.code_verifier, bound)
            return await self._codes.redeem(client, given)
        if grant_type is GrantType.REFRESH_TOKEN:
            asked = frozenset(request.scope.split())
            return await self._refreshes.redeem(client, request.refresh_token, asked, bound)
        return await self._devices.redeem(client, request.device_code, bound)


def _grant_type(name: str) -> GrantType | None:
    try:
        return GrantType(name)
    except ValueError:
        return None
