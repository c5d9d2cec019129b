"""Says what the tokens of a client are bound to: the one place that enforces sender constraints."""

from __future__ import annotations

from meshkit.context import Confirmation
from services.auth import errors
from services.auth.domain.clients import SenderConstraint
from services.auth.domain.token_binding import NOT_BOUND, TokenBinding

__all__ = ["binding_for", "binding_of"]


def binding_for(constraint: SenderConstraint, *, jkt: str = "", certificate: str = "") -> TokenBinding:
    """Returns what tokens are bound to. Raises PROOF_INVALID and CERTIFICATE_REQUIRED.

    `jkt` and `certificate` are thumbprints of the key and the certificate that the client has proven to hold, empty for
    none. A certificate counts for who is registered so alone: connections have one for other reasons as well.
    """
    if constraint is SenderConstraint.MTLS:
        if jkt:
            raise errors.proof_invalid("is of no use: tokens of this client are bound to its certificate")
        if not certificate:
            raise errors.certificate_required()
        return TokenBinding(certificate=certificate)
    if constraint is SenderConstraint.DPOP and not jkt:
        raise errors.proof_invalid("is missing")
    return TokenBinding(jkt=jkt)


def binding_of(confirmation: Confirmation | None) -> TokenBinding:
    """Returns what a token that was verified is bound to."""
    if confirmation is None:
        return NOT_BOUND
    thumbprint = confirmation.thumbprint
    return TokenBinding(jkt=thumbprint) if confirmation.method == "jkt" else TokenBinding(certificate=thumbprint)
