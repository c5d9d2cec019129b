"""The errors of the fraud service, one constructor per reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from meshkit.canonical import NOT_AN_ADDRESS
from meshkit.currencies import NOT_A_CURRENCY
from meshkit.errors import Kind, MeshError, Violation, validation_failed
from services.fraud.domain.names import FieldFault
from services.fraud.domain.scenarios.checking import ContentFault

__all__ = [
    "CURRENCY_UNKNOWN",
    "DATE_UNKNOWN",
    "address_unusable",
    "amount_too_large",
    "amount_too_precise",
    "backfill_not_allowed",
    "content_refused",
    "currency_unknown",
    "decision_not_found",
    "event_in_future",
    "event_invalid",
    "event_time_impossible",
    "event_too_large",
    "event_type_exists",
    "event_type_invalid",
    "event_type_not_found",
    "events_lost",
    "feature_built_in",
    "feature_exists",
    "feature_in_use",
    "found_none",
    "idempotency_conflict",
    "import_incomplete",
    "list_exists",
    "list_full",
    "list_invalid",
    "list_not_found",
    "lists_under_change",
    "position_invalid",
    "position_lost",
    "rule_exists",
    "scenario_exists",
    "second_person_needed",
    "step_not_allowed",
    "sum_too_large",
    "too_many_event_types",
    "too_many_features",
    "too_many_imports",
    "too_many_lists",
    "too_many_watchers",
    "value_refused",
]


CURRENCY_UNKNOWN = "currency.known", NOT_A_CURRENCY
DATE_UNKNOWN = "date.valid", "is not a date of the calendar"
USES_TOLD = 10
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


def found_none(resource: str) -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", f"there is no such {resource}", metadata={"resource": resource}
    )


def scenario_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "RESOURCE_EXISTS",
        "a scenario with this scenario_id and other content exists",
        metadata={"resource": "scenario"},
    )


def rule_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "RESOURCE_EXISTS",
        "a rule with this rule_id and other content exists",
        metadata={"resource": "rule"},
    )


def content_refused(faults: Iterable[ContentFault], within: str = "") -> MeshError:
    """`within` is the field of the request that has the scenario or rule, with the point after it."""
    return validation_failed(*(Violation(f"{within}{each.place}", each.reason, _located(each)) for each in faults))


def _located(fault: ContentFault) -> str:
    return f"line {fault.line}, column {fault.column}: {fault.message}" if fault.line else fault.message


def step_not_allowed(why: str, state: str) -> MeshError:
    return MeshError(Kind.FAILED_PRECONDITION, "STATE_NOT_ALLOWED", why, metadata={"state": state})


def second_person_needed(scenario_id: str, version: int) -> MeshError:
    return MeshError(
        Kind.PERMISSION_DENIED,
        "SECOND_PERSON_NEEDED",
        "the caller has edited this version: somebody else has to approve it",
        metadata={"scenario_id": scenario_id, "version": str(version)},
    )


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


def list_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such list", metadata={"resource": "list"})


def list_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a list with this name exists", metadata={"resource": "list"}
    )


def list_invalid(faults: Iterable[FieldFault]) -> MeshError:
    return validation_failed(*(Violation(*each) for each in faults))


def too_many_lists(most: int) -> MeshError:
    return validation_failed(Violation("list", "lists.most", f"is one more than {most}, a tenant's most"))


def list_full(path: str, most: int) -> MeshError:
    return validation_failed(
        Violation(path, "list.entries", f"would give the list more than {most} entries, its most: nothing was stored")
    )


def import_incomplete(rows: int) -> MeshError:
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "STATE_NOT_ALLOWED",
        f"the import has {rows} rows so far, which are not those to commit",
        metadata={"state": "incomplete"},
    )


def too_many_imports(most: int) -> MeshError:
    return MeshError(
        Kind.FAILED_PRECONDITION,
        "STATE_NOT_ALLOWED",
        f"more than {most} parts of imports wait: commit them, or wait for a day until they go",
        metadata={"state": "waiting"},
    )


def lists_under_change() -> MeshError:
    """Other changes of the tenant's lists took longer than this one could wait."""
    return MeshError(Kind.ABORTED, "CONFLICT", "other changes of the lists are under way", retry_after=1.0)


def too_many_watchers(whose: str) -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        f"{whose} has as many streams as it may have",
        metadata={"limit": whose},
        retry_after=5.0,
    )


def event_type_not_found() -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such event type", metadata={"resource": "event type"}
    )


def event_type_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "RESOURCE_EXISTS",
        "an event type of this name exists",
        metadata={"resource": "event type"},
    )


def event_type_invalid(faults: Iterable[FieldFault]) -> MeshError:
    return validation_failed(*(Violation(f"event_type.{each.path}", each.rule, each.words) for each in faults))


def too_many_event_types(most: int) -> MeshError:
    return validation_failed(Violation("event_type", "event_types.most", f"is one more than {most}, a tenant's most"))


def event_invalid(faults: Iterable[FieldFault]) -> MeshError:
    return validation_failed(*(Violation(*each) for each in faults))


def event_too_large(size: int, most: int) -> MeshError:
    return validation_failed(Violation("fields", "fields.size", f"must have at most {most} bytes, not {size}"))


def feature_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a feature of this name exists", metadata={"resource": "feature"}
    )


def too_many_features(most: int) -> MeshError:
    return validation_failed(Violation("feature", "features.most", f"is one more than {most}, a tenant's most"))


def feature_built_in() -> MeshError:
    return step_not_allowed("the feature is built in: it stays as it is", "built_in")


def feature_in_use(using: Sequence[str]) -> MeshError:
    shown = ", ".join(using[:USES_TOLD]) + (f" and {len(using) - USES_TOLD} more" if len(using) > USES_TOLD else "")
    return step_not_allowed(f"the feature is used by {shown}", "in_use")
