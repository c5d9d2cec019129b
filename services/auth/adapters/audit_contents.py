"""Writes and reads the canonical form of events. What callers could have a hand in is bounded and without controls."""

from __future__ import annotations

import json
import re
from datetime import datetime

from meshkit.audit.chain import canonical, canonical_time
from services.auth.domain.audit import AuditEvent, AuditOutcome

__all__ = ["content_of", "event_from"]

MAX_CHARACTERS = 256
MAX_DETAILS = 12
# Controls, which no reader of lines may get; halves of surrogate pairs and NUL, which no store takes.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NAME = re.compile("[^a-z0-9_]")


def content_of(event: AuditEvent) -> str:
    """Returns the canonical form of an event. What is too long is cut; controls become U+FFFD."""
    fields = {
        "tenant_id": event.tenant_id,
        "time": canonical_time(event.at),
        "action": event.action,
        "outcome": event.outcome.value,
        "actor": event.actor,
        "client_id": event.client_id,
        "target": event.target,
        "reason": event.reason,
        "request_id": event.request_id,
        "peer": event.peer,
        "recorder": event.recorder,
        "address": event.address,
    }
    details = {_NAME.sub("_", name)[:64]: _fit(text) for name, text in sorted(event.details.items())[:MAX_DETAILS]}
    return canonical({name: _fit(text) for name, text in fields.items()}, details)


def event_from(content: str) -> AuditEvent:
    """Returns the event of a canonical form."""
    members = json.loads(content)
    at, outcome = datetime.fromisoformat(members.pop("time")), AuditOutcome(members.pop("outcome"))
    return AuditEvent(**members, at=at, outcome=outcome)


def _fit(text: str) -> str:
    return _UNFIT.sub("\ufffd", text[:MAX_CHARACTERS])
