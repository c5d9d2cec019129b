"""Errors of failed calls, as `grpc.aio` hands them out."""

from __future__ import annotations

from typing import cast

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import status_pb2

from meshkit import errors
from meshkit.errors import STATUS_KEY, Kind, MeshError, to_status
from meshkit.rpc.failures import from_rpc_error

TEXT = "text of the channel or of the peer"


def same(first: MeshError, second: MeshError) -> bool:
    names = ("kind", "reason", "message", "metadata", "retry_after", "violations", "domain", "details")
    return all(getattr(first, name) == getattr(second, name) for name in names)


def rpc_error(code: grpc.StatusCode, details: bytes | None = None) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata() if details is None else grpc.aio.Metadata((STATUS_KEY, details))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details=TEXT)


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


@pytest.mark.parametrize("words", ["Deadline Exceeded", "Stream removed (Deadline Exceeded)"])
def test_words_of_the_transport_are_known_from_those_of_a_service(words: str) -> None:
    class Connected:
        def get_state(self) -> grpc.ChannelConnectivity:
            return grpc.ChannelConnectivity.READY

    code, channel = grpc.StatusCode.DEADLINE_EXCEEDED, cast("grpc.aio.Channel", Connected())
    for trailers, told in (((), errors.deadline_exceeded().message), ((("a", "b"),), words)):
        error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details=words)
        assert from_rpc_error(error, "upstream", foreign=channel).message == told
