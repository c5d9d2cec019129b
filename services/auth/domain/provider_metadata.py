"""Reads what a provider says of itself (OpenID Connect Discovery 1.0, sections 3 and 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ProviderFault", "ProviderMetadata", "document_url"]

_WELL_KNOWN = "/.well-known/openid-configuration"


class ProviderFault(Exception):
    """A provider cannot be used, or does not answer as it has to. `why` is one word, for people who set it up."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the provider cannot be used ({why})")
        self.why = why


def document_url(issuer: str) -> str:
    """Returns where the document of an issuer is."""
    return issuer.removesuffix("/") + _WELL_KNOWN


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What is used of the document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    """Empty for none."""
    names_itself: bool
    """Whether every answer of the provider carries `iss` (RFC 9207)."""
    secret_methods: frozenset[str]

    @classmethod
    def read(cls, document: Mapping[str, Any], issuer: str) -> ProviderMetadata:
        """Takes the document of an issuer, which must say that it is of exactly this one. Raises ProviderFault."""
        if document.get("issuer") != issuer:
            raise ProviderFault("issuer")
        if not {"code"} <= _texts(document, "response_types_supported", ["code"]):
            raise ProviderFault("methods")
        return cls(
            issuer,
            _endpoint(document, "authorization_endpoint", issuer),
            _endpoint(document, "token_endpoint", issuer),
            _endpoint(document, "jwks_uri", issuer),
            _endpoint(document, "userinfo_endpoint", issuer) if "userinfo_endpoint" in document else "",
            document.get("authorization_response_iss_parameter_supported") is True,
            _texts(document, "token_endpoint_auth_methods_supported", ["client_secret_basic"]),
        )


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    """Returns an address of the provider: no less protected than its issuer, and of no other scheme."""
    value = document.get(name)
    schemes = ("https://", "http://") if issuer.startswith("http://") else ("https://",)
    if not isinstance(value, str) or not value.startswith(schemes) or not _plain(value):
        raise ProviderFault("endpoints")
    return value


def _plain(address: str) -> bool:
    return len(address) <= 2048 and all("!" <= mark <= "~" for mark in address) and "#" not in address


def _texts(document: Mapping[str, Any], name: str, absent: list[str]) -> frozenset[str]:
    value = document.get(name, absent)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ProviderFault("malformed")
    return frozenset(value)
