"""Ports of backtests: what is kept of them, who does them, and the decisions of the past."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from meshkit.named_requests import Claims, Writer
from services.fraud.domain.backtests.backtest import Backtest, BacktestValues
from services.fraud.domain.backtests.past import Extent, PastDecision
from services.fraud.domain.backtests.tally import BacktestTally
from services.fraud.domain.scenarios.scenario import ScenarioVersion

__all__ = [
    "BacktestChanges",
    "BacktestCheckpoint",
    "BacktestNews",
    "BacktestOrder",
    "BacktestReads",
    "BacktestRunner",
    "BacktestWriter",
    "Checkpoints",
    "PastDecisions",
    "SupersededError",
]


class BacktestReads(Protocol):
    """The backtests of each tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    async def get(self, tenant_id: str, backtest_id: UUID) -> Backtest | None: ...

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> Sequence[Backtest]:
        """Returns at most `limit` backtests, newest first, older than `before`, without drafts and results."""
        ...


class BacktestChanges(Claims, Protocol):
    """One transaction on the backtests of one tenant. Those of a tenant follow each other."""

    async def add(self, backtest: Backtest) -> None: ...

    async def without_result(self, limit: int) -> Sequence[Backtest]:
        """Returns the newest backtests that have no result, without their drafts."""
        ...


BacktestWriter: TypeAlias = Writer[BacktestChanges]


class SupersededError(Exception):
    """Another attempt at the same work has begun: nothing may be stored any more."""


class BacktestCheckpoint(NamedTuple):
    """From where a backtest goes on."""

    after: UUID
    """The last decision that is counted."""
    total: int
    """Decisions of the period, as of the first attempt."""
    tally: BacktestTally


class Checkpoints(Protocol):
    """What attempts at backtests store. Each names its token, which grows from attempt to attempt.

    Every method raises MeshError UNAVAILABLE during an outage.
    """

    async def begin(self, tenant_id: str, backtest_id: str, token: int) -> BacktestCheckpoint | None:
        """Begins an attempt: from now on no earlier one stores anything. Raises SupersededError."""
        ...

    async def store(self, tenant_id: str, backtest_id: str, token: int, reached: BacktestCheckpoint) -> None:
        """Raises SupersededError."""
        ...

    async def finish(self, tenant_id: str, backtest_id: str, token: int, tally: BacktestTally) -> None:
        """Stores the result in the place of the checkpoint. Raises SupersededError."""
        ...


class PastDecisions(Protocol):
    """The stored decisions of a tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    async def extent(self, tenant_id: str, event_type: str, since: datetime, until: datetime) -> Extent:
        """Returns what there is of decisions about events of a type that were made from `since` until `until`."""
        ...

    def pages(
        self,
        tenant_id: str,
        since: datetime,
        until: datetime,
        after: UUID,
        whole: str,
        events: Collection[str] = (),
        *,
        places: bool = False,
    ) -> AsyncGenerator[Sequence[PastDecision], None]:
        """Yields decisions of a period in pages, in the order in which they were made.

        Those of type `whole` that come after `after` are read as a whole. Of all other decisions about `events`, also
        of those up to `after`, the event alone is read, where it was too if `places` says so; those that are not about
        `events` are left out.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOrder:
    """What one attempt at a backtest is to do."""

    tenant_id: str
    backtest_id: str
    token: int
    """Greater than that of every attempt before."""
    since: datetime
    until: datetime
    values: BacktestValues
    version: ScenarioVersion
    review_without: frozenset[str]
    """Inputs without which the outcome is review at least."""


@dataclass(frozen=True, slots=True)
class BacktestNews:
    """How far an attempt is."""

    done: int
    total: int
    message: str
    stored: bool = False
    """True if the next attempt goes on from here."""


class BacktestRunner(Protocol):
    """Does attempts at backtests."""

    def run(self, order: BacktestOrder) -> AsyncGenerator[BacktestNews, None]:
        """Does an attempt; when the iterator ends, the result is stored. What is no longer iterated, stops.

        Raises TaskFailure and MeshError.
        """
        ...
