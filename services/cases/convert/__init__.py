"""Converts between messages and the domain of the cases service."""

from services.cases.convert.alerts import (
    alert_filter_from_proto,
    alert_settings_to_proto,
    alert_to_proto,
    evidence_to_proto,
    settings_changes_from_proto,
)
from services.cases.convert.cases import (
    attached_to_proto,
    case_filter_from_proto,
    case_to_proto,
    entry_to_proto,
    evidence_place_from_token,
    evidence_place_to_token,
    level_from_word,
    note_to_proto,
    queue_place_from_token,
    queue_place_to_token,
)
from services.cases.convert.events import event_of_fraud_from_proto, told_to_event
from services.cases.convert.jobs import job_filter_from_proto, job_to_proto

__all__ = [
    "alert_filter_from_proto",
    "alert_settings_to_proto",
    "alert_to_proto",
    "attached_to_proto",
    "case_filter_from_proto",
    "case_to_proto",
    "entry_to_proto",
    "event_of_fraud_from_proto",
    "evidence_place_from_token",
    "evidence_place_to_token",
    "evidence_to_proto",
    "job_filter_from_proto",
    "job_to_proto",
    "level_from_word",
    "note_to_proto",
    "queue_place_from_token",
    "queue_place_to_token",
    "settings_changes_from_proto",
    "told_to_event",
]
