"""The errors of the data service, one constructor per reason."""

from __future__ import annotations

from meshkit.errors import MeshError, Violation, validation_failed

__all__ = ["not_a_date", "not_a_time"]


def not_a_date(field: str) -> MeshError:
    return validation_failed(Violation(field, "date.valid", "is not a date of the calendar"))


def not_a_time(field: str) -> MeshError:
    return validation_failed(Violation(field, "timestamp.valid", "is not a time between the years 1 and 9999"))
