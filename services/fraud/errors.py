"""The errors of the fraud service, one constructor per reason."""

from __future__ import annotations

from meshkit.errors import Kind, MeshError, Violation, validation_failed

__all__ = [
    "amount_too_precise",
    "backfill_not_allowed",
    "decision_not_found",
    "event_in_future",
    "event_time_impossible",
    "idempotency_conflict",
    "position_invalid",
    "position_lost",
    "too_many_watchers",
]


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


def amount_too_precise(currency: str, digits: int) -> MeshError:
    return validation_failed(
        Violation(
            "transaction_amount",
            "currency.precision",
            f"must have at most {digits} digits after the point in {currency}",
        )
    )


def event_time_impossible() -> MeshError:
    return validation_failed(Violation("event_time", "timestamp.range", "must be a time from year 1 to year 9999"))


def event_in_future() -> MeshError:
    return validation_failed(Violation("event_time", "timestamp.future", "must be at most 5 minutes ahead"))


def backfill_not_allowed(scope: str) -> MeshError:
    return validation_failed(
        Violation("event_time", "timestamp.past", f"must be at most 24 hours ago without the scope {scope}")
    )


def position_invalid() -> MeshError:
    return validation_failed(Violation("after", "position", "must be the position of an earlier response"))


def position_lost() -> MeshError:
    return MeshError(
        Kind.OUT_OF_RANGE,
        "STREAM_POSITION_LOST",
        "what follows this position is kept no longer: start without `after`, and fill the gap by listing",
    )


def too_many_watchers(whose: str) -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        f"{whose} has as many streams as it may have",
        metadata={"limit": whose},
        retry_after=5.0,
    )
