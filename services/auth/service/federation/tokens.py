"""Redeems a code at a provider, and verifies the ID token that comes (OpenID Connect Core 1.0, section 3.1.3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from meshkit.identity.jose.compact import JwsError, JwsKind, read_object
from meshkit.json import JsonError
from services.auth.domain.identity_providers import IdentityProvider, SecretMethod
from services.auth.domain.provider_identity import IdentityRefusedError
from services.auth.domain.provider_metadata import ProviderFault, ProviderMetadata
from services.auth.ports.identity_providers import ProviderCalls
from services.auth.service.federation.catalogue import ID_TOKEN_ALGORITHMS, ProviderCatalogue

__all__ = ["CodeToRedeem", "ProviderTokens", "RedeemedTokens"]

_KIND = JwsKind(ID_TOKEN_ALGORITHMS, frozenset({"jwt"}), typ_required=False, kid_required=False, max_octets=16_384)
_HASHES = {"EdDSA": hashlib.sha512, "Ed25519": hashlib.sha512}
"""Those of the others have 256 bits, which is in their names."""
_TOKEN_ERRORS = frozenset(
    {
        "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client",
        "unsupported_grant_type",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CodeToRedeem:
    """A code and what proves that it is ours."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RedeemedTokens:
    """What a code was good for."""

    claims: Mapping[str, Any] = field(repr=False)
    """Of the ID token: its signature is the provider's, and nothing else is known of it."""
    access_token: str = field(repr=False)


class ProviderTokens:
    """Gets tokens. Raises ProviderFault for a provider that does not answer, and IdentityRefusedError."""

    def __init__(self, calls: ProviderCalls, catalogue: ProviderCatalogue) -> None:
        self._calls = calls
        self._catalogue = catalogue

    async def redeem(
        self, provider: IdentityProvider, metadata: ProviderMetadata, code: CodeToRedeem
    ) -> RedeemedTokens:
        """Returns the tokens for a code."""
        fields = {
            "grant_type": "authorization_code", "code": code.code, "redirect_uri": code.redirect_uri,
            "code_verifier": code.verifier,
        }  # fmt: skip
        authorization = ""
        if provider.method is SecretMethod.BASIC:
            authorization = _basic(provider.client_id, code.secret)
        else:
            fields |= {"client_id": provider.client_id, "client_secret": code.secret}
        status, answer = await self._calls.post_form(metadata.token_endpoint, provider.tenant_id, fields, authorization)
        if status != 200:
            raise _refused(status, answer.get("error"))
        access_token, id_token = answer.get("access_token"), answer.get("id_token")
        if not isinstance(access_token, str) or not isinstance(id_token, str):
            raise IdentityRefusedError("tokens")
        return RedeemedTokens(await self._claims(id_token, access_token, metadata, provider.tenant_id), access_token)

    async def _claims(
        self, id_token: str, access_token: str, metadata: ProviderMetadata, whose: str
    ) -> Mapping[str, Any]:
        try:
            unverified = _KIND.read(id_token)
            payload = unverified.verified(await self._catalogue.keys(metadata, unverified, whose))
            claims = read_object(payload)
        except (JwsError, JsonError):
            raise IdentityRefusedError("signature") from None
        if "at_hash" in claims and not _hashes_to(access_token, claims["at_hash"], unverified.algorithm):
            raise IdentityRefusedError("at_hash")
        return claims


def _basic(client_id: str, secret: str) -> str:
    """Returns the credentials as RFC 6749, section 2.3.1, writes them."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _refused(status: int, error: object) -> Exception:
    if status >= 500 or status == 429:
        return ProviderFault("status")
    return IdentityRefusedError(f"token_{error}" if isinstance(error, str) and error in _TOKEN_ERRORS else "token")


def _hashes_to(token: str, given: object, algorithm: str) -> bool:
    """Tells whether the left half of a token's hash is what is given (section 3.1.3.6)."""
    digest = _HASHES.get(algorithm, hashlib.sha256)(token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    return isinstance(given, str) and hmac.compare_digest(half, given.encode())
