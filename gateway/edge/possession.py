"""Checks that whoever shows a bound token holds the key (RFC 9449, section 7) or certificate (RFC 8705, section 3).

A proof is good once in each process: others, and other gateways, do not know of it. Whoever takes a token and its proof
from a request can so repeat that very request for a minute at most, once for each process that has not had it.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from meshkit.context import Confirmation
from meshkit.errors import Kind, MeshError
from meshkit.identity.dpop import ProofError, read_proof

__all__ = ["SEEN_PROOFS", "Held", "PossessionCheck"]

SEEN_PROOFS = 100_000
"""Proofs that are known at once. If there are more in a minute, new ones are refused until some are too old."""
_KEY = "jkt"


@dataclass(frozen=True, slots=True)
class Held:
    """What a request shows beside its token."""

    proof: bytes | None = None
    """What stands in the header of proofs; None if the token came as a bearer's."""
    certificate: str = ""
    """Thumbprint of the client's certificate, empty for none."""


class PossessionCheck:
    """Checks what is held against tokens. `url` is where callers reach the gateway; proofs name addresses behind it."""

    def __init__(self, url: str, clock: Callable[[], float] = time.time, *, most: int = SEEN_PROOFS) -> None:
        self._url = url
        self._clock = clock
        self._most = most
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def check(self, bound: Confirmation | None, token: str, held: Held, place: tuple[str, str]) -> None:
        """Checks a request with a method and a path.

        Raises TOKEN_INVALID for a token that must come otherwise, and PROOF_INVALID.
        """
        if bound is not None and bound.method == _KEY:
            if held.proof is None:
                raise _other("is bound to a key: send it as `Authorization: DPoP` with a proof")
            self._check_proof(bound, token, held.proof.decode("latin-1"), place)
            return
        if held.proof is not None:
            raise _other("is not bound to a key: send it as `Authorization: Bearer`")
        if bound is not None and not hmac.compare_digest(bound.thumbprint, held.certificate):
            raise _other("is bound to a certificate that the request does not show")

    def _check_proof(self, bound: Confirmation, token: str, proof: str, place: tuple[str, str]) -> None:
        method, path = place
        try:
            read = read_proof(proof, method, self._url + path, self._clock(), token)
        except ProofError as error:
            raise _proof_invalid(str(error)) from error
        if read.thumbprint != bound.thumbprint:
            raise _proof_invalid("is of another key")
        self._note(read.digest, read.until)

    def _note(self, digest: bytes, until: float) -> None:
        """Refuses a proof that was seen, and notes it. The oldest are forgotten once they are too old to be good."""
        now = self._clock()
        while self._seen and next(iter(self._seen.values())) <= now:
            self._seen.popitem(last=False)
        if digest in self._seen:
            raise _proof_invalid("was used before")
        if len(self._seen) >= self._most:
            raise MeshError(
                Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "more proofs came than can be remembered", retry_after=1.0
            )
        # In the order of arrival: those of the future stay a little longer than they need to.
        self._seen[digest] = max(until, now)


def _other(what: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", f"the access token {what}")


def _proof_invalid(what: str) -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "PROOF_INVALID", f"the proof of possession {what}")
