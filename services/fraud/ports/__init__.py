"""What the fraud service needs from outside. Each port has a twin in memory that passes the same conformance suite."""

from __future__ import annotations

from services.fraud.ports.configuration import Declarations, DeclarationStore
from services.fraud.ports.decisions import (
    Admits,
    CommitResult,
    DecisionFilter,
    DecisionLog,
    DecisionStore,
    IpIntelligence,
    LogPage,
    OldDecisions,
    Outbox,
    RateStore,
    RiskProfiles,
    Stored,
    StoredEvents,
)
from services.fraud.ports.event_types import EventTypeChanges, EventTypes, EventTypeWriter
from services.fraud.ports.gaps import Gap, LogGaps
from services.fraud.ports.history import History, HistoryKey, KeyHistory
from services.fraud.ports.logs import (
    Appended,
    EntityLogs,
    LogAnswer,
    LogKey,
    LogPart,
    LogProof,
    LogSlice,
    LogState,
    LogStream,
    LogsUnavailableError,
    LogWrite,
    Overdue,
    Restored,
    Ticket,
)

__all__ = [
    "Admits",
    "Appended",
    "CommitResult",
    "DecisionFilter",
    "DecisionLog",
    "DecisionStore",
    "DeclarationStore",
    "Declarations",
    "EntityLogs",
    "EventTypeChanges",
    "EventTypeWriter",
    "EventTypes",
    "Gap",
    "History",
    "HistoryKey",
    "IpIntelligence",
    "KeyHistory",
    "LogAnswer",
    "LogGaps",
    "LogKey",
    "LogPage",
    "LogPart",
    "LogProof",
    "LogSlice",
    "LogState",
    "LogStream",
    "LogWrite",
    "LogsUnavailableError",
    "OldDecisions",
    "Outbox",
    "Overdue",
    "RateStore",
    "Restored",
    "RiskProfiles",
    "Stored",
    "StoredEvents",
    "Ticket",
]
