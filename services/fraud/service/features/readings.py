"""What reading features for a batch of checks has led to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from meshkit.apart import TravelsApart
from meshkit.errors import Kind, MeshError, deadline_exceeded
from services.fraud.domain.check import Check, Features
from services.fraud.ports import Ticket
from services.fraud.service.checks.waits import Waits
from services.fraud.service.logs.groups import CheckRecords, LogGroup

__all__ = ["CameBefore", "Manner", "Reading", "together", "unprepared"]


class CameBefore(MeshError):
    """In place of features: another attempt at the transaction came before, and may have been stored.

    If it was not, the check is to be read as of that attempt.
    """

    def __init__(self) -> None:
        super().__init__(Kind.ABORTED, "CONFLICT", "the transaction is being decided", retry_after=0.0)


class Manner(NamedTuple):
    """How a batch is read."""

    waits: Waits
    """For how long."""
    patient: bool
    """False if what takes long to read is left to another call."""
    gapped: Collection[str] = frozenset()
    """Tenants whose logs lack decisions."""
    as_of_first: bool = False
    """True if what came before is read as of its first attempt, and not left with `CameBefore`."""
    sheds: bool = False
    """True if checks that are not admitted to the history are decided without it at once, and do not come again."""

    def is_enough(self, missing: Collection[LogGroup], *, live: bool) -> bool:
        """Tells whether a check that lacks these logs is decided without them, though it has the time to come again.

        One that is not `live` is of what happened long ago: nobody waits for it who would rather have it early.
        """
        if self.patient:
            return all(group.exhausted for group in missing)
        return self.sheds and live and any(group.exhausted for group in missing)


class Reading(NamedTuple):
    """What reading for a batch has led to."""

    features: Sequence[Features | MeshError]
    """Of each check, in order, or why it has none: among others `TravelsApart` and `CameBefore`."""
    records: Sequence[CheckRecords | None]
    """None for a check of which nothing was appended."""
    ticket: Ticket | None
    """Names what was reserved; None if nothing could be."""


def unprepared(checks: Sequence[Check], waits: Waits) -> Reading:
    """Has checks come again for which there is time. The others cannot be decided: nobody knows what is counted."""
    answers = [TravelsApart() if waits.can_wait(check.key) else deadline_exceeded() for check in checks]
    return Reading(answers, [None] * len(checks), None)


def together(one: Reading, other: Reading) -> Reading:
    """Joins what was read of two parts of a batch."""
    tickets = [each.ticket for each in (one, other) if each.ticket is not None]
    ticket = Ticket(tuple(name for each in tickets for name in each.names)) if tickets else None
    return Reading([*one.features, *other.features], [*one.records, *other.records], ticket)
