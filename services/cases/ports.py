"""What the cases service needs from outside. The tenant is always that of the verified caller, or of the event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from meshkit.following.batches import Position, Proof
from meshkit.following.ports import FollowingWriter
from meshkit.named_requests import Claims, Writer
from services.cases.domain.added import AttachedFile, CaseNote, DoneWithCase
from services.cases.domain.alerts import AlertCause, AlertedEntity, AlertState, Evidence, RaisedFor, StoredAlert
from services.cases.domain.cases import CaseState, StoredCase
from services.cases.domain.events import EventOfFraud, LabelledEvent
from services.cases.domain.jobs import StoredJob
from services.cases.domain.levels import CaseSettings, UrgencyLevel

__all__ = [
    "AddedTexts",
    "AlertFilter",
    "CaseChanges",
    "CaseFilter",
    "CaseFollowing",
    "CaseLabels",
    "CaseReads",
    "CaseTold",
    "CaseWriter",
    "QueuePlace",
    "TenantsWithCases",
]


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are asked for. What is empty does not restrict."""

    state: AlertState | None = None
    cause: AlertCause | None = None
    entity_kind: str = ""
    entity: str = ""
    severity: UrgencyLevel = UrgencyLevel.LOW
    """At least."""
    case_id: str = ""
    live: bool = False
    """Only those that take what comes."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases are asked for. What is empty does not restrict."""

    state: CaseState | None = None
    assignee: str = ""
    priority: UrgencyLevel = UrgencyLevel.LOW
    """At least."""
    entity: str = ""
    overdue: bool = False
    live: bool = False
    """Only those that are not closed."""


class QueuePlace(NamedTuple):
    """Where a case stands in the queue."""

    priority: int
    money: int
    created_at: datetime
    case_id: str


class AddedTexts(NamedTuple):
    """What the notes and attachments of a case come to."""

    number: int
    text_bytes: int


class CaseTold(NamedTuple):
    """What the other services learn of a change."""

    event_type: str
    alert_id: str
    case_id: str
    state: str
    what: str
    at: datetime


class CaseReads(Protocol):
    """Alerts and cases of each tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    async def alert(self, tenant_id: str, alert_id: UUID) -> StoredAlert | None: ...

    async def alerts(self, tenant_id: str, only: AlertFilter, before: UUID | None, limit: int) -> Sequence[StoredAlert]:
        """Returns at most `limit` alerts that were raised before another one, the newest first."""
        ...

    async def evidence(self, tenant_id: str, alert_id: UUID) -> Sequence[Evidence]:
        """Returns the transactions of an alert, the newest first."""
        ...

    async def case(self, tenant_id: str, case_id: UUID) -> StoredCase | None: ...

    async def cases(
        self, tenant_id: str, only: CaseFilter, after: QueuePlace | None, limit: int
    ) -> Sequence[StoredCase]:
        """Returns at most `limit` cases behind a place, in the order of the queue."""
        ...

    async def notes(self, tenant_id: str, case_id: UUID) -> Sequence[CaseNote]: ...

    async def attachments(self, tenant_id: str, case_id: UUID) -> Sequence[AttachedFile]: ...

    async def transactions(
        self, tenant_id: str, case_id: UUID, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Evidence]:
        """Returns at most `limit` transactions of a case behind one, the newest first, each once."""
        ...

    async def history(self, tenant_id: str, case_id: UUID, after: int, limit: int) -> Sequence[DoneWithCase]: ...

    async def settings(self, tenant_id: str) -> CaseSettings: ...

    async def job(self, tenant_id: str, job_id: UUID) -> StoredJob | None: ...


class CaseChanges(Claims, Protocol):
    """One transaction on the alerts and cases of one tenant. Those of a tenant follow each other."""

    async def settings(self) -> CaseSettings: ...

    async def save_settings(self, settings: CaseSettings) -> None: ...

    async def alert(self, alert_id: UUID) -> StoredAlert | None: ...

    async def live_alert(self, raised_for: RaisedFor) -> StoredAlert | None: ...

    async def alerts_of(self, case_id: str) -> Sequence[StoredAlert]: ...

    async def save_alert(self, alert: StoredAlert) -> None:
        """Stores an alert, be it new or another state of one."""
        ...

    async def raised_before(self, transaction_id: str, raised_for: RaisedFor) -> bool:
        """Tells whether a transaction was counted by an alert for this, live or not."""
        ...

    async def add_evidence(self, alert_id: str, evidence: Evidence) -> None:
        """Adds a transaction; of more than are kept the oldest give way, and are known as counted for a while."""
        ...

    async def label(self, event: LabelledEvent) -> None:
        """Notes a label with its transaction, wherever that is evidence."""
        ...

    async def case(self, case_id: UUID) -> StoredCase | None:
        """Returns a case, which nobody else changes until the transaction ends."""
        ...

    async def open_case(self, entity: AlertedEntity) -> StoredCase | None:
        """Returns the case that takes further alerts of an entity."""
        ...

    async def next_case(self, priority: UrgencyLevel) -> StoredCase | None:
        """Returns the first open case of the queue that no other transaction holds, and holds it."""
        ...

    async def late_cases(self, now: datetime, limit: int) -> Sequence[StoredCase]:
        """Returns cases that are not closed, are due and were not told of as overdue."""
        ...

    async def age_cases(self, now: datetime, limit: int) -> int:
        """Raises the priorities of at most `limit` that have waited, and returns of how many."""
        ...

    async def save_case(self, case: StoredCase) -> None: ...

    async def transactions_of(self, case_id: str, *, dismissed: bool = False) -> Sequence[str]:
        """Returns the transactions of its alerts, with `dismissed` those of dismissed alerts as well."""
        ...

    async def add_note(self, case_id: str, note: CaseNote) -> None: ...

    async def add_attachment(self, case_id: str, attachment: AttachedFile) -> None: ...

    async def added(self, case_id: str) -> AddedTexts:
        """Returns how many notes and attachments a case has, and how large they are."""
        ...

    async def record(self, case_id: str, action: str, actor: str, at: datetime, details: Mapping[str, str]) -> None:
        """Adds to the history of a case."""
        ...

    async def add_job(self, job: StoredJob) -> None: ...

    async def advance(self, job: StoredJob, looked_at: int, changed: int) -> bool:
        """Notes what came of the next items of a job. False, and nothing is noted, if its place was another already."""
        ...

    async def tell(self, told: CaseTold) -> None:
        """Tells the other services."""
        ...


CaseWriter: TypeAlias = Writer[CaseChanges]


class CaseFollowing(FollowingWriter[EventOfFraud], Protocol):
    """Makes the events of the fraud service take effect, each exactly once."""

    async def lost(self) -> str:
        """Returns why the place is lost, empty if it is not."""
        ...

    async def newest(self) -> datetime | None:
        """Returns when the newest event that was followed was written."""
        ...

    async def enter(self, events: Sequence[EventOfFraud]) -> None:
        """Lets events take effect, and leaves the place and what was the newest event as they are."""
        ...

    async def go_on(self, last: Position, proof: Proof) -> None:
        """Goes on from a place."""
        ...


class CaseLabels(Protocol):
    """The labels of the fraud service."""

    async def store(self, transaction_ids: Sequence[str], label: str, reason: str) -> None:
        """Stores a label of each transaction for the caller; what says the same again changes nothing.

        Raises MeshError unless every label is stored.
        """
        ...


class WatchedCases(NamedTuple):
    """What is to be known of the cases of all tenants."""

    open: Mapping[UrgencyLevel, int]
    """How many are not closed, by priority; those that there are none of may be left out."""
    due: Sequence[str]
    """Tenants with a case that is overdue and not told of, or whose priority has to be raised."""


class TenantsWithCases(Protocol):
    """The tenants whose cases are watched over. Raises MeshError UNAVAILABLE."""

    async def watched(self, now: datetime) -> WatchedCases:
        """Looks at the cases of all tenants."""
        ...
