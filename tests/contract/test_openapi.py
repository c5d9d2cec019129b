"""The OpenAPI document: valid, current, complete, and true of what the gateway answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from gateway.describe.comments import Comments
from gateway.describe.openapi import render
from gateway.describe.openapi.headers import EXAMPLE_REQUEST_ID
from gateway.describe.openapi.operations import reasons_of
from gateway.errors.status import status_document
from meshkit.errors import Kind, MeshError
from tests.support.documents import own_reasons, rampart_document
from tests.support.errors import facts, read_problem, read_status
from tests.support.gateway import Gateway, plan
from tools.docs import DOCS, documents

META_SCHEMA = Path(__file__).parent / "openapi-3.1" / "schema.json"
OWN = [
    ("POST", "/api/v1/oauth/token"),
    ("POST", "/api/v1/oauth/revoke"),
    ("POST", "/api/v1/oauth/introspect"),
    ("POST", "/api/v1/oauth/device-authorization"),
    ("GET", "/api/v1/oauth/userinfo"),
    ("GET", "/health"),
    ("GET", "/ready"),
]
NOT_COMPILED = {path for _, path in OWN}


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@cache
def described() -> dict[str, Any]:
    return rampart_document()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described()["paths"].items():
        yield from ((method.upper(), path, operation) for method, operation in methods.items())


def compiled(*, streams: bool = False) -> list[Any]:
    return [
        pytest.param(method, path, operation, id=operation["operationId"])
        for method, path, operation in operations()
        if path not in NOT_COMPILED and ("x-websocket" in operation) is streams and not answers_bytes(operation)
    ]


def answers_bytes(operation: dict[str, Any]) -> bool:
    """Tells whether the answer is bytes of any media type, of which there is no example."""
    return "*/*" in good(operation)[1].get("content", {})


def problems_with(schema: dict[str, Any], value: Any) -> list[str]:
    """Returns what a schema of the document has against a value."""
    validator = Draft202012Validator(schema | {"components": described()["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def json_of(content: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    """Returns what is said of a media type, or of the bytes of any."""
    found: dict[str, Any] = content["content"].get("*/*") or content["content"][media_type]
    return found


def resolved(reference: str) -> Any:
    found: Any = described()
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for below in value.values():
            yield from references(below)
    elif isinstance(value, list):
        for below in value:
            yield from references(below)


def filled(path: str, operation: dict[str, Any]) -> str:
    query = []
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        elif parameter["in"] == "query" and "example" in parameter:
            query.append((parameter["name"], parameter["example"]))
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def good(operation: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Returns the status and the response of an operation that went well."""
    status = next(each for each in ("200", "201") if each in operation["responses"])
    return int(status), operation["responses"][status]


@pytest.mark.parametrize("name", ["openapi.json", "errors.md"])
def test_committed_document_is_what_the_protos_say(name: str) -> None:
    assert (DOCS / name).read_bytes() == documents()[name], "run `python tools/docs.py`"


def test_document_is_valid_openapi() -> None:
    errors = Draft202012Validator(json.loads(META_SCHEMA.read_bytes())).iter_errors(described())
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_every_schema_is_valid_json_schema() -> None:
    dialect = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    schemas = described()["components"]["schemas"]
    assert {name: [error.message for error in dialect.iter_errors(schema)] for name, schema in schemas.items()} == (
        {name: [] for name in schemas}
    )


def test_references_lead_to_components_and_no_component_is_left_over() -> None:
    used = set(references(described()))
    for reference in used:
        assert resolved(reference)
    parts = described()["components"]
    there = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses", "headers") for name in parts[kind]}
    assert there == used


def test_every_binding_is_described_once() -> None:
    found = sorted((method, re.sub(r"\{[^}]*\}", "{}", path)) for method, path, _ in operations())
    bound = [(each.http_method, re.sub(r"\{[^}]*\}", "{}", each.template.text)) for each in plan().bindings]
    assert found == sorted(bound + OWN)


def test_operations_have_unique_identifiers_words_and_known_tags() -> None:
    tags = {tag["name"] for tag in described()["tags"]}
    identifiers = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(identifiers)) == len(identifiers)
    for _, path, operation in operations():
        assert operation["summary"], path
        assert set(operation["tags"]) <= tags


def test_path_variables_are_the_path_parameters() -> None:
    for _, path, operation in operations():
        declared = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
        assert sorted(declared) == sorted(re.findall(r"\{([^}]*)\}", path))


def test_scopes_of_operations_are_declared() -> None:
    declared = described()["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    used = {
        scope for *_, operation in operations() for each in operation["security"] for scope in each.get("oauth2", ())
    }
    elevated = {method.policy.elevated_scope for method in plan().methods.values()} - {""}
    assert set(declared) == used | elevated
    assert all(declared.values())


@pytest.mark.parametrize(("method", "path", "operation"), compiled())
async def test_gateway_takes_and_gives_the_examples(
    gateway: Gateway, method: str, path: str, operation: dict[str, Any]
) -> None:
    status, response = good(operation)
    answer = json_of(response)
    request = json_of(operation["requestBody"]) if "requestBody" in operation else None
    field = next(each for each in plan().bindings if _is(each, method, path)).response_field
    gateway.upstream.answer = answer["example"] if field is None else {field.name: answer["example"]}

    reply = await gateway.request(method, filled(path, operation), request and request["example"])

    assert (reply.status, reply.json) == (status, answer["example"])
    assert problems_with(answer["schema"], reply.json) == []
    headers = {name: resolved(each["$ref"]) for name, each in response["headers"].items()}
    assert {name.lower() for name, each in headers.items() if each.get("required")} <= set(reply.headers)


@pytest.mark.parametrize(("method", "path", "operation"), compiled())
async def test_answer_without_values_fits_its_schema(
    gateway: Gateway, method: str, path: str, operation: dict[str, Any]
) -> None:
    request = json_of(operation["requestBody"])["example"] if "requestBody" in operation else None
    reply = await gateway.request(method, filled(path, operation), request)
    # What has no name is nowhere, and no answer to a creation says that it is.
    assert reply.status == 200
    found = problems_with(json_of(good(operation)[1])["schema"], reply.json)
    # An empty identifier, or kind, breaks the constraint of a resource, which no stored one does.
    assert [each for each in found if not re.match(r"\$\.([a-z]+_id|name|label)\b", each)] == []


def test_every_request_has_an_example_that_fits_its_schema() -> None:
    for *_, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert problems_with(content["schema"], content["example"]) == []
        for parameter in operation.get("parameters", []):
            assert parameter["in"] != "path" or "example" in parameter
            if "example" in parameter:
                assert problems_with(parameter["schema"], parameter["example"]) == []


@pytest.mark.parametrize(("method", "path", "operation"), compiled(streams=True))
def test_stream_has_its_media_types_and_frames_that_fit(method: str, path: str, operation: dict[str, Any]) -> None:
    content = operation["responses"]["200"]["content"]
    assert set(content) == {"application/json", "application/x-ndjson", "application/jsonl", "text/event-stream"}
    array = content["application/json"]
    assert problems_with(array["schema"], array["example"]) == []
    assert [list(frame) for frame in array["example"]] == [["result"], ["status"]]
    wrong: list[dict[str, Any]] = [{}, {"result": {}, "status": {}}, {"other": 1}]
    for frame in wrong:
        assert problems_with(array["schema"], [frame])


def test_reasons_that_methods_name_are_in_the_catalogue() -> None:
    comments = Comments(plan().files)
    named = {name for method in plan().methods for name in reasons_of(comments.of(method[1:].replace("/", ".")))[1]}
    assert named
    assert named <= set(own_reasons())


@pytest.mark.parametrize(("method", "path", "operation"), compiled())
async def test_errors_are_documented_problems(
    gateway: Gateway, method: str, path: str, operation: dict[str, Any]
) -> None:
    target = filled(path, operation)
    request = json_of(operation["requestBody"])["example"] if "requestBody" in operation else None
    replies = [await gateway.request(method, f"{target.partition('?')[0]}?nonsense=1", request)]
    if operation["security"]:
        replies += [await gateway.request(method, target, request, token=None)]
    if request is not None:
        replies += [await gateway.request(method, target, b"x" * (2 << 20))]
    if request is not None and "*/*" not in operation["requestBody"]["content"]:
        replies += [await gateway.request(method, target, b"x", headers={"content-type": "text/plain"})]
    for kind, reason in [(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"), (Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")]:
        gateway.upstream.error = MeshError(kind, reason, "it failed", retry_after=1)
        replies += [await gateway.request(method, target, request)]
    for reply in replies:
        response = resolved(operation["responses"][str(reply.status)]["$ref"])
        content = json_of(response, "application/problem+json")
        assert reply.headers["content-type"] == "application/problem+json"
        assert problems_with(content["schema"], reply.json) == []
        assert reply.json["reason"] in content["examples"]
        assert reply.json["type"] == content["examples"][reply.json["reason"]]["value"]["type"]
    assert {reply.status for reply in replies} >= {400, 503, 504}


def test_every_error_is_a_problem_and_has_an_example_for_each_reason() -> None:
    status_schema = {"$ref": "#/components/schemas/Status"}
    for response in described()["components"]["responses"].values():
        # Generators of clients go by the first media type, whatever comes: there is one.
        assert set(response["content"]) == {"application/problem+json"}
        problems = json_of(response, "application/problem+json")
        assert problems["schema"] == {"$ref": "#/components/schemas/Problem"}
        for name, example in problems["examples"].items():
            assert problems_with(problems["schema"], example["value"]) == []
            assert example["value"]["status"] == own_reasons()[name].status
            status = status_document(own_reasons()[name].error(), EXAMPLE_REQUEST_ID)
            assert problems_with(status_schema, status) == []
            assert facts(read_status(status)) == facts(read_problem(example["value"]))


def test_document_is_the_same_each_time() -> None:
    assert render(rampart_document()) == render(rampart_document())


def _is(binding: Any, method: str, path: str) -> bool:
    shapes = [re.sub(r"\{[^}]*\}", "{}", text) for text in (binding.template.text, path)]
    return binding.http_method == method and shapes[0] == shapes[1]
