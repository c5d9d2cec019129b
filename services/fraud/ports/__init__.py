"""What the fraud service needs from outside. Each port has a twin in memory that passes the same conformance suite."""

from __future__ import annotations

from services.fraud.ports.configuration import Declarations, DeclarationStore
from services.fraud.ports.decisions import (
    Admits,
    CommitResult,
    DecisionFilter,
    DecisionLog,
    DecisionStore,
    LogPage,
    OldDecisions,
    Outbox,
    RateStore,
    RiskProfiles,
    Stored,
    StoredEvents,
    Windows,
    WindowsUnavailableError,
)
from services.fraud.ports.event_types import EventTypeChanges, EventTypes, EventTypeWriter

__all__ = [
    "Admits",
    "CommitResult",
    "DecisionFilter",
    "DecisionLog",
    "DecisionStore",
    "DeclarationStore",
    "Declarations",
    "EventTypeChanges",
    "EventTypeWriter",
    "EventTypes",
    "LogPage",
    "OldDecisions",
    "Outbox",
    "RateStore",
    "RiskProfiles",
    "Stored",
    "StoredEvents",
    "Windows",
    "WindowsUnavailableError",
]
