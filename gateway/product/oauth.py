"""Answers the token endpoint: OAuth 2.0 client credentials (RFC 6749, sections 2.3.1, 4.4 and 5)."""

from __future__ import annotations

import base64
import math
from typing import Any
from urllib.parse import unquote_plus

from rampart.auth.v1 import auth_service_pb2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.calls.upstream import Upstream
from gateway.compile.plan import MethodPlan
from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from gateway.edge.guard import Guard
from gateway.grammar.form import FormError, pairs
from gateway.grammar.media_type import read_media_type
from meshkit.errors import Kind, MeshError
from meshkit.identity.access import credentials

__all__ = ["ISSUE_TOKEN", "TOKEN_PATH", "OAuthError", "TokenEndpoint"]

TOKEN_PATH = "/api/v1/oauth/token"
ISSUE_TOKEN = "/rampart.auth.v1.AuthService/IssueToken"
FORM = b"application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_MAX_BYTES = 16_384
_MAX_FIELDS = 20
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_BY_REASON = {
    "CLIENT_INVALID": (401, "invalid_client"),
    "SCOPE_INVALID": (400, "invalid_scope"),
    "GRANT_UNSUPPORTED": (400, "unauthorized_client"),
    "VALIDATION_FAILED": (400, "invalid_request"),
    "RATE_LIMITED": (429, "temporarily_unavailable"),
}
_UNAVAILABLE = (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED)


class OAuthError(Exception):
    """A failure in the words of RFC 6749, section 5.2."""

    def __init__(self, status: int, error: str, description: str, retry_after: float | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.retry_after = retry_after


class TokenEndpoint:
    """Issues access tokens. The method behind it is public, so the guard asks for none."""

    def __init__(self, method: MethodPlan, upstream: Upstream, guard: Guard, bodies: BodyReader) -> None:
        self._method = method
        self._upstream = upstream
        self._guard = guard
        self._bodies = bodies

    async def issue(self, request: Request) -> Response:
        """Answers with a token, or with a failure as the RFC has it."""
        exchange: Exchange = request.state.exchange
        try:
            await self._guard.admit(exchange, self._method.policy)
            asked = _issue_request(exchange, await self._form(request, exchange))
            answer = await self._call(exchange, asked)
        except OAuthError as error:
            return _failure(error)
        except MeshError as error:
            return _failure(_from_mesh(error))
        return JSONResponse(answer, headers=_NO_STORE)

    async def _form(self, request: Request, exchange: Exchange) -> dict[str, str]:
        kind = read_media_type(exchange.headers.get(b"content-type", b""))
        if kind is None or kind.name != FORM:
            raise _invalid_request("the body must be application/x-www-form-urlencoded")
        if request.scope["query_string"]:
            raise _invalid_request("parameters belong in the body, not in the address")
        return _parameters(await self._bodies.read(exchange, _MAX_BYTES))

    async def _call(self, exchange: Exchange, asked: auth_service_pb2.IssueTokenRequest) -> dict[str, Any]:
        exchange.call.limit(self._method.policy.deadline)
        data = await self._upstream.call(self._method, asked.SerializeToString(), exchange.call)
        token = auth_service_pb2.IssueTokenResponse.FromString(data)
        return {
            "access_token": token.access_token,
            "token_type": token.token_type,
            "expires_in": token.expires_in,
            "scope": token.scope,
        }


def _parameters(body: bytes) -> dict[str, str]:
    """Reads the form. A parameter without a value is as good as left out; one given twice is refused (section 3.2)."""
    try:
        given = [(name, value) for name, value in pairs(body, limit=_MAX_FIELDS) if value]
    except FormError as error:
        raise _invalid_request(f"the body {error}") from None
    found = dict(given)
    if len(found) != len(given):
        raise _invalid_request("a parameter is given twice")
    return found


def _issue_request(exchange: Exchange, form: dict[str, str]) -> auth_service_pb2.IssueTokenRequest:
    if "grant_type" not in form:
        raise _invalid_request("grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise OAuthError(400, "unsupported_grant_type", "only client_credentials is supported")
    return auth_service_pb2.IssueTokenRequest(scope=form.get("scope", ""), **_credentials(exchange, form))


def _credentials(exchange: Exchange, form: dict[str, str]) -> dict[str, str]:
    """Returns what the client shows, by fields of the request. Two ways at once are refused (section 2.3)."""
    header = exchange.headers.get(b"authorization")
    shown = [name for name in ("client_secret", "client_assertion") if name in form]
    if len(shown) + (header is not None) > 1:
        raise _invalid_request("the client proves who it is in more than one way")
    if header is not None:
        client_id, secret = _basic(header)
        if form.get("client_id", client_id) != client_id:
            raise _invalid_request("the Authorization header and the body name two clients")
        return {"client_id": client_id, "client_secret": secret}
    if shown == ["client_assertion"]:
        return _assertion(form)
    if not shown or "client_id" not in form:
        raise OAuthError(401, "invalid_client", "client credentials are missing")
    return {"client_id": form["client_id"], "client_secret": form["client_secret"]}


def _assertion(form: dict[str, str]) -> dict[str, str]:
    """Reads an assertion, which names the client as well (RFC 7523, section 2.2)."""
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise _invalid_request(f"client_assertion_type must be {ASSERTION_TYPE}")
    return {"client_id": form.get("client_id", ""), "client_assertion": form["client_assertion"]}


def _basic(header: bytes) -> tuple[str, str]:
    try:
        value = credentials(header.decode("latin-1"), "basic")
        client_id, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
        pair = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        colon = ""
    if not colon or not all(pair):
        raise OAuthError(401, "invalid_client", "the Authorization header holds no usable Basic credentials")
    return pair


def _invalid_request(description: str) -> OAuthError:
    return OAuthError(400, "invalid_request", description)


def _from_mesh(error: MeshError) -> OAuthError:
    if error.reason in _BY_REASON:
        status, code = _BY_REASON[error.reason]
        return OAuthError(status, code, error.message, error.retry_after)
    if error.kind in _UNAVAILABLE:
        return OAuthError(503, "temporarily_unavailable", "tokens cannot be issued now", error.retry_after or 1.0)
    if error.kind is Kind.INVALID_ARGUMENT:
        return _invalid_request(error.message)
    return OAuthError(500, "server_error", "something failed that should not")


def _failure(error: OAuthError) -> Response:
    headers = dict(_NO_STORE)
    if error.status == 401:
        headers["www-authenticate"] = 'Basic realm="rampart", charset="UTF-8"'
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, status_code=error.status, headers=headers)
