"""A stored answer shows a caller no more than a new one would."""

from __future__ import annotations

from rampart.cases.v1 import case_pb2

from meshkit.context import Principal
from services.cases.servicer.callers import case_seen_by, note_seen_by


def caller(name: str, *scopes: str) -> Principal:
    return Principal("tenant", name, frozenset(scopes), 1, "USD")


def test_people_and_notes_are_masked_by_who_asks_and_not_by_who_asked_first() -> None:
    def case() -> case_pb2.FraudCase:
        return case_pb2.FraudCase(entity="user-4711")

    def note() -> case_pb2.CaseNote:
        return case_pb2.CaseNote(words="Called.", author="ana")

    assert case_seen_by(caller("ana", "pii:read"), case()).entity == "user-4711"
    assert case_seen_by(caller("ana"), case()).entity == "us…11"
    assert (
        note_seen_by(caller("ana"), note()).words == note_seen_by(caller("bob", "pii:read"), note()).words == "Called."
    )
    assert note_seen_by(caller("bob"), note()).words == "…"
