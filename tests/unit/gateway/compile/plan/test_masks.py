from __future__ import annotations

from typing import Any

import pytest
from protobuf import DescMessage

from gateway.compile.plan import compile_plan
from gateway.compile.plan.masks import infer, resolve_paths, text_of
from tests.support.protos import with_methods

MESSAGES = """
message Thing {
  string snake_name = 1; string camelName = 2; Thing next_thing = 3; repeated Thing all_things = 4;
  map<string, Thing> by_name = 5; google.protobuf.Timestamp at_time = 6; string named = 7 [json_name = "@name"];
}
message Request { Thing thing = 1; }
message Reply {}
"""


@pytest.fixture(scope="module")
def thing() -> DescMessage:
    plan = compile_plan(with_methods({"A": 'post: "/v1/a" body: "*"'}, MESSAGES))
    found = plan.registry.message("test.lib.v1.Thing")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"snakeName": "a", "camelName": "b", "@name": "c"}, ["snake_name", "camelName", "named"]),
        ({"next_thing": {"nextThing": {"camelName": "a"}}}, ["next_thing.next_thing.camelName"]),
        ({"all_things": [{"camelName": "a"}], "by_name": {"x": {"camelName": "a"}}}, ["all_things", "by_name"]),
        ({"next_thing": {}, "at_time": None}, ["next_thing", "at_time"]),
        ({"next_thing": {"unknown": 1}}, []),
        ([], []),
    ],
)
def test_mask_names_fields_as_the_proto_does_however_they_were_named(
    thing: DescMessage, value: Any, paths: list[str]
) -> None:
    assert [".".join(path) for path in infer(thing, value)] == paths


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        (["snake_name", "snakeName"], ["snake_name", "snake_name"]),
        (["camelName"], ["camelName"]),
        (["nextThing.camelName", "next_thing.@name"], ["next_thing.camelName", "next_thing.named"]),
        (["*"], ["*"]),
        (["fromElsewhere.innerName"], ["from_elsewhere.inner_name"]),
    ],
)
def test_given_paths_may_be_in_either_names(thing: DescMessage, given: list[str], paths: list[str]) -> None:
    assert resolve_paths(thing, list(given)) == paths


def test_without_a_resource_names_are_taken_for_those_of_json() -> None:
    assert resolve_paths(None, ["aB.cD", "e_f"]) == ["a_b.c_d", "e_f"]


def test_paths_are_written_as_proto_json_writes_them() -> None:
    assert text_of(["a_b.c", "d"]) == "aB.c,d"
