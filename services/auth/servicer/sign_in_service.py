"""Implements `rampart.auth.v1.SignInService`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import sign_in_service_pb2 as pb

from services.auth.convert import oauth as oauth_convert
from services.auth.convert import sign_in as convert
from services.auth.domain.federation import ProviderAnswer
from services.auth.domain.links import LinkKind
from services.auth.domain.sign_in_input import Browser, GivenPassword
from services.auth.service.oauth.account import PAGE_TOKEN_SECONDS
from services.auth.service.oauth.server import AuthorizationServer
from services.auth.service.people.links import Links

__all__ = ["SignInServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_KINDS = {LinkKind.INVITATION: pb.LINK_KIND_INVITATION, LinkKind.RESET: pb.LINK_KIND_RESET}


class SignInServicer:
    """Implements `rampart.auth.v1.SignInService`. `words` say what scopes let do, by their names."""

    def __init__(self, server: AuthorizationServer, links: Links, words: Mapping[str, str]) -> None:
        self._sign_in = server.sign_in
        self._account = server.account
        self._links = links
        self._words = words

    async def StartSignIn(self, request: pb.StartSignInRequest, _: Context) -> pb.StartSignInResponse:
        key, view = await self._sign_in.begin(
            request.session, request.user_code, request.tenant, request.again, request.client_address
        )
        return pb.StartSignInResponse(
            interaction=oauth_convert.key_to_proto(key), sign_in=convert.view_to_proto(view, self._words)
        )

    async def GetSignIn(self, request: pb.GetSignInRequest, _: Context) -> pb.GetSignInResponse:
        view = await self._sign_in.get(convert.key_from_proto(request.interaction))
        return pb.GetSignInResponse(sign_in=convert.view_to_proto(view, self._words))

    async def SubmitPassword(self, request: pb.SubmitPasswordRequest, _: Context) -> pb.SubmitPasswordResponse:
        given = GivenPassword(request.tenant, request.email, request.password)
        browser = Browser(request.client_address, request.device)
        view = await self._sign_in.password(convert.key_from_proto(request.interaction), given, browser)
        return pb.SubmitPasswordResponse(sign_in=convert.view_to_proto(view, self._words))

    async def SubmitFactor(self, request: pb.SubmitFactorRequest, _: Context) -> pb.SubmitFactorResponse:
        key, given = convert.key_from_proto(request.interaction), convert.given_from_proto(request)
        view = await self._sign_in.factor(key, given, Browser(request.client_address, request.device))
        return pb.SubmitFactorResponse(sign_in=convert.view_to_proto(view, self._words))

    async def BeginPasskey(self, request: pb.BeginPasskeyRequest, _: Context) -> pb.BeginPasskeyResponse:
        options = await self._sign_in.begin_passkey(convert.key_from_proto(request.interaction))
        return pb.BeginPasskeyResponse(options=options)

    async def StartFederation(self, request: pb.StartFederationRequest, _: Context) -> pb.StartFederationResponse:
        address = await self._sign_in.start_federation(convert.key_from_proto(request.interaction), request.tenant)
        return pb.StartFederationResponse(redirect_uri=address)

    async def FinishFederation(self, request: pb.FinishFederationRequest, _: Context) -> pb.FinishFederationResponse:
        answer = ProviderAnswer(request.code, request.state, request.iss, request.error, request.tenant)
        browser = Browser(request.client_address, request.device)
        view = await self._sign_in.finish_federation(convert.key_from_proto(request.interaction), answer, browser)
        return pb.FinishFederationResponse(sign_in=convert.view_to_proto(view, self._words))

    async def SubmitConsent(self, request: pb.SubmitConsentRequest, _: Context) -> pb.SubmitConsentResponse:
        view = await self._sign_in.consent(convert.key_from_proto(request.interaction), request.allowed)
        return pb.SubmitConsentResponse(sign_in=convert.view_to_proto(view, self._words))

    async def OpenSession(self, request: pb.OpenSessionRequest, _: Context) -> pb.OpenSessionResponse:
        message = pb.OpenSessionResponse(access_token=(await self._account.open(request.session)).token)
        message.expires_in.FromSeconds(PAGE_TOKEN_SECONDS)
        return message

    async def SignOut(self, request: pb.SignOutRequest, _: Context) -> pb.SignOutResponse:
        await self._account.sign_out(request.session, request.everywhere)
        return pb.SignOutResponse()

    async def GetLink(self, request: pb.GetLinkRequest, _: Context) -> pb.GetLinkResponse:
        link = await self._links.describe(request.link)
        return pb.GetLinkResponse(kind=_KINDS[link.kind], tenant=link.tenant, email=link.email)

    async def UseLink(self, request: pb.UseLinkRequest, _: Context) -> pb.UseLinkResponse:
        await self._links.use(request.link, request.password, request.client_address, request.device)
        return pb.UseLinkResponse()
