"""The gRPC services of the fraud process, one module each: convert, call, convert."""

from __future__ import annotations

from services.fraud.servicer.event_types import EventTypeServicer
from services.fraud.servicer.fraud import DECISION_FIELDS, Checks, FraudServicer
from services.fraud.servicer.lists import ListServicer

__all__ = ["DECISION_FIELDS", "Checks", "EventTypeServicer", "FraudServicer", "ListServicer"]
