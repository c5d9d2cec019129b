"""Reads errors back from both forms in which the edge tells them."""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, json_format
from google.rpc import error_details_pb2, status_pb2

from meshkit.errors import DOMAIN, Kind, MeshError, Violation, from_status

__all__ = ["facts", "read_problem", "read_status"]

# Details can only be read if their types are linked in.
_KNOWN = error_details_pb2


def read_problem(document: dict[str, Any]) -> MeshError:
    """Reads a problem document."""
    return MeshError(
        Kind[document["code"]],
        document["reason"],
        document["detail"],
        metadata=document.get("metadata"),
        retry_after=document.get("retry_after"),
        violations=[_violation(each) for each in document.get("errors", ())],
        domain=document.get("domain", DOMAIN),
        details=[json_format.ParseDict(each, any_pb2.Any()) for each in document.get("details", ())],
    )


def read_status(document: dict[str, Any]) -> MeshError:
    """Reads a `google.rpc.Status` as any client of Google's would."""
    return from_status(json_format.ParseDict(document, status_pb2.Status()))


def facts(error: MeshError) -> dict[str, Any]:
    """Returns everything that an error says; the name of the request apart, which is not the service's to say."""
    own = error_details_pb2.RequestInfo.DESCRIPTOR
    details = sorted(detail.SerializeToString() for detail in error.details if not detail.Is(own))
    return vars(error) | {
        "details": details,
        "violations": [(each.field, each.reason, each.message, each.localized) for each in error.violations],
    }


def _violation(found: dict[str, Any]) -> Violation:
    words = found.get("localized")
    localized = (words["locale"], words["message"]) if words else None
    return Violation(found["field"], found["reason"], found["message"], localized=localized)
