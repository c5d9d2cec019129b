"""Implements `rampart.auth.v1.OAuthService`."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import oauth_service_pb2 as pb

from services.auth.convert import oauth as convert
from services.auth.service.oauth.server import AuthorizationServer

__all__ = ["OAuthServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class OAuthServicer:
    """Implements `rampart.auth.v1.OAuthService`."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server

    async def StartAuthorization(
        self, request: pb.StartAuthorizationRequest, _: Context
    ) -> pb.StartAuthorizationResponse:
        started = await self._server.authorizations.start(convert.parameters_from_proto(request), request.session)
        return convert.started_to_proto(started)

    async def GrantToken(self, request: pb.GrantTokenRequest, _: Context) -> pb.GrantTokenResponse:
        return convert.granted_to_proto(await self._server.tokens.grant(convert.token_request_from_proto(request)))

    async def RevokeToken(self, request: pb.RevokeTokenRequest, _: Context) -> pb.RevokeTokenResponse:
        await self._server.revocation.revoke(convert.client_from_proto(request.client), request.token)
        return pb.RevokeTokenResponse()

    async def IntrospectToken(self, request: pb.IntrospectTokenRequest, _: Context) -> pb.IntrospectTokenResponse:
        client = convert.client_from_proto(request.client)
        return convert.introspected_to_proto(await self._server.introspection.introspect(client, request.token))

    async def AuthorizeDevice(self, request: pb.AuthorizeDeviceRequest, _: Context) -> pb.AuthorizeDeviceResponse:
        new = await self._server.devices.begin(convert.client_from_proto(request.client), request.scope)
        return convert.device_to_proto(new)

    async def GetUserInfo(self, request: pb.GetUserInfoRequest, _: Context) -> pb.GetUserInfoResponse:
        asked = request.access_token, convert.proof_from_proto(request.proof), request.certificate_thumbprint
        return convert.person_to_proto(await self._server.userinfo.claims(*asked))
