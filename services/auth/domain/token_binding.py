"""Describes what access tokens are bound to: whoever shows one has to hold that as well (RFC 7800, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOT_BOUND", "TokenBinding"]


@dataclass(frozen=True, slots=True)
class TokenBinding:
    """A key or a certificate, by its SHA-256 in base64url; one of them at most, and neither for a bearer token."""

    jkt: str = ""
    """Of the key of DPoP proofs (RFC 9449, section 6.1)."""
    certificate: str = ""
    """Of a client certificate (RFC 8705, section 3.1)."""

    @property
    def token_type(self) -> str:
        """How the token is sent. Of one that is bound to a certificate the connection says the rest."""
        return "DPoP" if self.jkt else "Bearer"

    def claims(self) -> dict[str, object]:
        """Returns what an access token says of it; empty for a bearer token."""
        confirmation = {"jkt": self.jkt, "x5t#S256": self.certificate}
        held = {method: thumbprint for method, thumbprint in confirmation.items() if thumbprint}
        return {"cnf": held} if held else {}


NOT_BOUND = TokenBinding()
