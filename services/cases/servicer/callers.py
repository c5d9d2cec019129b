"""What a caller may see."""

from __future__ import annotations

from rampart.cases.v1 import case_pb2

from meshkit.context import Principal
from meshkit.masking import MASK, masked

__all__ = ["case_seen_by", "note_seen_by", "sees_pii"]

PII = "pii:read"


def sees_pii(caller: Principal) -> bool:
    """Tells whether people, cards and notes are shown as they are."""
    return PII in caller.scopes


def case_seen_by(caller: Principal, case: case_pb2.FraudCase) -> case_pb2.FraudCase:
    """Masks what was stored as the answer to a named request: whoever sends it again may see less."""
    if not sees_pii(caller):
        case.entity = masked(case.entity)
    return case


def note_seen_by(caller: Principal, note: case_pb2.CaseNote) -> case_pb2.CaseNote:
    """Does the same with a note, which its author may see."""
    if not sees_pii(caller) and note.author != caller.actor:
        note.words = MASK
    return note
