"""Errors of what tenants declare: event types, lists, scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshkit.errors import Kind, MeshError, Violation, validation_failed
from services.fraud.domain.names import FieldFault
from services.fraud.domain.scenarios.faults import ContentFault

__all__ = [
    "content_refused",
    "event_type_exists",
    "event_type_invalid",
    "event_type_not_found",
    "feature_built_in",
    "feature_exists",
    "feature_in_use",
    "fields_invalid",
    "found_none",
    "graph_not_whole",
    "import_incomplete",
    "list_exists",
    "list_full",
    "list_in_use",
    "list_not_found",
    "not_verifiable",
    "rule_exists",
    "scenario_exists",
    "second_person_needed",
    "shown_names",
    "step_not_allowed",
    "too_many_event_types",
    "too_many_features",
    "too_many_imports",
    "too_many_labels",
    "too_many_lists",
    "too_many_verifications",
]

USES_TOLD = 10


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


def list_not_found() -> MeshError:
    return MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such list", metadata={"resource": "list"})


def list_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a list with this name exists", metadata={"resource": "list"}
    )


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


def too_many_labels(path: str, most: int) -> MeshError:
    words = f"is the transaction of {most} labels already, which is most"
    return validation_failed(Violation(path, "transaction_id.labels", words))


def too_many_verifications() -> MeshError:
    return MeshError(
        Kind.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        "another verification is under way in this process",
        metadata={"limit": "the service"},
        retry_after=5.0,
    )


def not_verifiable(why: str) -> MeshError:
    return step_not_allowed(why, "too_large")


def event_type_invalid(faults: Iterable[FieldFault]) -> MeshError:
    return validation_failed(*(Violation(f"event_type.{each.path}", each.rule, each.words) for each in faults))


def too_many_event_types(most: int) -> MeshError:
    return validation_failed(Violation("event_type", "event_types.most", f"is one more than {most}, a tenant's most"))


def graph_not_whole() -> MeshError:
    words = "the tenant has no feature of the graph, or what was decided before is being filled in"
    return step_not_allowed(words, "filling")


def fields_invalid(faults: Iterable[FieldFault]) -> MeshError:
    return validation_failed(*(Violation(*each) for each in faults))


def found_none(resource: str) -> MeshError:
    return MeshError(
        Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", f"there is no such {resource}", metadata={"resource": resource}
    )


def feature_exists() -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS, "RESOURCE_EXISTS", "a feature of this name exists", metadata={"resource": "feature"}
    )


def too_many_features(most: int) -> MeshError:
    return validation_failed(Violation("feature", "features.most", f"is one more than {most}, a tenant's most"))


def features_too_costly(milliseconds: int) -> MeshError:
    words = f"takes, with the expressions of all other features, more than {milliseconds} ms with the longest texts"
    return validation_failed(Violation("feature", "features.cost", words))


def feature_built_in() -> MeshError:
    return step_not_allowed("the feature is built in: it stays as it is", "built_in")


def feature_in_use(using: Sequence[str]) -> MeshError:
    return step_not_allowed(f"the feature is used by {shown_names(using)}", "in_use")


def list_in_use(using: Sequence[str]) -> MeshError:
    return step_not_allowed(f"the list is asked by {shown_names(using)}", "in_use")


def shown_names(using: Sequence[str]) -> str:
    """Returns names as a list in words, the first few of many."""
    return ", ".join(using[:USES_TOLD]) + (f" and {len(using) - USES_TOLD} more" if len(using) > USES_TOLD else "")
