"""The one error type of the mesh survives the wire."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import wrappers_pb2
from google.rpc import error_details_pb2, status_pb2
from rampart.mesh.v1 import error_reason_pb2

from meshkit import errors
from meshkit.errors import STATUS_KEY, Kind, MeshError, Violation, from_rpc_error, from_status, to_status


def same(first: MeshError, second: MeshError) -> bool:
    names = ("kind", "reason", "message", "metadata", "retry_after", "violations")
    return all(getattr(first, name) == getattr(second, name) for name in names)


def rpc_error(code: grpc.StatusCode, details: bytes | None = None) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata() if details is None else grpc.aio.Metadata((STATUS_KEY, details))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details="text of the channel")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("retry_after", [None, 0.0, 0.05, 1.5, 3600.0])
def test_error_of_every_kind_survives_the_wire(kind: Kind, retry_after: float | None) -> None:
    error = MeshError(
        kind,
        "RATE_LIMITED",
        'words with ünïcode and "quotes"',
        metadata={"scope": "a:b", "name": "ß"},
        retry_after=retry_after,
        violations=[Violation("user.email", "string.email", "must be an address"), Violation("", "x", "y")],
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


@pytest.mark.parametrize(
    "made",
    [errors.internal(), errors.unavailable("x"), errors.deadline_exceeded(), errors.validation_failed()],
    ids=lambda error: error.reason,
)
def test_reasons_are_names_of_the_contract(made: MeshError) -> None:
    assert f"ERROR_REASON_{made.reason}" in set(error_reason_pb2.ErrorReason.keys())


def test_what_the_peer_answered_is_read_from_its_status() -> None:
    sent = MeshError(Kind.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT", "taken", metadata={"transaction_id": "t"})
    details = to_status(sent).SerializeToString()
    assert same(from_rpc_error(rpc_error(grpc.StatusCode.ALREADY_EXISTS, details), "fraud"), sent)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, Kind.UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Kind.DEADLINE_EXCEEDED),
        (grpc.StatusCode.CANCELLED, Kind.CANCELLED),
        (grpc.StatusCode.UNIMPLEMENTED, Kind.INTERNAL),
        (grpc.StatusCode.UNKNOWN, Kind.INTERNAL),
    ],
)
def test_what_the_channel_reports_never_shows_its_text(code: grpc.StatusCode, kind: Kind) -> None:
    error = from_rpc_error(rpc_error(code), "fraud")
    assert error.kind is kind
    assert "text of the channel" not in error.message


def test_unreachable_peer_is_named_and_asks_for_a_later_attempt() -> None:
    error = from_rpc_error(rpc_error(grpc.StatusCode.UNAVAILABLE), "fraud")
    assert error.metadata == {"dependency": "fraud"}
    assert error.retry_after
