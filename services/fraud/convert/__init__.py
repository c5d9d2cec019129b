"""Between messages and the domain of the fraud service."""

from __future__ import annotations

from services.fraud.convert.checks import check_from_proto
from services.fraud.convert.decisions import DecisionRecord, decided_to_record, facts_from_proto, stored_to_proto
from services.fraud.convert.events import fields_from_record, fields_to_record
from services.fraud.convert.places import (
    Positions,
    decided_page_to_proto,
    event_from_record,
    filter_from_proto,
    page_to_proto,
    place_from_entry,
    place_from_proto,
    selection_from_proto,
    watch_event_to_proto,
)
from services.fraud.convert.rates import admits_from_proto, etag_from_rates, rates_from_proto, rates_to_proto

__all__ = [
    "DecisionRecord",
    "Positions",
    "admits_from_proto",
    "check_from_proto",
    "decided_page_to_proto",
    "decided_to_record",
    "etag_from_rates",
    "event_from_record",
    "facts_from_proto",
    "fields_from_record",
    "fields_to_record",
    "filter_from_proto",
    "page_to_proto",
    "place_from_entry",
    "place_from_proto",
    "rates_from_proto",
    "rates_to_proto",
    "selection_from_proto",
    "stored_to_proto",
    "watch_event_to_proto",
]
