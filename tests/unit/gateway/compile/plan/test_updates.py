"""What an update changes: annotated fields, masks in bodies, requests with more than one mask."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.compile.codec import ProtobufPyCodec
from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import Plan, compile_plan
from gateway.compile.router import Router
from gateway.compile.validation import RequestValidator
from gateway.errors.places import HttpViolation
from meshkit.errors import MeshError
from tests.support.protos import with_methods

MESSAGES = """
import "google/api/field_behavior.proto";
import "google/protobuf/struct.proto";
message Part {
  string name = 1 [(google.api.field_behavior) = OUTPUT_ONLY]; int32 size = 2; string etag = 3;
}
message Thing {
  string name = 1 [(google.api.field_behavior) = IDENTIFIER]; string title = 2;
  google.protobuf.Timestamp create_time = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  string kind = 4 [(google.api.field_behavior) = IMMUTABLE]; string etag = 5; Part part = 6;
  google.protobuf.Value any_value = 7; map<string, string> labels = 8;
  string made_by = 9 [(google.api.field_behavior) = OUTPUT_ONLY, (google.api.field_behavior) = IMMUTABLE];
}
message Request {
  Thing thing = 1; google.protobuf.FieldMask update_mask = 2; google.protobuf.FieldMask read_mask = 3; string id = 4;
}
message Reply { Thing thing = 1; }
"""
METHODS = {
    "Update": 'patch: "/v1/{thing.name=things/*}" body: "thing"',
    "Replace": 'put: "/v1/{thing.name=things/*}" body: "thing"',
    "Whole": 'patch: "/v1/whole/{id}" body: "*"',
    "Read": 'get: "/v1/things/{id}"',
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return compile_plan(with_methods(METHODS, MESSAGES))


@pytest.fixture(scope="module")
def router(plan: Plan) -> Router:
    return Router(plan, ProtobufPyCodec(plan.registry), RequestValidator())


def asked(router: Router, method: str, target: str, body: Any) -> Any:
    path, _, query = target.partition("?")
    found = router.match(method, path)
    assert found is not None
    endpoint: Endpoint = found[0]
    return endpoint.decode(found[1], query.encode(), json.dumps(body).encode())


def refused(router: Router, method: str, target: str, body: Any) -> tuple[str, str, str]:
    with pytest.raises(MeshError) as caught:
        asked(router, method, target, body)
    (violation,) = caught.value.violations
    assert isinstance(violation, HttpViolation)
    return violation.place, violation.name, violation.message


READ = {
    "name": "things/1", "title": "", "create_time": "2026-01-02T03:04:05Z", "kind": "k", "etag": '"1"',
    "part": {"name": "p", "size": 0, "etag": "e"}, "any_value": {"fooBar": {"a.b": 1}}, "labels": {"A.b": "c"},
    "made_by": "me",
}  # fmt: skip


def test_what_was_read_and_is_sent_back_names_what_callers_set(router: Router) -> None:
    request = asked(router, "PATCH", "/v1/things/1", READ)
    assert list(request.update_mask.paths) == ["title", "kind", "part.size", "part.etag", "any_value", "labels"]
    assert request.thing.etag == '"1"'
    assert request.thing.made_by == "me"


def test_the_mask_that_the_aip_names_is_inferred_though_there_are_others(router: Router) -> None:
    request = asked(router, "PATCH", "/v1/things/1?read_mask=thing", {"title": ""})
    assert list(request.update_mask.paths) == ["title"]
    assert list(request.read_mask.paths) == ["thing"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_field_in_the_mask_but_not_in_the_body_is_named(router: Router, method: str) -> None:
    place, name, message = refused(router, method, "/v1/things/1?update_mask=title,part.size", {"title": "t"})
    assert (place, name) == ("query", "update_mask")
    assert "part.size" in message
    assert asked(router, method, "/v1/things/1?updateMask=title,name", {"title": None}).thing.title == ""


@pytest.mark.parametrize("key", ["fooBar", "a_1", "A"])
def test_a_key_that_no_mask_can_hold_is_refused_before_the_call(router: Router, key: str) -> None:
    place, name, message = refused(
        router, "PATCH", f"/v1/things/1?update_mask=any_value.{key}", {"any_value": {key: 1}}
    )
    assert (place, name) == ("query", "update_mask")
    assert key not in message


def test_a_mask_in_the_body_is_compared_with_the_resource_beside_it(router: Router) -> None:
    body: dict[str, Any] = {"thing": {"title": "t", "part": {"size": 1}}, "updateMask": "title,part.size,part.etag"}
    assert refused(router, "PATCH", "/v1/whole/1", body)[:2] == ("body", "/update_mask")
    body["thing"]["part"]["etag"] = None
    request = asked(router, "PATCH", "/v1/whole/1", body)
    assert list(request.update_mask.paths) == ["title", "part.size", "part.etag"]
    assert list(asked(router, "PATCH", "/v1/whole/1", {"thing": {"title": "t"}}).update_mask or ()) == []


def test_a_mask_that_says_what_to_read_may_name_anything(router: Router) -> None:
    request = asked_without_body(router, "/v1/things/1?read_mask=thing.title,elsewhere.innerName")
    assert list(request.read_mask.paths) == ["thing.title", "elsewhere.inner_name"]


def asked_without_body(router: Router, target: str) -> Any:
    path, _, query = target.partition("?")
    found = router.match("GET", path)
    assert found is not None
    return found[0].decode(found[1], query.encode(), b"")
