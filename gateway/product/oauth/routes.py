"""Lists the routes of OAuth for programs. Those with pages for people are in `gateway.product.identity`."""

from __future__ import annotations

from collections.abc import Sequence

from rampart.auth.v1 import oauth_service_pb2 as pb
from starlette.routing import BaseRoute, Route

from gateway.calls.upstream import Upstream
from gateway.compile.plan import Plan
from gateway.edge.body import BodyReader
from gateway.edge.guard import Guard
from gateway.product.oauth.discovery import DEVICE_PAGE, OAUTH_METADATA_PATH, OPENID_METADATA_PATH, Discovery
from gateway.product.oauth.endpoint import FormEndpoint
from gateway.product.oauth.endpoints import (
    DEVICE_PATH,
    INTROSPECTION_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
    USERINFO_PATH,
    device_asked,
    device_told,
    granted_told,
    introspected_told,
    introspection_asked,
    revocation_asked,
    token_asked,
)
from gateway.product.oauth.userinfo import UserInfoEndpoint

__all__ = [
    "AUTHORIZE_DEVICE",
    "GET_USER_INFO",
    "GRANT_TOKEN",
    "INTROSPECT_TOKEN",
    "REVOKE_TOKEN",
    "discovery_routes",
    "oauth_routes",
]

_SERVICE = "/rampart.auth.v1.OAuthService"
GRANT_TOKEN = f"{_SERVICE}/GrantToken"
REVOKE_TOKEN = f"{_SERVICE}/RevokeToken"
INTROSPECT_TOKEN = f"{_SERVICE}/IntrospectToken"
AUTHORIZE_DEVICE = f"{_SERVICE}/AuthorizeDevice"
GET_USER_INFO = f"{_SERVICE}/GetUserInfo"


def oauth_routes(
    plan: Plan, upstream: Upstream, guard: Guard, bodies: BodyReader, public_url: str
) -> Sequence[BaseRoute]:
    """Returns the routes of the endpoints, whose proofs of possession are about addresses at `public_url`."""
    methods, parts = plan.methods, (upstream, guard, bodies)
    token = FormEndpoint(
        methods[GRANT_TOKEN], *parts, ask=token_asked(public_url), answer=pb.GrantTokenResponse, tell=granted_told
    )
    revocation = FormEndpoint(
        methods[REVOKE_TOKEN], *parts, ask=revocation_asked, answer=pb.RevokeTokenResponse, tell=lambda _: None
    )
    introspection = FormEndpoint(
        methods[INTROSPECT_TOKEN],
        *parts,
        ask=introspection_asked,
        answer=pb.IntrospectTokenResponse,
        tell=introspected_told,
    )
    device = FormEndpoint(
        methods[AUTHORIZE_DEVICE],
        *parts,
        ask=device_asked,
        answer=pb.AuthorizeDeviceResponse,
        tell=device_told(public_url + DEVICE_PAGE),
    )
    person = UserInfoEndpoint(methods[GET_USER_INFO], upstream, guard, public_url)
    return [
        Route(TOKEN_PATH, token.respond, methods=["POST"], name="token"),
        Route(REVOCATION_PATH, revocation.respond, methods=["POST"], name="revocation"),
        Route(INTROSPECTION_PATH, introspection.respond, methods=["POST"], name="introspection"),
        Route(DEVICE_PATH, device.respond, methods=["POST"], name="device authorization"),
        Route(USERINFO_PATH, person.respond, methods=["GET", "POST"], name="userinfo"),
    ]


def discovery_routes(plan: Plan, issuer: str, *, certificates: bool) -> Sequence[BaseRoute]:
    """Returns the routes of what describes the issuer. `certificates` says whether those of clients are known."""
    scopes = {scope for method in plan.methods.values() for scope in method.policy.scopes}
    discovery = Discovery(issuer, scopes, certificates=certificates)
    return [
        Route(path, discovery.respond, methods=["GET"], name=f"metadata {path}")
        for path in (OAUTH_METADATA_PATH, OPENID_METADATA_PATH)
    ]
