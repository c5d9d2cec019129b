"""Checks proofs of possession at the token endpoint (RFC 9449, section 5), each of which is good once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from meshkit.identity.dpop import ProofError, read_proof
from services.auth import errors
from services.auth.domain.token_requests import GivenProof
from services.auth.ports.grants import SeenProofs

__all__ = ["Proofs"]


class Proofs:
    """Checks proofs."""

    def __init__(self, seen: SeenProofs, clock: Callable[[], datetime]) -> None:
        self._seen = seen
        self._clock = clock

    async def key(self, given: GivenProof, access_token: str = "") -> str:
        """Returns the thumbprint of the key of a proof; empty without one. Raises PROOF_INVALID.

        With an access token the proof has to be of its use (RFC 9449, section 4.3).
        """
        if not given.jwt:
            return ""
        try:
            proof = read_proof(given.jwt, given.method, given.url, self._clock().timestamp(), access_token)
        except ProofError as error:
            raise errors.proof_invalid(str(error)) from error
        if not await self._seen.first(proof.digest, datetime.fromtimestamp(proof.until, UTC)):
            raise errors.proof_invalid("was used before")
        return proof.thumbprint
