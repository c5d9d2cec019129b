"""Errors of checks and decisions."""

from __future__ import annotations

from datetime import timedelta

from meshkit.canonical import NOT_AN_ADDRESS
from meshkit.currencies import NOT_A_CURRENCY
from meshkit.errors import Kind, MeshError, Violation, validation_failed

__all__ = [
    "CURRENCY_UNKNOWN",
    "DATE_UNKNOWN",
    "address_unusable",
    "amount_too_large",
    "amount_too_precise",
    "backfill_not_allowed",
    "currency_unknown",
    "decision_not_found",
    "event_in_future",
    "event_time_impossible",
    "event_too_large",
    "events_lost",
    "idempotency_conflict",
    "not_computable",
    "position_invalid",
    "position_lost",
    "sum_too_large",
    "too_many_watchers",
    "value_refused",
]

CURRENCY_UNKNOWN = "currency.known", NOT_A_CURRENCY
DATE_UNKNOWN = "date.valid", "is not a date of the calendar"
SUM_SECONDS = 3_600.0
"""After how long a sum that was too large is worth another try: it passes within a day."""


def idempotency_conflict(transaction_id: str) -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "IDEMPOTENCY_CONFLICT",
        "transaction_id was used for a transaction with other content",
        metadata={"transaction_id": transaction_id},
    )


def decision_not_found() -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such decision", metadata={"resource": "decision"}
    )


def not_computable(why: str) -> MeshError:
    """`why` is a key of `_GONE`."""
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "NOT_COMPUTABLE",
        f"the decision cannot be computed again: {_GONE[why]}",
        metadata={"why": why},
    )


_GONE = {
    "format": "it was stored before all that a decision hangs on was stored with it",
    "scenario": "the version of the scenario that decided is not known",
    "event_type": "the version of its event type is not known",
    "features": "the features that it was made with are not known",
    "record": "what is stored of it cannot be read",
}


def amount_too_precise(currency: str, digits: int) -> MeshError:
    return validation_failed(
        Violation(
            "transaction_amount",
            "currency.precision",
            f"must have at most {digits} digits after the point in {currency}",
        )
    )


def amount_too_large(currency: str, largest: int) -> MeshError:
    return validation_failed(
        Violation("transaction_amount", "currency.range", f"must be at most {largest} in {currency}")
    )


def sum_too_large() -> MeshError:
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "SUM_TOO_LARGE",
        "the amounts before this one add up to more than can be counted exactly",
        retry_after=SUM_SECONDS,
    )


def value_refused() -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "VALIDATION_FAILED", "the transaction holds a value that cannot be stored")


def currency_unknown() -> MeshError:
    return validation_failed(Violation("currency", *CURRENCY_UNKNOWN))


def address_unusable() -> MeshError:
    return validation_failed(Violation("ip_address", "ip_address.bare", NOT_AN_ADDRESS))


def event_time_impossible() -> MeshError:
    return validation_failed(Violation("event_time", "timestamp.range", "must be a time from year 1 to year 9999"))


def event_in_future(wait: timedelta) -> MeshError:
    """`wait` is how long the same request is refused for."""
    error = validation_failed(Violation("event_time", "timestamp.future", "must be at most 5 minutes ahead"))
    error.retry_after = wait.total_seconds()
    return error


def backfill_not_allowed(scope: str) -> MeshError:
    error = validation_failed(
        Violation("event_time", "timestamp.past", f"must be at most 24 hours ago without the scope {scope}")
    )
    error.metadata["scope"] = scope
    return error


def position_invalid() -> MeshError:
    return validation_failed(Violation("after", "position", "must be the position of an earlier response"))


def position_lost() -> MeshError:
    return MeshError(
        Kind.OUT_OF_RANGE,
        "STREAM_POSITION_LOST",
        "what follows this position is kept no longer: start without `after`, and fill the gap by listing",
    )


def events_lost(why: str) -> MeshError:
    return MeshError(Kind.OUT_OF_RANGE, "STREAM_POSITION_LOST", f"the outbox cannot be followed from this place: {why}")


def too_many_watchers(whose: str) -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        f"{whose} has as many streams as it may have",
        metadata={"limit": whose},
        retry_after=5.0,
    )


def event_too_large(size: int, most: int) -> MeshError:
    return validation_failed(Violation("fields", "fields.size", f"must have at most {most} bytes, not {size}"))
