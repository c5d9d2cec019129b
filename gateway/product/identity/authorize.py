"""Answers the authorization endpoint (RFC 6749, section 3.1; OpenID Connect Core 1.0, section 3.1.2.1)."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlencode

from google.protobuf.duration_pb2 import Duration
from rampart.auth.v1 import oauth_service_pb2 as pb
from rampart.auth.v1.sign_in_service_pb2 import GetSignInRequest
from starlette.responses import Response

from gateway.errors.places import malformed
from gateway.grammar.form import FormError, pairs
from gateway.product.identity.answers import Page, see_other, shown
from gateway.product.identity.calls import GET_SIGN_IN, START_AUTHORIZATION, IdentityCalls
from gateway.product.identity.door import Door
from gateway.product.identity.steps import onward
from gateway.product.identity.visit import Visit

__all__ = ["AUTHORIZE_PATH", "AuthorizationEndpoint"]

AUTHORIZE_PATH = "/oauth/authorize"

_TAKEN = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "nonce",
    "prompt", "login_hint", "tenant", "dpop_jkt", "response_mode",
)  # fmt: skip
_ABSENT = ("registration", "request", "request_uri")
"""What the standards know and the service does not do."""
_MAX_PARAMETERS = 40
_MOST_DIGITS = 9


class AuthorizationEndpoint:
    """Begins authorization requests of clients. Their parameters are judged by the service; here they are but read."""

    def __init__(self, calls: IdentityCalls, door: Door) -> None:
        self._calls = calls
        self._door = door

    async def begin(self, visit: Visit) -> Response:
        """Sends the browser to a page of ours, or back to the client; where neither can be, it shows what is wrong."""
        request = _authorization_request(visit.exchange.query)
        request.session = visit.session
        answer = await self._calls.send(START_AUTHORIZATION, request, visit.exchange.call)
        kind = answer.WhichOneof("next")
        if kind == "redirect_uri":
            return see_other(visit, answer.redirect_uri)
        if kind == "error":
            return shown(visit, _refusal(answer.error, visit.exchange.call.request_id))
        return await self._enter(visit, answer)

    async def read_form(self, visit: Visit) -> Response:
        """Takes the parameters from a form. The same request as GET has the session, which a form of others has not."""
        body = await self._door.read_form(visit.exchange)
        if visit.exchange.query:
            raise malformed("query", "", "must be empty: the parameters are in the body")
        return see_other(visit, f"{AUTHORIZE_PATH}?{urlencode(_read(body))}")

    async def _enter(self, visit: Visit, answer: pb.StartAuthorizationResponse) -> Response:
        visit.begin(answer.interaction)
        visit.given = {"attempt": answer.interaction.id}
        asked = GetSignInRequest(interaction=answer.interaction)
        state = await self._calls.send(GET_SIGN_IN, asked, visit.exchange.call)
        return onward(visit, state.sign_in)


def _authorization_request(query: bytes) -> pb.StartAuthorizationRequest:
    """Reads the parameters. One without a value is as good as left out, one that came twice counts for nothing."""
    given = [(name, value) for name, value in _read(query) if value]
    counts = Counter(name for name, _ in given)
    once = {name: value for name, value in given if counts[name] == 1}
    refused = [name for name in counts if counts[name] > 1 or name in _ABSENT]
    request = pb.StartAuthorizationRequest()
    for name in _TAKEN:
        setattr(request, name, once.get(name, ""))
    if "max_age" in once:
        seconds = once["max_age"]
        if seconds.isascii() and seconds.isdigit() and len(seconds) <= _MOST_DIGITS:
            request.max_age.CopyFrom(Duration(seconds=int(seconds)))
        else:
            refused.append("max_age")
    request.refused_parameters.extend(name[:64] for name in refused[:32])
    return request


def _read(data: bytes) -> list[tuple[str, str]]:
    try:
        return list(pairs(data, limit=_MAX_PARAMETERS))
    except FormError as error:
        raise malformed("query", "", str(error)) from None


def _refusal(error: pb.OAuthError, request_id: str) -> Page:
    values = {"error": error.error, "description": error.description, "request_id": request_id}
    return Page("authorize", "That cannot go on", values, status=400)
