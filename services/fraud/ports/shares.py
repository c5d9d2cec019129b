"""Port of the shares that tenants have of the memory of the entity logs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

__all__ = ["LogMemory", "LogSample", "LogShare", "LogShares", "ShareState"]


class ShareState(Enum):
    """What becomes of the logs of a tenant that has, or had, more than its share."""

    CROWDED = "crowded"
    """They go early unless they are used. That one is not there says nothing, and nothing is swept."""
    EASED = "eased"
    """They are told again to stay, and what was being decided meanwhile is being stored."""
    OPEN = "open"
    """As those of any other tenant, once they were swept."""


class LogShare(NamedTuple):
    """What is known of a tenant that has, or had, more than its share."""

    state: ShareState
    turn: int
    """Of its last change among those of all tenants. A sweep that began before it proves nothing."""
    seconds: int
    """For how long a log stays after its last use while the tenant is crowded."""
    since: int
    """When it changed last (Unix seconds, by the clock of the logs)."""


class LogMemory(NamedTuple):
    """The memory of the logs and of what is kept with them."""

    used: int
    most: int
    """Bytes at which something is evicted, 0 for never."""
    keys: int
    now: int
    """Unix seconds, by the clock of the logs."""
    shares: Mapping[bytes, LogShare]
    """By the tags of tenants, of which nothing is known of most."""


class LogSample(NamedTuple):
    """A key that was looked at."""

    tag: bytes
    """Of the tenant whose log it is, empty for what is no log."""
    size: int
    """Bytes that it takes."""


class LogShares(Protocol):
    """What tenants have of the memory of the logs. Tags stand for tenants; two may share one, and count as one then.

    Every coroutine raises LogsUnavailableError.
    """

    async def memory(self) -> LogMemory:
        """Returns how full it is."""
        ...

    async def sample(self, count: int, draining: Collection[bytes]) -> Sequence[LogSample]:
        """Looks at keys at random. Logs of crowded tenants that are `draining` go early unless they are used."""
        ...

    async def crowd(self, tag: bytes, seconds: int) -> bool:
        """Lets logs of a tenant go early: so many seconds after each use. False if too many tenants are known of."""
        ...

    async def ease(self, tag: bytes) -> bool:
        """Lets the logs of a crowded tenant stay again."""
        ...

    async def open(self, tag: bytes, seconds: int) -> bool:
        """Lets a tenant be swept that has been eased for so many seconds."""
        ...

    def tenant(self, tag: bytes) -> str | None:
        """Returns whose tag it is, if this process knows."""
        ...
