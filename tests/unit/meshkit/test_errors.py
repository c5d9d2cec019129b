"""The one error type of the mesh survives the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf import any_pb2, wrappers_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from rampart.mesh.v1 import error_reason_pb2

from meshkit import errors
from meshkit.errors import Kind, MeshError, Violation, from_status, to_status


def same(first: MeshError, second: MeshError) -> bool:
    names = ("kind", "reason", "message", "metadata", "retry_after", "violations", "domain", "details")
    return all(getattr(first, name) == getattr(second, name) for name in names)


def packed(message: Message) -> any_pb2.Any:
    detail = any_pb2.Any()
    detail.Pack(message)
    return detail


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("retry_after", [None, 0.0, 0.05, 1.5, 3600.0])
def test_error_of_every_kind_survives_the_wire(kind: Kind, retry_after: float | None) -> None:
    error = MeshError(
        kind,
        "RATE_LIMITED",
        'words with ünïcode and "quotes"',
        metadata={"scope": "a:b", "name": "ß"},
        retry_after=retry_after,
        violations=[
            Violation("user.email", "string.email", "must be an address"),
            Violation("", "x", "y", localized=("de", "falsch")),
        ],
        details=[packed(error_details_pb2.ResourceInfo(resource_type="user")), packed(error_details_pb2.ErrorInfo())],
    )
    wire = to_status(error).SerializeToString()
    assert same(from_status(status_pb2.Status.FromString(wire)), error)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_a_canonical_code_of_the_same_name_and_number(kind: Kind) -> None:
    assert kind.grpc_code.name == kind.name
    assert kind.grpc_code.value[0] == int(kind)


def test_bare_error_carries_one_error_info_and_nothing_else() -> None:
    (detail,) = to_status(MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "none")).details
    info = error_details_pb2.ErrorInfo()
    assert detail.Unpack(info)
    assert (info.reason, info.domain) == ("RESOURCE_NOT_FOUND", "rampart")


def test_status_of_a_stranger_is_read_as_far_as_it_goes() -> None:
    status = status_pb2.Status(code=99, message="?")
    status.details.add().Pack(wrappers_pb2.StringValue(value="of another type"))
    error = from_status(status)
    assert (error.kind, error.reason, error.metadata, error.violations) == (Kind.UNKNOWN, "UNKNOWN", {}, ())
    assert error.domain == ""
    assert [detail.type_url for detail in error.details] == ["type.googleapis.com/google.protobuf.StringValue"]


def test_status_of_a_stranger_stays_without_a_reason_of_ours() -> None:
    status = status_pb2.Status(code=5, message="no such thing")
    assert to_status(from_status(status)) == status


def test_second_detail_of_a_type_is_kept() -> None:
    status = status_pb2.Status(code=9)
    for name in ("first", "second"):
        status.details.add().Pack(error_details_pb2.ErrorInfo(reason=name, domain="elsewhere"))
    error = from_status(status)
    assert (error.reason, error.domain, len(error.details)) == ("first", "elsewhere", 1)
    assert to_status(error) == status


@pytest.mark.parametrize(
    "made",
    [errors.internal(), errors.unavailable("x"), errors.deadline_exceeded(), errors.validation_failed()],
    ids=lambda error: error.reason,
)
def test_reasons_are_names_of_the_contract(made: MeshError) -> None:
    assert f"ERROR_REASON_{made.reason}" in set(error_reason_pb2.ErrorReason.keys())


def test_a_message_that_names_the_fields_names_those_that_they_are_renamed_to() -> None:
    wrong = errors.validation_failed(Violation("rules[0].words", "words.valid", "is none"))
    other = wrong.with_violations(replace(each, field="rule.words") for each in wrong.violations)
    assert (wrong.message, other.message) == (
        "the request is not valid: rules[0].words",
        "the request is not valid: rule.words",
    )
    told = MeshError(Kind.INVALID_ARGUMENT, "OTHER", "no", violations=wrong.violations)
    assert told.with_violations(()).message == "no"
