"""Checks an audit log: computes its chain again, and compares it with anchors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.api import Json
from console.audit_log import AuditSource, chained_event, place_from, start_of
from meshkit.audit.chain import ChainCheck, ChainFault, ChainPlace

__all__ = ["AuditVerdict", "verified"]

MOST_FAULTS = 20


@dataclass(frozen=True)
class AuditVerdict:
    """What was found."""

    head: Json
    events: int
    anchors: int
    """How many anchors it was compared with."""
    faults: Sequence[ChainFault]
    """The first that were found, none if the log is whole."""


async def verified(source: AuditSource, noted: Iterable[ChainPlace]) -> AuditVerdict:
    """Checks a log from its checkpoint to its head; `noted` are anchors that were kept elsewhere.

    Raises CommandFailure for what is no log.
    Of the anchors that are kept with the log those count that the service has sealed: anybody could have written
    others, and that somebody did is a fault.
    """
    head, faults, known = await source.head(), list[ChainFault](), [*noted]
    async for anchor in source.anchors():
        if anchor["genuine"]:
            known.append(place_from(anchor))
        else:
            faults.append(ChainFault(int(anchor["sequence"]), "has an anchor that the service did not seal"))
    if head.get("checkpoint") and not head["checkpoint"]["genuine"]:
        faults.append(ChainFault(int(head["checkpoint"]["sequence"]), "is a checkpoint that the service did not seal"))
    check = ChainCheck(start_of(head), known)
    faults += check.begin()
    async for event in source.events(head):
        faults += check.follow(chained_event(event))
        if len(faults) >= MOST_FAULTS:
            break
    else:
        faults += check.end(place_from(head))
    return AuditVerdict(head, check.count, check.compared, faults[:MOST_FAULTS])
