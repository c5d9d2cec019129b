"""Makes of forms what the authorization server is asked, and of its answers the JSON of the RFCs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.auth.v1 import oauth_service_pb2 as pb

from gateway.edge.exchange import Exchange
from gateway.product.oauth.failures import invalid_request
from gateway.product.oauth.forms import client_of

__all__ = [
    "DEVICE_PATH",
    "INTROSPECTION_PATH",
    "REVOCATION_PATH",
    "TOKEN_PATH",
    "USERINFO_PATH",
    "device_asked",
    "device_told",
    "granted_told",
    "introspected_told",
    "introspection_asked",
    "proof_of",
    "revocation_asked",
    "token_asked",
]

TOKEN_PATH: Final = "/api/v1/oauth/token"
REVOCATION_PATH: Final = "/api/v1/oauth/revoke"
INTROSPECTION_PATH: Final = "/api/v1/oauth/introspect"
DEVICE_PATH: Final = "/api/v1/oauth/device-authorization"
USERINFO_PATH: Final = "/api/v1/oauth/userinfo"

_GRANT_FIELDS = ("scope", "code", "redirect_uri", "code_verifier", "refresh_token", "device_code")


def proof_of(exchange: Exchange, public_url: str, path: str) -> pb.Proof | None:
    """Returns the proof of possession that came along, with what it must be about (RFC 9449, section 4.3)."""
    jwt = exchange.headers.get(b"dpop")
    if jwt is None:
        return None
    return pb.Proof(jwt=jwt.decode("latin-1"), method=exchange.method, url=f"{public_url}{path}")


def token_asked(public_url: str) -> Callable[[Exchange, dict[str, str]], pb.GrantTokenRequest]:
    """Returns what reads token requests. Proofs are about this address."""

    def asked(exchange: Exchange, form: dict[str, str]) -> pb.GrantTokenRequest:
        if "grant_type" not in form:
            raise invalid_request("grant_type is missing")
        return pb.GrantTokenRequest(
            client=client_of(exchange, form),
            grant_type=form["grant_type"],
            proof=proof_of(exchange, public_url, TOKEN_PATH),
            certificate_thumbprint=exchange.certificate,
            **{name: form[name] for name in _GRANT_FIELDS if name in form},
        )

    return asked


def granted_told(granted: pb.GrantTokenResponse) -> dict[str, Any]:
    """Returns tokens (RFC 6749, section 5.1; OpenID Connect Core 1.0, section 3.1.3.3)."""
    told = {
        "access_token": granted.access_token,
        "token_type": granted.token_type,
        "expires_in": granted.expires_in.seconds,
        "scope": granted.scope,
        "refresh_token": granted.refresh_token,
        "id_token": granted.id_token,
    }
    return {name: value for name, value in told.items() if value != "" or name == "scope"}


def revocation_asked(exchange: Exchange, form: dict[str, str]) -> pb.RevokeTokenRequest:
    """Returns what is to be revoked; `token_type_hint` is of no use, as tokens say what they are."""
    return pb.RevokeTokenRequest(client=client_of(exchange, form), token=_token(form))


def introspection_asked(exchange: Exchange, form: dict[str, str]) -> pb.IntrospectTokenRequest:
    """Returns what is to be looked into; `token_type_hint` is of no use, as tokens say what they are."""
    return pb.IntrospectTokenRequest(client=client_of(exchange, form), token=_token(form))


def introspected_told(found: pb.IntrospectTokenResponse) -> dict[str, Any]:
    """Returns what a token says (RFC 7662, section 2.2)."""
    if not found.active:
        return {"active": False}
    bound = {"jkt": found.jkt, "x5t#S256": found.certificate_thumbprint}
    told: dict[str, Any] = {
        "active": True,
        "scope": found.scope,
        "client_id": found.client_id,
        "sub": found.sub,
        "tenant_id": found.tenant_id,
        "token_type": found.token_type,
        "exp": _seconds(found.expire_time),
        "iat": _seconds(found.issue_time),
        "aud": found.aud,
        "iss": found.iss,
        "jti": found.jti,
        "roles": list(found.roles),
        "cnf": {method: value for method, value in bound.items() if value},
    }
    return {name: value for name, value in told.items() if value not in ("", [], {})}


def device_asked(exchange: Exchange, form: dict[str, str]) -> pb.AuthorizeDeviceRequest:
    """Returns the request of a device that waits (RFC 8628, section 3.1)."""
    return pb.AuthorizeDeviceRequest(client=client_of(exchange, form), scope=form.get("scope", ""))


def device_told(page: str) -> Callable[[pb.AuthorizeDeviceResponse], dict[str, Any]]:
    """Returns what tells a device what to show (RFC 8628, section 3.2); `page` is where people type the code."""

    def told(new: pb.AuthorizeDeviceResponse) -> dict[str, Any]:
        return {
            "device_code": new.device_code,
            "user_code": new.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={new.user_code}",
            "expires_in": new.expires_in.seconds,
            "interval": new.interval.seconds,
        }

    return told


def _token(form: dict[str, str]) -> str:
    if "token" not in form:
        raise invalid_request("token is missing")
    return form["token"]


def _seconds(moment: Timestamp) -> int:
    return moment.seconds
