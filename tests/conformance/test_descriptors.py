"""Descriptor sets as strangers make them: syntaxes, packages, imports left out, orders, and what is only broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.compile.plan import Plan, PlanError, compile_plan
from gateway.standalone.access import DefaultPolicy
from tests.support.descriptors import service_of
from tests.support.transcoding import Asked, Edge, PlanEdge, Refused, text

OPEN = DefaultPolicy(opens=True, deadline=1.0)
TARGETS = {"legacy": "/v1/legacy", "edition": "/v1/edition"}


@pytest.fixture(scope="module")
def as_echo(plan: Plan) -> Callable[[str, str], str]:
    types = {"legacy": "conformance.legacy.Record", "edition": "conformance.edition.Entry", "bare": "BareThing"}
    return lambda name, message: text(plan.pool, types[name], message)


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("legacy", {"name": "a"}, 'name: "a"'),
        ("legacy", {"name": ""}, 'name: ""'),
        ("legacy", {"name": "a", "count": 0}, 'name: "a" count: 0'),
        ("legacy", {"name": "a", "count": 7}, 'name: "a" count: 7'),
        ("legacy", {"name": "a", "count": None}, 'name: "a"'),
        ("legacy", {"name": "a", "grade": "GRADE_HIGH"}, 'name: "a" grade: GRADE_HIGH'),
        ("legacy", {"name": "a", "grade": 1}, 'name: "a" grade: GRADE_LOW'),
        ("legacy", {"name": "a", "numbers": [1, 2]}, 'name: "a" numbers: [1, 2]'),
        ("legacy", {"name": "a", "detail": {"text": "x"}}, 'name: "a" Detail { text: "x" }'),
        ("legacy", {"name": "a", "[conformance.legacy.note]": "x"}, 'name: "a" [conformance.legacy.note]: "x"'),
        ("edition", {"name": ""}, 'name: ""'),
        ("edition", {"count": 0}, ""),
        ("edition", {"mood": "MOOD_CALM"}, "mood: MOOD_CALM"),
        ("edition", {"below": {"below": {"count": 1}}}, "below { below { count: 1 } }"),
    ],
)
async def test_every_syntax_is_read(
    edge: Edge, as_echo: Callable[[str, str], str], name: str, body: Any, message: str
) -> None:
    found = await edge.ask("POST", TARGETS[name], json.dumps(body).encode())
    assert found == Asked("Echo", as_echo(name, message))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/v1/legacy/a?count=3&grade=GRADE_LOW&numbers=1", 'name: "a" count: 3 grade: GRADE_LOW numbers: 1'),
        ("/v1/legacy/a?detail.text=x", 'name: "a" Detail { text: "x" }'),
    ],
)
async def test_path_and_query_set_fields_of_proto2(
    edge: Edge, as_echo: Callable[[str, str], str], target: str, message: str
) -> None:
    assert await edge.ask("GET", target) == Asked("Echo", as_echo("legacy", message))


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("legacy", {}, "/name"),
        ("legacy", {"name": None}, "/name"),
        ("legacy", {"count": 1}, "/name"),
        ("legacy", {"name": "a", "grade": 9}, "/grade"),
        ("legacy", {"name": "a", "grade": "LOW"}, "/grade"),
        ("legacy", {"name": "a", "detail": []}, "/detail"),
        ("legacy", {"name": "a", "[conformance.legacy.other]": "x"}, "/[conformance.legacy.other]"),
        ("edition", {"[conformance.legacy.note]": "x"}, "/[conformance.legacy.note]"),
        ("edition", {"mood": 9}, "/mood"),
        ("edition", {"below": 1}, "/below"),
    ],
)
async def test_what_a_syntax_does_not_allow_is_refused(edge: Edge, name: str, body: Any, pointer: str) -> None:
    assert await edge.ask("POST", TARGETS[name], json.dumps(body).encode()) == Refused(400, "body", pointer)


async def test_required_field_may_come_by_the_path(edge: Edge, as_echo: Callable[[str, str], str]) -> None:
    found = await edge.ask("PUT", "/v1/legacy/a/detail", b'{"text": "x"}')
    assert found == Asked("Echo", as_echo("legacy", 'name: "a" Detail { text: "x" }'))


async def test_service_without_a_package_is_served(edge: Edge, as_echo: Callable[[str, str], str]) -> None:
    assert await edge.ask("GET", "/v1/bare/7") == Asked("Echo", as_echo("bare", 'thing_id: "7"'))


def test_defaults_of_proto2_are_not_written_as_if_they_were_sent(plan_edge: PlanEdge) -> None:
    assert "count" not in plan_edge.answer("POST", "/v1/legacy", 'name: "a"')


def test_unknown_value_of_a_closed_enum_does_not_break_the_answer(plan_edge: PlanEdge) -> None:
    encode = plan_edge.endpoint("POST", "/v1/legacy").encode
    assert json.loads(encode(b"\x0a\x01a\x18\x09"))["name"] == "a"


def test_imports_that_everyone_knows_may_be_left_out(descriptors: Path) -> None:
    files = FileDescriptorSet.FromString(descriptors.read_bytes())
    own = FileDescriptorSet(file=[file for file in files.file if not file.name.startswith("google/")])
    assert len(compile_plan(own, OPEN).bindings) == len(compile_plan(files, OPEN).bindings)


def test_order_of_the_files_does_not_matter(descriptors: Path) -> None:
    files = FileDescriptorSet.FromString(descriptors.read_bytes())
    turned = FileDescriptorSet(file=reversed(files.file))
    names = {str(binding) for binding in compile_plan(turned, OPEN).bindings}
    assert names == {str(binding) for binding in compile_plan(files, OPEN).bindings}


def test_json_names_may_be_left_out(descriptors: Path) -> None:
    files = FileDescriptorSet.FromString(descriptors.read_bytes())
    for file in files.file:
        for message in file.message_type:
            for field in message.field:
                field.ClearField("json_name")
    plan = compile_plan(files, OPEN)
    part = plan.registry.message("conformance.Part")
    assert part is not None
    assert part.fields[0].json_name == "partId"


def test_missing_import_is_named() -> None:
    files = service_of({"Do": 'get: "/v1"'})
    files.file[0].dependency.append("acme/own.proto")
    with pytest.raises(PlanError, match=r"thing\.proto imports acme/own\.proto.*--include_imports"):
        compile_plan(files, OPEN)


def test_files_that_import_each_other_are_named() -> None:
    files = service_of({"Do": 'get: "/v1"'})
    files.file[0].dependency.append("other.proto")
    files.file.add(name="other.proto", dependency=["thing.proto"])
    with pytest.raises(PlanError, match="import each other"):
        compile_plan(files, OPEN)


def test_message_that_is_nowhere_is_named() -> None:
    files = service_of({"Do": 'get: "/v1"'})
    files.file[0].service[0].method[0].input_type = ".acme.Missing"
    with pytest.raises(PlanError, match=r"acme\.Missing"):
        compile_plan(files, OPEN)


def test_names_that_clash_in_json_are_one_sentence() -> None:
    with pytest.raises(PlanError) as raised:
        compile_plan(service_of({"Do": 'get: "/v1"'}, foo_bar="string", fooBar="string"), OPEN)
    assert "thing.proto" in str(raised.value)


def test_same_file_twice_is_one_file(descriptors: Path) -> None:
    files = FileDescriptorSet.FromString(descriptors.read_bytes())
    twice = FileDescriptorSet(file=[*files.file, *files.file])
    assert compile_plan(twice, OPEN).bindings
