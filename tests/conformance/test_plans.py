"""What stops the start: bindings that could never work, in one sentence that names the method or the field."""

from __future__ import annotations

import pytest

from gateway.compile.plan import PlanError, compile_plan
from gateway.standalone.access import DefaultPolicy
from tests.support.descriptors import service_of
from tests.support.protos import with_methods

OPEN = DefaultPolicy(opens=True, deadline=1.0)
FIELDS = {
    "a": "string", "b": "string", "thing": ".things.v1.Thing", "things": "repeated .things.v1.Thing",
    "numbers": "repeated int32", "struct": ".google.protobuf.Struct", "mask": ".google.protobuf.FieldMask",
    "left": "key: string", "right": "key: string", "middle": "key: .things.v1.Thing",
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ('get: "/v1/{missing}"', "missing"),
        ('get: "/v1/{thing.missing}"', "missing"),
        ('get: "/v1/{a.b}"', "a is not a message"),
        ('get: "/v1/{thing}"', "thing"),
        ('get: "/v1/{things}"', "things"),
        ('get: "/v1/{things.a}"', "things"),
        ('get: "/v1/{numbers}"', "numbers"),
        ('get: "/v1/{struct}"', "struct"),
        ('get: "/v1/{mask}"', "mask"),
        ('get: "/v1/{A}"', "A"),
        ('post: "/v1" body: "missing"', "missing"),
        ('post: "/v1" body: "thing.a"', "thing.a"),
        ('post: "/v1" body: "**"', r"\*\*"),
        ('get: "/v1" response_body: "missing"', "missing"),
        ('get: "/v1" response_body: "*"', r"\*"),
        ('get: "/v1/"', "/v1/"),
        ('get: ""', "path template"),
        ('body: "*"', "names no path"),
        ('get: "/v1" additional_bindings { body: "*" }', "names no path"),
        ('get: "/v1" additional_bindings { get: "/v2" additional_bindings { get: "/v3" } }', "additional_bindings"),
        ('custom { kind: "" path: "/v1" }', "custom kind"),
        ('custom { kind: "A B" path: "/v1" }', "custom kind"),
        ('custom { kind: "G\\303\\211T" path: "/v1" }', "custom kind"),
        ('custom { kind: "X" path: "v1" }', "slash"),
        ('get: "/v1/{left}/{right}"', "left and right are in one oneof"),
        ('get: "/v1/{left}/{middle.a}"', "left and middle.a are in one oneof"),
        ('put: "/v1/{left}" body: "right"', "left and the body right are in one oneof"),
        ('put: "/v1/{a}" body: "a"', "a is bound by the path and by the body"),
        ('get: "/v1/{a}" additional_bindings { get: "/v1/{b}" }', "match the same requests"),
    ],
)
def test_binding_that_cannot_work_stops_the_start(rule: str, names: str) -> None:
    with pytest.raises(PlanError, match=names) as raised:
        compile_plan(service_of({"Do": rule}, **FIELDS), OPEN)
    assert "\n" not in str(raised.value)
    assert "Things.Do" in str(raised.value)


def test_binding_whose_requests_others_take_stops_the_start() -> None:
    rules = {"All": 'get: "/v1/**"', "None": 'get: "/v1"', "More": 'get: "/v1/{a}/**"'}
    with pytest.raises(PlanError, match=r"GET /v1/\*\* \(.*Things\.All\) is never reached: GET /v1 "):
        compile_plan(service_of(rules), OPEN)


@pytest.mark.parametrize(
    "rule",
    [
        'get: "/v1/{thing.thing.a}"',
        'get: "/v1/{left}"',
        'put: "/v1/{thing.a}" body: "thing"',
        'put: "/v1/{left}" body: "*"',
        'delete: "/v1" body: "thing"',
        'get: "/v1" body: "*"',
        'put: "/v1" body: "things"',
        'get: "/v1" response_body: "things"',
        'custom { kind: "REPORT" path: "/v1" }',
        'custom { kind: "VERSION-CONTROL" path: "/v1" }',
        'custom { kind: "*" path: "/v1" }',
        'custom { kind: "HEAD" path: "/v1" }',
        'get: "/v1/{a}" additional_bindings { get: "/v1/{a}/{b}" } additional_bindings { post: "/v1/{a}" body: "*" }',
        'get: "/v1/{a}/x/**" additional_bindings { get: "/v1/{a}/x/*" } additional_bindings { get: "/v1/{a}/x/*/**" }',
    ],
)
def test_binding_that_works_is_served_for_strangers(rule: str) -> None:
    assert compile_plan(service_of({"Do": rule}, **FIELDS), OPEN).bindings


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ('delete: "/v1/{a}" body: "*"', "DELETE has a body"),
        ('get: "/v1/{a}" body: "part"', "GET has a body"),
        ('put: "/v1/{a}" body: "parts"', "parts is repeated"),
        ('put: "/v1/{a}" body: "labels"', "labels is repeated"),
        ('get: "/v1/{a}"', "nothing in a request can set parts"),
    ],
)
def test_our_own_protos_keep_better_manners(rule: str, names: str) -> None:
    messages = """
    message Part { string name = 1; }
    message Request { string a = 1; Part part = 2; repeated Part parts = 3; map<string, string> labels = 4; }
    message Reply {}
    """
    with pytest.raises(PlanError, match=names):
        compile_plan(with_methods({"Do": rule}, messages))


def test_method_without_a_policy_stops_the_start_unless_a_default_is_given() -> None:
    files = service_of({"Do": 'get: "/v1"'})
    with pytest.raises(PlanError, match=r"things\.v1\.Things\.Do"):
        compile_plan(files)
    assert compile_plan(files, OPEN).bindings[0].method.policy.public


def test_method_without_a_binding_is_known_and_not_served() -> None:
    plan = compile_plan(service_of({"Do": 'get: "/v1"'}), OPEN)
    files = service_of({"Do": 'get: "/v1"'})
    files.file[0].service[0].method.add(name="Other", input_type=".things.v1.Thing", output_type=".things.v1.Thing")
    plan = compile_plan(files, OPEN)
    assert sorted(plan.methods) == ["/things.v1.Things/Do", "/things.v1.Things/Other"]
    assert len(plan.bindings) == 1
