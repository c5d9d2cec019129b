"""The one error type of the mesh survives the wire."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import any_pb2, wrappers_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from rampart.mesh.v1 import error_reason_pb2

from meshkit import errors
from meshkit.errors import STATUS_KEY, Kind, MeshError, Violation, from_rpc_error, from_status, to_status

TEXT = "text of the channel or of the peer"


def same(first: MeshError, second: MeshError) -> bool:
    names = ("kind", "reason", "message", "metadata", "retry_after", "violations", "domain", "details")
    return all(getattr(first, name) == getattr(second, name) for name in names)


def rpc_error(code: grpc.StatusCode, details: bytes | None = None) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata() if details is None else grpc.aio.Metadata((STATUS_KEY, details))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details=TEXT)


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
    ("code", "details"),
    [
        (grpc.StatusCode.NOT_FOUND, b"\xff\xff"),
        (grpc.StatusCode.NOT_FOUND, status_pb2.Status(code=3, message="another code").SerializeToString()),
        (grpc.StatusCode.NOT_FOUND, status_pb2.Status(message="no code").SerializeToString()),
        (
            grpc.StatusCode.NOT_FOUND,
            status_pb2.Status(
                code=5,
                message="a detail that is no message",
                details=[any_pb2.Any(type_url="type.googleapis.com/google.rpc.BadRequest", value=b"\xff")],
            ).SerializeToString(),
        ),
    ],
    ids=["no status", "another code", "no code", "broken detail"],
)
def test_malformed_status_is_replaced_whole(code: grpc.StatusCode, details: bytes) -> None:
    assert same(from_rpc_error(rpc_error(code, details), "fraud"), errors.internal())


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED])
def test_words_of_a_service_without_details_are_passed_on(code: grpc.StatusCode) -> None:
    error = from_rpc_error(rpc_error(code), "fraud")
    assert (error.kind.name, error.reason, error.domain, error.message) == (code.name, code.name, "", TEXT)


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
        (grpc.StatusCode.INTERNAL, Kind.INTERNAL),
        (grpc.StatusCode.UNKNOWN, Kind.UNKNOWN),
        (grpc.StatusCode.DATA_LOSS, Kind.DATA_LOSS),
    ],
)
def test_what_the_channel_reports_and_what_failed_inside_a_service_never_shows_its_text(
    code: grpc.StatusCode, kind: Kind
) -> None:
    error = from_rpc_error(rpc_error(code), "fraud")
    assert error.kind is kind
    assert TEXT not in error.message


def test_unreachable_peer_is_named_and_asks_for_a_later_attempt() -> None:
    error = from_rpc_error(rpc_error(grpc.StatusCode.UNAVAILABLE), "fraud")
    assert error.metadata == {"dependency": "fraud"}
    assert error.retry_after
