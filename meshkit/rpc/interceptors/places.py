"""Keeps the places of a process: who may have how many of them at once.

Services of the platform and its operator may have all of them. Callers of teams' own, whose certificates say
`client/...`, have a part of the places together and a smaller one each: however many they take, the others find theirs.
"""

from __future__ import annotations

from prometheus_client import Counter

from meshkit.errors import Kind, MeshError
from meshkit.operators import is_operator

__all__ = ["CLIENTS_PART", "CLIENT_PART", "CallPlaces"]

CLIENTS_PART = 0.25
"""Part of the places that all callers together may have that are no service of the platform."""
CLIENT_PART = 0.1
"""Part of the places that each of them may have."""
SERVICES = "service/"

_refused = Counter(
    "grpc_server_places_refused",
    "Calls and streams refused for want of a place, by whose were taken.",
    ["whose"],
)


class CallPlaces:
    """Counts who has a place. `what` and `retry_after` (seconds) are what the refused are told."""

    def __init__(self, limit: int, what: str, *, retry_after: float) -> None:
        self._limit = limit
        self._what = what
        self._retry_after = retry_after
        self._clients_limit = max(1, int(limit * CLIENTS_PART))
        self._client_limit = max(1, int(limit * CLIENT_PART))
        self._clients: dict[str, int] = {}
        self._clients_taken = 0
        self.taken = 0

    def take(self, peer: str) -> None:
        """Gives a peer, the path of a SPIFFE ID, a place. Raises OVERLOADED."""
        if self.taken >= self._limit:
            raise self._full("all")
        if not (peer.startswith(SERVICES) or is_operator(peer)):
            self._take_part(peer)
        self.taken += 1

    def leave(self, peer: str) -> None:
        """Takes the place back, once for each that was given."""
        self.taken -= 1
        if peer in self._clients:
            self._clients_taken -= 1
            self._clients[peer] -= 1
            if not self._clients[peer]:
                del self._clients[peer]

    def _take_part(self, peer: str) -> None:
        own = self._clients.get(peer, 0)
        if own >= self._client_limit:
            raise self._full("client")
        if self._clients_taken >= self._clients_limit:
            raise self._full("clients")
        self._clients[peer] = own + 1
        self._clients_taken += 1

    def _full(self, whose: str) -> MeshError:
        _refused.labels(whose).inc()
        holder = {"all": "the service has", "clients": "callers of their own have", "client": "this caller has"}[whose]
        return MeshError(
            Kind.RESOURCE_EXHAUSTED,
            "OVERLOADED",
            f"{holder} as {self._what} as the service accepts",
            retry_after=self._retry_after,
        )
