"""Reads the forms of OAuth requests (RFC 6749, section 3.2) and how a client proves who it is (2.3; RFC 7523)."""

from __future__ import annotations

import base64
from urllib.parse import unquote_plus

from rampart.auth.v1 import oauth_service_pb2 as pb
from starlette.requests import Request

from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from gateway.grammar.form import FormError, pairs
from gateway.grammar.media_type import read_media_type
from gateway.product.oauth.failures import invalid_client, invalid_request
from meshkit.identity.access import credentials

__all__ = ["CLIENT_ASSERTION_TYPE", "FORM", "client_of", "read_form"]

FORM = b"application/x-www-form-urlencoded"
CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_MAX_BYTES = 20_480
_MAX_FIELDS = 20


async def read_form(request: Request, exchange: Exchange, bodies: BodyReader) -> dict[str, str]:
    """Returns the parameters in the body. Raises OAuthError."""
    kind = read_media_type(exchange.headers.get(b"content-type", b""))
    if kind is None or kind.name != FORM:
        raise invalid_request("the body must be application/x-www-form-urlencoded")
    if request.scope["query_string"]:
        raise invalid_request("parameters belong in the body, not in the address")
    return _parameters(await bodies.read(exchange, _MAX_BYTES))


def client_of(exchange: Exchange, form: dict[str, str]) -> pb.ClientAuthentication:
    """Returns how the client proves who it is, by one method alone. Raises OAuthError."""
    header = exchange.headers.get(b"authorization")
    secret, assertion = form.get("client_secret", ""), _assertion(form)
    if header is not None:
        client_id, by_header = _basic(header)
        if secret or assertion or form.get("client_id", client_id) != client_id:
            raise invalid_request("credentials are given both in the Authorization header and in the body")
        return pb.ClientAuthentication(client_id=client_id, client_secret=by_header)
    if secret and assertion:
        raise invalid_request("credentials are given in two ways")
    client_id = form.get("client_id", "")
    if assertion:
        return pb.ClientAuthentication(client_id=client_id, assertion=assertion)
    if not client_id:
        raise invalid_client("client credentials are missing")
    # Without a secret: a public client, which names itself.
    return pb.ClientAuthentication(client_id=client_id, **({"client_secret": secret} if secret else {}))


def _parameters(body: bytes) -> dict[str, str]:
    """Reads the form. A parameter without a value is as good as left out; one given twice is refused (section 3.2)."""
    try:
        given = [(name, value) for name, value in pairs(body, limit=_MAX_FIELDS) if value]
    except FormError as error:
        raise invalid_request(f"the body {error}") from None
    found = dict(given)
    if len(found) != len(given):
        raise invalid_request("a parameter is given twice")
    return found


def _assertion(form: dict[str, str]) -> str:
    kind = form.get("client_assertion_type", "")
    if kind not in ("", CLIENT_ASSERTION_TYPE) or bool(kind) != ("client_assertion" in form):
        raise invalid_request(f"client_assertion needs client_assertion_type, which must be {CLIENT_ASSERTION_TYPE}")
    return form.get("client_assertion", "")


def _basic(header: bytes) -> tuple[str, str]:
    try:
        value = credentials(header.decode("latin-1"), "basic")
        client_id, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
        pair = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        colon = ""
    if not colon or not all(pair):
        raise invalid_client("the Authorization header holds no usable Basic credentials")
    return pair
