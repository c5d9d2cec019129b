"""Answers the UserInfo endpoint (OpenID Connect Core 1.0, section 5.3)."""

from __future__ import annotations

from rampart.auth.v1 import oauth_service_pb2 as pb
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.calls.upstream import Upstream
from gateway.compile.plan import MethodPlan
from gateway.edge.exchange import Exchange
from gateway.edge.guard import Guard
from gateway.product.oauth.endpoints import USERINFO_PATH, proof_of
from gateway.product.oauth.failures import NO_STORE, OAuthError, failure, from_mesh
from meshkit.errors import Kind, MeshError
from meshkit.identity.access import credentials

__all__ = ["UserInfoEndpoint"]

_CODES = {"SCOPE_MISSING": (403, "insufficient_scope"), "PROOF_INVALID": (401, "invalid_dpop_proof")}


class UserInfoEndpoint:
    """Tells who has signed in. The token stands in the header, with its proof if it is bound to a key."""

    def __init__(self, method: MethodPlan, upstream: Upstream, guard: Guard, public_url: str) -> None:
        self._method = method
        self._upstream = upstream
        self._guard = guard
        self._public_url = public_url

    async def respond(self, request: Request) -> Response:
        """Answers with claims, or with a failure as RFC 6750, section 3, and RFC 9449, section 7.1, have it."""
        exchange: Exchange = request.state.exchange
        try:
            await self._guard.admit(exchange, self._method.policy)
            asked = self._asked(exchange)
            exchange.call.limit(self._method.policy.deadline)
            data = await self._upstream.call(self._method, asked.SerializeToString(), exchange.call)
        except OAuthError as error:
            return _challenged(error)
        except MeshError as error:
            return _challenged(_from_mesh(error))
        return JSONResponse(_told(pb.GetUserInfoResponse.FromString(data)), headers=NO_STORE)

    def _asked(self, exchange: Exchange) -> pb.GetUserInfoRequest:
        header = exchange.headers.get(b"authorization", b"").decode("latin-1")
        proof = proof_of(exchange, self._public_url, USERINFO_PATH)
        token = credentials(header, "bearer" if proof is None else "dpop")
        if not token:
            raise OAuthError(401, "invalid_token", "an access token is required in the Authorization header")
        return pb.GetUserInfoRequest(access_token=token, proof=proof, certificate_thumbprint=exchange.certificate)


def _told(claims: pb.GetUserInfoResponse) -> dict[str, object]:
    told: dict[str, object] = {"sub": claims.sub, "tenant_id": claims.tenant_id}
    if claims.name:
        told["name"] = claims.name
    if claims.email:
        told |= {"email": claims.email, "email_verified": claims.email_verified}
    return told


def _from_mesh(error: MeshError) -> OAuthError:
    if error.reason in _CODES:
        return OAuthError(*_CODES[error.reason], error.message)
    if error.kind is Kind.UNAUTHENTICATED or error.reason == "GRANT_INVALID":
        return OAuthError(401, "invalid_token", error.message)
    return from_mesh(error)


def _challenged(error: OAuthError) -> Response:
    response = failure(error)
    if error.status in (401, 403):
        scheme = "DPoP" if error.error == "invalid_dpop_proof" else "Bearer"
        response.headers["www-authenticate"] = f'{scheme} realm="rampart", error="{error.error}"'
    return response
