"""The way of one attempt to the tenant's own provider and back: what is kept of it, and what comes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

__all__ = ["FEDERATED", "SEVERAL_FACTORS", "FederatedAttempt", "ProviderAnswer", "redirect_uri"]

FEDERATED = "fed"
"""Method of a session for which the tenant's own provider has vouched."""
SEVERAL_FACTORS = "mfa"
"""Method besides, if the provider has checked more than one factor and the tenant counts that (RFC 8176)."""


@dataclass(frozen=True, slots=True)
class FederatedAttempt:
    """What an answer is held against. It is kept with the attempt, sealed, for one answer."""

    tenant_id: str
    tenant: str
    """Name of the tenant, with which the redirect URI ends."""
    issuer: str
    client_id: str
    names_itself: bool
    """Whether the answer has to say whose it is."""
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    max_age: int | None
    """Seconds since the person has proven who it is; None for any number."""
    begun_at: float

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, text: bytes) -> FederatedAttempt:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the browser brings back (RFC 6749, sections 4.1.2 and 4.1.2.1; RFC 9207)."""

    code: str = field(repr=False)
    state: str = field(repr=False)
    iss: str
    error: str
    tenant: str
    """Name of the tenant to whose redirect URI it came."""


def redirect_uri(callback: str, tenant: str) -> str:
    """Returns where the provider of a tenant answers: each tenant has an address of its own (RFC 9700, section 4.4.2).

    A hostile provider can send a browser on to that of another tenant, whose answer then comes to that one's address.
    At one for all it would be taken for the answer of the first, which then would be shown a code of the other.
    """
    return f"{callback}/{tenant}"
