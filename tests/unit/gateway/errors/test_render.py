"""Errors in both forms: what one says, the other says too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import any_pb2, duration_pb2, json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2
from google.rpc import status_pb2
from rampart.user.v1 import user_pb2

from gateway.errors.places import HttpViolation
from gateway.errors.render import ErrorRenderer
from meshkit.errors import Kind, MeshError, Violation
from tests.support.errors import facts, read_problem, read_status
from tests.support.gateway import Gateway, plan

STATUS = b"application/json, application/problem+json;q=0.5"


def packed(message: Message) -> any_pb2.Any:
    detail = any_pb2.Any()
    detail.Pack(message)
    return detail


def quota() -> Any:
    found: Any = details_pb2.QuotaFailure()
    found.violations.add(subject="client:c-1", description="5 of 5")
    return found


def bad_request() -> Any:
    found: Any = details_pb2.BadRequest()
    found.field_violations.add(field="a", description="b", reason="C")
    return found


def precondition() -> Any:
    found: Any = details_pb2.PreconditionFailure()
    found.violations.add(type="TOS", subject="example.com", description="not accepted")
    return found


def links() -> Any:
    found: Any = details_pb2.Help()
    found.links.add(description="how to", url="https://example.com/help")
    return found


DETAILS = {
    "QuotaFailure": quota(),
    "PreconditionFailure": precondition(),
    "ResourceInfo": details_pb2.ResourceInfo(resource_type="user", resource_name="u-1", owner="o", description="d"),
    "Help": links(),
    "LocalizedMessage": details_pb2.LocalizedMessage(locale="de-CH", message="nein"),
    "a second ErrorInfo": details_pb2.ErrorInfo(reason="B", domain="example.com", metadata={"k": "v"}),
    "a second BadRequest": bad_request(),
    "a message of the plan": user_pb2.User(user_id="u-1", country="CH"),
    "a well-known type": duration_pb2.Duration(seconds=3, nanos=5_000_000),
}

ERRORS = [
    MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "there is no such user", metadata={"resource": "user"}),
    MeshError(Kind.RESOURCE_EXHAUSTED, "RATE_LIMITED", "slower", retry_after=0.25),
    MeshError(Kind.UNAVAILABLE, "OVERLOADED", "ünïcode and \U0001f600", retry_after=61.000001),
    MeshError(Kind.ABORTED, "ETAG_MISMATCH", "changed", retry_after=7),
    MeshError(
        Kind.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
        "wrong",
        violations=[
            HttpViolation("user.email", "string.email", "must be an address", "body", "/email"),
            Violation("page", "int32.gte", "must be 0 or more", localized=("fr", "trop petit")),
        ],
    ),
    MeshError(Kind.FAILED_PRECONDITION, "OTHER", "of a stranger", domain="example.com", metadata={"a": ""}),
    *[MeshError(kind, kind.name, "without a reason", domain="") for kind in Kind],
    *[
        MeshError(Kind.ABORTED, "CONFLICT", name, violations=[Violation("a", "b", "c")], details=[packed(each)])
        for name, each in DETAILS.items()
    ],
]


def render(error: MeshError, accept: bytes = b"") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ErrorRenderer(plan().registry).render(error, "r-1", accept).body)
    return document


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_both_forms_say_all_of_an_error(error: MeshError) -> None:
    assert facts(read_problem(render(error))) == facts(error)
    assert facts(read_status(render(error, STATUS))) == facts(error)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_one_form_can_be_made_of_the_other(error: MeshError) -> None:
    assert render(read_problem(render(error)), STATUS) == render(error, STATUS)
    again = render(read_status(render(error, STATUS)))
    told = render(error)
    for each in told.get("errors", ()):
        # The place in the HTTP request is known where the request is; the status has the field.
        each.pop("in", None), each.pop("pointer", None)
    again["details"] = [each for each in again["details"] if "RequestInfo" not in each["@type"]]
    assert again == told | {"details": told.get("details", [])}


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_form_changes_neither_the_status_nor_the_headers(error: MeshError) -> None:
    first, second = (ErrorRenderer(plan().registry).render(error, "r-1", accept) for accept in (b"", STATUS))
    assert (first.status, first.headers) == (second.status, second.headers)
    assert (first.media_type, second.media_type) == (b"application/problem+json", b"application/json")


def test_status_is_that_of_the_protos() -> None:
    assert render(MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "gone", metadata={"a": "b"}), STATUS) == {
        "code": 5,
        "message": "gone",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "RESOURCE_NOT_FOUND",
                "domain": "rampart",
                "metadata": {"a": "b"},
            },
            {"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": "r-1", "serving_data": ""},
        ],
    }


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_status_can_have_the_names_of_proto_json(error: MeshError) -> None:
    found = json.loads(ErrorRenderer(plan().registry, json_names=True).render(error, "r-1", STATUS).body)
    assert facts(read_status(found)) == facts(error)
    canonical = json_format.ParseDict(found, status_pb2.Status())
    names = [set(detail) for detail in json_format.MessageToDict(canonical)["details"]]
    assert all(known <= set(detail) for known, detail in zip(names, found["details"], strict=True))


def test_request_that_the_service_named_is_named_once() -> None:
    error = MeshError(Kind.ABORTED, "CONFLICT", "", details=[packed(details_pb2.RequestInfo(request_id="theirs"))])
    named = [each["request_id"] for each in render(error, STATUS)["details"] if "RequestInfo" in each["@type"]]
    assert named == ["theirs"]
    assert (render(error)["request_id"], render(error)["details"][0]["request_id"]) == ("r-1", "theirs")


@pytest.mark.parametrize("accept", [b"", STATUS])
@pytest.mark.parametrize(
    "detail",
    [
        packed(details_pb2.DebugInfo(stack_entries=["secret"], detail="secret")),
        any_pb2.Any(type_url="type.googleapis.com/unknown.Type", value=b"secret"),
        any_pb2.Any(type_url="", value=b"secret"),
        packed(any_pb2.Any(type_url="type.googleapis.com/unknown.Type", value=b"secret")),
    ],
    ids=["debug information", "unknown type", "no type", "unknown type inside"],
)
def test_detail_that_may_disclose_something_is_left_out(detail: any_pb2.Any, accept: bytes) -> None:
    shown = packed(details_pb2.ResourceInfo(resource_type="user"))
    body = (
        ErrorRenderer(plan().registry)
        .render(MeshError(Kind.ABORTED, "CONFLICT", "", details=[detail, shown]), "r-1", accept)
        .body
    )
    assert b"ResourceInfo" in body
    assert b"secret" not in body
    assert b"DebugInfo" not in body
    assert b"unknown.Type" not in body


@pytest.mark.parametrize("accept", [b"", STATUS])
def test_error_with_a_broken_detail_is_replaced_whole(accept: bytes) -> None:
    broken = any_pb2.Any(type_url="type.googleapis.com/google.rpc.Help", value=b"\xff\xff")
    error = MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "secret", details=[broken])
    failure = ErrorRenderer(plan().registry).render(error, "r-1", accept)
    assert failure.status == 500
    assert b"INTERNAL" in failure.body
    assert b"secret" not in failure.body


@pytest.mark.parametrize(
    ("method", "target", "headers", "token", "status"),
    [
        ("GET", "/nowhere", {}, "good-token", 404),
        ("DELETE", "/api/v1/decisions", {}, "good-token", 405),
        ("GET", "/api/v1/decisions", {}, None, 401),
        ("GET", "/api/v1/decisions?nonsense=1", {}, "good-token", 400),
        ("GET", "/api/v1/decisions/%ff", {}, "good-token", 400),
        ("GET", "/api/v1/decisions/not-a-uuid", {}, "good-token", 400),
        ("POST", "/api/v1/fraud-check", {"content-length": "99999999"}, "good-token", 413),
        ("GET", "/health/nowhere", {}, None, 404),
        ("POST", "/health", {}, None, 405),
    ],
)
async def test_every_kind_of_error_is_told_in_the_form_that_is_asked_for(
    gateway: Gateway, method: str, target: str, headers: dict[str, str], token: str | None, status: int
) -> None:
    problem = await gateway.request(method, target, headers=headers, token=token)
    assert (problem.status, problem.headers["content-type"]) == (status, "application/problem+json")
    found = await gateway.request(method, target, headers={**headers, "accept": STATUS.decode()}, token=token)
    assert (found.status, found.headers["content-type"]) == (status, "application/json")
    assert facts(read_status(found.json)) == facts(read_problem(problem.json))


async def test_details_and_places_of_a_service_error_reach_the_caller(gateway: Gateway) -> None:
    gateway.upstream.error = MeshError(
        Kind.FAILED_PRECONDITION,
        "OTHER",
        "not yet",
        domain="example.com",
        violations=[Violation("user.email", "taken", "is taken", localized=("de", "vergeben"))],
        details=[packed(precondition())],
    )
    found = (await gateway.request("POST", "/api/v1/users", {"user_id": "u-1"})).json
    assert found["errors"][0]["pointer"] == "/email"
    assert found["errors"][0]["localized"] == {"locale": "de", "message": "vergeben"}
    assert found["details"][0]["violations"][0]["type"] == "TOS"
