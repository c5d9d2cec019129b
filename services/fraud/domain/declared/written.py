"""Tells which logs are written for a tenant, and which of them are read.

A log of new columns is written at once, filled with what happened before, and read when it is whole. Until then what
was read before is read on, as far as it has what the features need.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet, log_name
from services.fraud.domain.declared.plan import KindPlan, plan_kinds, plan_reading
from services.fraud.domain.event_types import EventType

__all__ = ["NOT_READ", "WrittenLog", "features_read", "filled_logs", "written_logs"]

NOT_READ = -1


class WrittenLog(NamedTuple):
    """The logs of a kind of key that are written alike."""

    name: str
    plan: KindPlan
    start: int
    """Where the values that are read of it begin in the vector, NOT_READ if it is only written."""


def written_logs(declared: DeclaredFeatures, types: Mapping[str, EventType]) -> Sequence[WrittenLog]:
    """Returns the logs that events are written to."""
    ready = _logs(declared.ready, types)
    found: dict[str, WrittenLog] = {}
    start = 0
    for kind, (name, plan, _) in _logs(declared.current, types).items():
        read = ready.get(kind)
        if read is not None and read.name == name:
            found[name] = WrittenLog(name, plan, start)
        else:
            if read is not None:
                found[read.name] = WrittenLog(read.name, plan_reading(read.plan, plan), start)
            found[name] = WrittenLog(name, plan, NOT_READ)
        start += len(plan.features)
    for each in declared.written:
        for log in _logs(each, types).values():
            found.setdefault(log.name, log)
    return list(found.values())


def filled_logs(declared: DeclaredFeatures, types: Mapping[str, EventType]) -> Collection[str]:
    """Returns the names of the logs that have to be filled before they can be read."""
    ready = {log.name for log in _logs(declared.ready, types).values()}
    return {log.name for log in _logs(declared.current, types).values()} - ready


def features_read(logs: Sequence[WrittenLog]) -> Collection[str]:
    """Returns the names of the features that the logs have all of."""
    read = [log.plan for log in logs if log.start != NOT_READ]
    return {each.name for plan in read for each in plan.features if each.name not in plan.missing}


def _logs(of: DeclaredSet, types: Mapping[str, EventType]) -> Mapping[str, WrittenLog]:
    """Returns the logs of a set by their kind, in the order of the vector."""
    return {
        kind: WrittenLog(log_name(plan, of.since.get(kind, 0)), plan, NOT_READ)
        for kind, plan in plan_kinds(of.aggregates, types).items()
    }
