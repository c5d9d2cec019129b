"""The catalogue of reasons, and the comment that each is read from."""

from __future__ import annotations

import re

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.describe.catalogue import CatalogueError, phrase, read_reasons
from gateway.describe.comments import Comments
from meshkit.errors import Kind
from tests.support.documents import own_reasons
from tests.support.gateway import plan

FILE = "rampart/mesh/v1/error_reason.proto"


def test_every_reason_that_can_be_sent_is_listed() -> None:
    values = plan().pool.FindEnumTypeByName("rampart.mesh.v1.ErrorReason").values
    assert [f"ERROR_REASON_{name}" for name in own_reasons()] == [each.name for each in values if each.number]


def test_reason_is_read_from_its_comment() -> None:
    reason = own_reasons()["DEPENDENCY_UNAVAILABLE"]
    assert reason.kind is Kind.UNAVAILABLE
    assert reason.status == 503
    assert reason.words == "A service or its store cannot be reached."
    assert reason.extras == "`google.rpc.RetryInfo`; metadata: `dependency`."
    assert reason.slug == "dependency-unavailable"
    assert reason.error().retry_after == 1.0


@pytest.mark.parametrize(
    ("name", "status"),
    [("METHOD_NOT_ALLOWED", 405), ("BODY_TOO_LARGE", 413), ("MEDIA_TYPE_UNSUPPORTED", 415), ("CANCELLED", 499)],
)
def test_status_is_that_of_the_edge(name: str, status: int) -> None:
    assert own_reasons()[name].status == status
    assert phrase(status)


def test_status_named_in_a_comment_is_the_one_that_is_sent() -> None:
    comments = Comments(plan().files)
    named = {
        reason: re.search(r"\(HTTP (\d+)\)", comments.of(f"rampart.mesh.v1.ErrorReason.ERROR_REASON_{reason.name}"))
        for reason in own_reasons().values()
    }
    found = {reason.status: int(match[1]) for reason, match in named.items() if match is not None}
    assert found
    assert list(found) == list(found.values())


def test_comment_without_a_code_is_refused() -> None:
    files = FileDescriptorSet()
    files.CopyFrom(plan().files)
    file = next(file for file in files.file if file.name == FILE)
    for location in file.source_code_info.location:
        location.leading_comments = location.leading_comments.replace("NOT_FOUND", "")
    with pytest.raises(CatalogueError, match="ERROR_REASON_RESOURCE_NOT_FOUND names no canonical code"):
        read_reasons(files)
