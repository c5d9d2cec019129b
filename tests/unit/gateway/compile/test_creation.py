"""What creates something, and where that is: standard methods of any protos, and those whose response says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.compile.creation import Creation, creation
from gateway.compile.plan import Plan, compile_plan
from tests.support.gateway import plan as own_plan
from tests.support.protos import POLICY, compile_proto


def method(name: str, takes: str, gives: str, rule: str) -> str:
    return f"rpc {name}({takes}) returns ({gives}) {{ option (google.api.http) = {{{rule}}}; {POLICY} }}"


METHODS = [
    method("GetBook", "Named", "Book", 'get: "/v1/{name=shelves/*/books/*}"'),
    method("CreateBook", "BookRequest", "Book", 'post: "/v1/{parent=shelves/*}/books" body: "book"'),
    method("GetPage", "PageRequest", "PageReply", 'get: "/v2/books/{book}/pages/{number}"'),
    method("CreatePage", "PageRequest", "PageReply", 'post: "/v2/books/{book}/pages" body: "page"'),
    method("GetReader", "Named", "Reader", 'get: "/v1/readers/{name}"'),
    method("CreateReader", "Named", "Reader", 'post: "/v1/readers" body: "*"'),
    method("ReplaceReader", "Named", "ReaderReply", 'put: "/v1/readers/{name}" body: "*" response_body: "reader"'),
    method("CreateReaders", "Named", "ReadersReply", 'post: "/v1/readers:batch" body: "*"'),
    method("Createable", "Named", "Reader", 'post: "/v1/createables" body: "*"'),
    method("CreateNote", "Named", "Note", 'post: "/v1/notes" body: "*"'),
    method("GetNoteText", "Named", "Reader", 'get: "/v1/notes/{name}"'),
    method("AddReader", "Named", "Reader", 'post: "/v1/readers/{name}/friends" body: "*"'),
    method("CreateDeep", "Named", "Book", 'post: "/v3/{name=**}/books" body: "*"'),
]
MESSAGES = """
import "google/api/field_behavior.proto";
message Named { string name = 1; }
message BookRequest { string parent = 1; Book book = 2; }
message Book { string name = 1; string title = 2; }
message PageRequest { string book = 1; int32 number = 2; Page page = 3; }
message Page { int32 number = 1; }
message PageReply { Page page = 1; }
message Reader { string login = 1 [(google.api.field_behavior) = IDENTIFIER]; }
message ReaderReply { Reader reader = 1; bool created = 2 [(rampart.mesh.v1.field).created = true]; }
message ReadersReply { repeated Reader readers = 1; }
message Note { string text = 1; }
"""


@pytest.fixture(scope="module")
def library() -> Plan:
    return compile_plan(compile_proto(f"service Library {{ {' '.join(METHODS)} }}\n{MESSAGES}"))


def made(plan: Plan, name: str) -> Creation | None:
    (binding,) = [each for each in plan.bindings if each.method.full_name.endswith(f"/{name}")]
    return creation(binding, plan)


def location(plan: Plan, name: str, path: str, answer: dict[str, Any]) -> str | None:
    found = made(plan, name)
    assert found is not None
    response = found.output.type.from_json(json.dumps(answer), registry=plan.registry)
    return found.location(response.to_binary(), path)


@pytest.mark.parametrize(
    ("name", "path", "answer", "where"),
    [
        ("CreateBook", "/v1/shelves/7/books", {"name": "shelves/7/books/é 1"}, "/v1/shelves/7/books/%C3%A9%201"),
        ("CreateBook", "/v1/shelves/7/books", {"name": "shelves/8/books/1"}, "/v1/shelves/8/books/1"),
        ("CreateBook", "/v1/shelves/7/books", {"name": "elsewhere/8/books/1"}, None),
        ("CreateBook", "/v1/shelves/7/books", {"name": "shelves/7/books/a/b"}, None),
        ("CreateBook", "/v1/shelves/7/books", {"name": ""}, None),
        ("CreatePage", "/v2/books/a%2fb%22/pages", {"page": {"number": 3}}, "/v2/books/a%2Fb%22/pages/3"),
        ("CreatePage", "/v2/books/a/pages", {}, None),
        ("CreateReader", "/v1/readers", {"login": "a/b:c"}, "/v1/readers/a%2Fb%3Ac"),
        ("CreateReader", "/v1/%72eaders", {"login": "a"}, "/v1/readers/a"),
        ("CreateReader", "/v1/readers", {"login": ".."}, None),
        ("ReplaceReader", "/v1/readers/a%3Ab", {"reader": {}, "created": True}, "/v1/readers/a%3Ab"),
        ("ReplaceReader", "/v1/readers/a", {"reader": {"login": "a"}}, None),
    ],
)
def test_what_was_created_is_where_it_can_be_read(
    library: Plan, name: str, path: str, answer: dict[str, Any], where: str | None
) -> None:
    assert location(library, name, path, answer) == where


@pytest.mark.parametrize(
    "name", ["GetBook", "CreateReaders", "Createable", "CreateNote", "AddReader", "CreateDeep", "GetPage"]
)
def test_what_is_no_standard_creation_or_cannot_be_read_is_none(library: Plan, name: str) -> None:
    assert made(library, name) is None


def test_the_platforms_creations_are_these() -> None:
    found = {
        binding.method.full_name.rpartition("/")[2]: binding.template.text
        for binding in own_plan().bindings
        if creation(binding, own_plan()) is not None
    }
    assert found == {
        "CreateApiKey": "/api/v1/api-keys",
        "CreateClient": "/api/v1/clients",
        "CreateUser": "/api/v1/users",
        "CreateTask": "/api/v1/tasks",
        "CreateSchedule": "/api/v1/schedules",
        "CreateEventType": "/api/v1/event-types",
        "CreateFeature": "/api/v1/features",
        "CreateList": "/api/v1/lists",
        "CreateBacktest": "/api/v1/backtests",
        "CreateLabel": "/api/v1/labels",
        "CreateModel": "/api/v1/models",
        "CreateQualityReport": "/api/v1/quality-reports",
        "CreateCaseJob": "/api/v1/case-jobs",
        "CreateScenario": "/api/v1/scenarios",
        "CreateScenarioRule": "/api/v1/scenarios/{scenario_id}/rules",
        "CreateScenarioVersion": "/api/v1/scenarios/{scenario_id}/versions",
    }
