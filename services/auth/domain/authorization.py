"""Judges authorization requests (RFC 6749, 4.1.1; RFC 7636; RFC 9700; OpenID Connect Core 1.0, 3.1.2.1)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from services.auth.domain.clients import GrantType
from services.auth.domain.oauth_clients import IDENTITY_SCOPES, OAuthClient
from services.auth.domain.pkce import S256, challenge_well_formed

__all__ = ["AuthorizationParameters", "AuthorizationRequest", "RequestRefusal", "asked_scopes", "judge"]

_NOT_SUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
_PROMPTS = frozenset({"none", "login", "consent"})
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthorizationParameters:
    """Parameters of a request as they came; empty for those that did not."""

    client_id: str
    redirect_uri: str
    response_type: str = ""
    scope: str = ""
    state: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    nonce: str = ""
    prompt: str = ""
    login_hint: str = ""
    max_age: int | None = None
    tenant: str = ""
    dpop_jkt: str = ""
    response_mode: str = ""
    refused: tuple[str, ...] = ()
    """Names of parameters that came more than once, that cannot be read, or that ask for what there is not."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that can be granted, if a person says so."""

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    state: str
    code_challenge: str
    nonce: str = ""
    prompts: frozenset[str] = frozenset()
    login_hint: str = ""
    max_age: int | None = None
    """Seconds since the person has proven who it is; None for any."""
    tenant: str = ""
    """Name of the tenant, for a client that serves all; empty if the person says."""
    dpop_jkt: str = ""


@dataclass(frozen=True, slots=True)
class RequestRefusal:
    """Why a request is not granted, in the words of RFC 6749, section 4.1.2.1."""

    error: str
    description: str


def judge(asked: AuthorizationParameters, client: OAuthClient) -> AuthorizationRequest | RequestRefusal:
    """Returns what is asked for, or why it cannot be had. The client and its redirect URI are good by then."""
    scopes = asked_scopes(asked.scope, client)
    prompts = frozenset(asked.prompt.split())
    refusal = _refusal(asked, client) or _scope_refusal(scopes) or _prompt_refusal(prompts)
    if refusal is not None or scopes is None:
        return refusal or RequestRefusal("invalid_scope", "")
    return AuthorizationRequest(
        asked.client_id,
        asked.redirect_uri,
        scopes,
        asked.state,
        asked.code_challenge,
        asked.nonce,
        prompts,
        asked.login_hint,
        asked.max_age,
        asked.tenant,
        asked.dpop_jkt,
    )


def asked_scopes(scope: str, client: OAuthClient) -> frozenset[str] | None:
    """Returns the scopes asked for; None if one is not to be had.

    If none are named they are all of the client's; so they are if a client of the platform names none of methods.
    """
    names = scope.split(" ") if scope else []
    if not all(_SCOPE.fullmatch(name) for name in names):
        return None
    asked = frozenset(names)
    if asked - client.settings.scopes - IDENTITY_SCOPES:
        return None
    few = not asked or (client.first_party and not asked - IDENTITY_SCOPES)
    return asked | client.settings.scopes if few else asked


def _refusal(asked: AuthorizationParameters, client: OAuthClient) -> RequestRefusal | None:
    if asked.refused:
        return _refused_parameter(asked.refused)
    if not asked.response_type:
        return RequestRefusal("invalid_request", "response_type is missing")
    if asked.response_type != "code":
        return RequestRefusal("unsupported_response_type", "response_type must be code")
    if not client.may(GrantType.AUTHORIZATION_CODE):
        return RequestRefusal("unauthorized_client", "the client may not ask for an authorization code")
    if asked.response_mode not in ("", "query"):
        return RequestRefusal("invalid_request", "response_mode must be query")
    return _binding_refusal(asked)


def _refused_parameter(names: Collection[str]) -> RequestRefusal:
    name = min(names, key=lambda each: (each not in _NOT_SUPPORTED, each))
    if name in _NOT_SUPPORTED:
        return RequestRefusal(_NOT_SUPPORTED[name], f"{name} is not supported")
    return RequestRefusal("invalid_request", f"{name} is given more than once, or cannot be read")


def _binding_refusal(asked: AuthorizationParameters) -> RequestRefusal | None:
    if asked.code_challenge_method != S256:
        return RequestRefusal("invalid_request", "code_challenge_method must be S256")
    if not challenge_well_formed(asked.code_challenge):
        return RequestRefusal("invalid_request", "code_challenge must be a SHA-256 in base64url")
    if asked.dpop_jkt and _THUMBPRINT.fullmatch(asked.dpop_jkt) is None:
        return RequestRefusal("invalid_request", "dpop_jkt must be a thumbprint in base64url")
    if asked.max_age is not None and asked.max_age < 0:
        return RequestRefusal("invalid_request", "max_age must not be negative")
    return None


def _scope_refusal(scopes: frozenset[str] | None) -> RequestRefusal | None:
    if scopes is not None:
        return None
    return RequestRefusal("invalid_scope", "the client may not have every scope that it asked for")


def _prompt_refusal(prompts: frozenset[str]) -> RequestRefusal | None:
    if prompts - _PROMPTS:
        return RequestRefusal("invalid_request", "prompt must be none, login, consent, or login and consent")
    if "none" in prompts and len(prompts) > 1:
        return RequestRefusal("invalid_request", "prompt has none beside others")
    return None
