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
