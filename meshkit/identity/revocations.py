"""Holds which access tokens are refused although they are signed and not expired.

A revocation is within a tenant, whose own it is. It refuses the tokens that were issued up to a time, for example all
of a session that somebody has ended; or all there will be, for example those of a tenant that is suspended, until it is
lifted. How revocations come to be known is not a matter of this module, only what follows at once when they are: who
listens has to look again at what it has let in.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from meshkit.context import Principal
from meshkit.errors import Kind, MeshError

__all__ = ["ERASURE", "MAX_OF_A_TENANT", "TOKEN_REVOKED", "Revocations", "RevokedBy", "RevokedTokens", "token_revoked"]

TOKEN_REVOKED: Final = "TOKEN_REVOKED"
"""The reason of errors."""

ERASURE: Final = "erasure"
"""Name of what refuses no token of a tenant, but lets it be erased: it spreads and is lifted as what suspends it."""

MAX_OF_A_TENANT = 10_000
"""Revocations of one tenant that end by themselves. More of them become one, for all that the tenant has issued."""


class RevokedBy(StrEnum):
    """What the tokens of a revocation have in common."""

    TOKEN = "token"
    """The token itself: `jti`."""
    SESSION = "session"
    """The session or grant: `sid`."""
    CLIENT = "client"
    """The acting client: `client_id`."""
    SUBJECT = "subject"
    """The person, or client, that the token is about: `sub`."""
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class RevokedTokens:
    """Refuses tokens of a tenant."""

    tenant_id: str
    by: RevokedBy
    name: str = ""
    """Of the token, session, client or subject; empty for the tenant, or `ERASURE`."""
    issued_before: float | None = None
    """Refuses what was issued at this time, in Unix seconds, or earlier; None for all, also what is issued later."""
    until: float = float("inf")
    """When nothing that it refuses can be good any more, in Unix seconds: from then on it is forgotten."""


_Name = tuple[RevokedBy, str]


@dataclass(slots=True)
class _Refusal:
    """What revocations of one name refuse together."""

    all_until: float = float("-inf")
    issued_before: float = float("-inf")
    until: float = float("-inf")

    def add(self, revocation: RevokedTokens) -> None:
        if revocation.issued_before is None:
            self.all_until = max(self.all_until, revocation.until)
        else:
            self.issued_before = max(self.issued_before, revocation.issued_before)
            self.until = max(self.until, revocation.until)

    def refuses(self, issued_at: float, now: float) -> bool:
        return now < self.all_until or (now < self.until and issued_at <= self.issued_before)

    def over(self, now: float) -> bool:
        return now >= max(self.all_until, self.until)


class Revocations:
    """All revocations that this process knows. One per process.

    Those that are `awaited` are not ready until they have been told, even if there are none.
    """

    def __init__(self, *, awaited: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.ready = not awaited
        self.version = 0
        """Grows with every change: what was not refused at a version is not refused until another."""
        self._clock = clock
        self._tenants: dict[str, dict[_Name, _Refusal]] = {}
        self._listeners: dict[object, Callable[[], None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._tenants.values()))

    def refuses(self, principal: Principal) -> bool:
        """Tells whether the token of a principal is revoked: one look-up for a tenant that has revoked nothing."""
        known = self._tenants.get(principal.tenant_id)
        if known is None:
            return False
        now, issued_at = self._clock(), principal.issued_at
        found = (known.get(name) for name in _names(principal))
        return any(refusal is not None and refusal.refuses(issued_at, now) for refusal in found)

    def refuses_all(self, tenant_id: str) -> bool:
        """Tells whether all tokens of a tenant are refused, also those to come: it is suspended."""
        whole = self._tenants.get(tenant_id, {}).get((RevokedBy.TENANT, ""))
        return whole is not None and self._clock() < whole.all_until

    def may_be_erased(self, tenant_id: str) -> bool:
        """Tells whether a tenant is suspended, and its erasure is allowed."""
        allowed = self._tenants.get(tenant_id, {}).get((RevokedBy.TENANT, ERASURE))
        return allowed is not None and self._clock() < allowed.all_until and self.refuses_all(tenant_id)

    def add(self, revocations: Iterable[RevokedTokens]) -> None:
        """Refuses more tokens, from now on. What came in together is to be added together: listeners look once."""
        self._forget()
        for revocation in revocations:
            self._add(revocation)
        self._tell()

    def replace(self, revocations: Iterable[RevokedTokens]) -> None:
        """Refuses these tokens and no others: what is not among them is lifted."""
        following = list(revocations)
        self._tenants = {}
        self.ready = True
        self.add(following)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls whenever the revocations change, until what is returned is called."""
        handle = object()
        self._listeners[handle] = listener

        def end() -> None:
            self._listeners.pop(handle, None)

        return end

    @contextlib.contextmanager
    def watch(self, principal: Principal, revoked: Callable[[], None]) -> Iterator[None]:
        """Calls, while the block runs, when the token of a principal is revoked; at once if it is already."""

        def look() -> None:
            if self.refuses(principal):
                revoked()

        end = self.listen(look)
        try:
            look()
            yield
        finally:
            end()

    def _add(self, revocation: RevokedTokens) -> None:
        names = self._tenants.setdefault(revocation.tenant_id, {})
        names.setdefault((revocation.by, revocation.name), _Refusal()).add(revocation)
        if len(names) > MAX_OF_A_TENANT:
            self._tenants[revocation.tenant_id] = self._together(names)

    def _together(self, names: dict[_Name, _Refusal]) -> dict[_Name, _Refusal]:
        """Refuses all tokens of a tenant up to the latest time instead of those of single names.

        Its clients get new tokens, and no other tenant notices. What has to be lifted stays.
        """
        now = self._clock()
        kept = {name: refusal for name, refusal in names.items() if now < refusal.all_until}
        whole = kept.setdefault((RevokedBy.TENANT, ""), _Refusal())
        for refusal in names.values():
            whole.issued_before = max(whole.issued_before, refusal.issued_before)
            whole.until = max(whole.until, refusal.until)
        return kept

    def _forget(self) -> None:
        now = self._clock()
        alive = {
            tenant: {name: refusal for name, refusal in names.items() if not refusal.over(now)}
            for tenant, names in self._tenants.items()
        }
        self._tenants = {tenant: names for tenant, names in alive.items() if names}

    def _tell(self) -> None:
        self.version += 1
        for listener in list(self._listeners.values()):
            listener()


def token_revoked() -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, TOKEN_REVOKED, "the access token has been revoked")


def _names(principal: Principal) -> tuple[_Name, ...]:
    return (
        (RevokedBy.TENANT, ""),
        (RevokedBy.CLIENT, principal.client_id),
        (RevokedBy.SUBJECT, principal.subject),
        (RevokedBy.SESSION, principal.session_id),
        (RevokedBy.TOKEN, principal.token_id),
    )
