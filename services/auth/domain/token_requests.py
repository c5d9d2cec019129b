"""Describes what clients send for tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ClientProof", "GivenProof", "TokenRequest"]


@dataclass(frozen=True, slots=True)
class ClientProof:
    """How a client says who it is (RFC 6749, section 2.3; RFC 7523)."""

    client_id: str = ""
    """Empty with an assertion that names it."""
    secret: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GivenProof:
    """A proof with what it must be about; without a JWT none was given."""

    jwt: str = field(default="", repr=False)
    method: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request for tokens as it came; empty for what did not."""

    client: ClientProof
    grant_type: str
    scope: str = ""
    code: str = field(default="", repr=False)
    redirect_uri: str = ""
    code_verifier: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    device_code: str = field(default="", repr=False)
    proof: GivenProof = field(default_factory=GivenProof)
    certificate: str = ""
    """Thumbprint of the certificate that the connection of the client shows; empty for none."""
