"""The OpenAPI document has nothing that generators of clients make broken types of, of Rampart or of other services."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.compile.plan import compile_plan
from gateway.describe.openapi.names import plain
from gateway.standalone.access import DefaultPolicy
from tests.support.documents import foreign_document, rampart_document
from tests.support.protos import compile_proto
from tests.support.stumbling import PROTO

COMPOSED = ("anyOf", "oneOf", "allOf")
SCALARS = {"string", "number", "integer", "boolean"}
# What generators put behind the name of an operation for types of their own.
OF_OPERATIONS = ("Response", "Params", "Request")


@cache
def described(name: str) -> dict[str, Any]:
    if name == "rampart":
        return rampart_document()
    return foreign_document(compile_plan(compile_proto(PROTO), DefaultPolicy(opens=True, deadline=1)))


@pytest.fixture(params=["rampart", "foreign"])
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return described(request.param)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((f"{method} {path}", operation) for method, operation in item.items())


def schemas(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields what generators see of schemas: nothing of conditions, examples and extensions."""
    if isinstance(value, dict):
        yield place, value
        for name, below in value.items():
            is_told_apart = name in ("if", "then", "else", "example", "examples", "enum") or name.startswith("x-")
            # A property may have any of these names.
            if not is_told_apart or place.endswith("/properties"):
                yield from schemas(below, f"{place}/{name}")
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from schemas(below, f"{place}/{number}")


def references(document: dict[str, Any]) -> Iterator[str]:
    yield from (schema["$ref"] for _, schema in schemas(document) if isinstance(schema.get("$ref"), str))


def test_value_is_of_one_type_whatever_its_constraints(document: dict[str, Any]) -> None:
    composed = [
        place
        for place, schema in schemas(document)
        for word in COMPOSED
        if word in schema and not _is_nullable_reference(schema)
    ]
    assert composed == []


def _is_nullable_reference(schema: dict[str, Any]) -> bool:
    """A message or null: there is no other way to say it, and generators know it."""
    parts = schema.get("anyOf", [])
    return len(parts) == 2 and set(parts[0]) == {"$ref"} and parts[1] == {"type": "null"}


def test_choice_is_between_values_of_a_type(document: dict[str, Any]) -> None:
    for place, schema in schemas(document):
        if "enum" in schema or "const" in schema:
            if place.endswith("/not"):
                continue
            kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
            assert set(kinds) <= SCALARS | {"null"}, place
            values = schema.get("enum", [schema.get("const")])
            assert len({repr(value) for value in values}) == len(values), place


def test_what_is_refused_needs_no_type_of_its_own(document: dict[str, Any]) -> None:
    refused = [(place, schema["not"]) for place, schema in schemas(document) if isinstance(schema.get("not"), dict)]
    assert [place for place, schema in refused if set(schema) - {"enum", "pattern"}] == []


def test_every_component_is_used(document: dict[str, Any]) -> None:
    used = set(references(document))
    there = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in document["components"][kind]
    }
    assert there == used


def test_names_stay_apart_in_every_language(document: dict[str, Any]) -> None:
    components = [*document["components"]["schemas"], *document["components"]["responses"]]
    identifiers = [operation["operationId"] for _, operation in operations(document)]
    for names in (components, identifiers, [tag["name"] for tag in document["tags"]]):
        assert [name for name, count in Counter(map(plain, names)).items() if count > 1] == []
    for _, operation in operations(document):
        parameters = [(each["in"], plain(each["name"])) for each in operation.get("parameters", [])]
        assert len(set(parameters)) == len(parameters)


def test_no_component_has_a_name_that_generators_give_to_operations(document: dict[str, Any]) -> None:
    components = {plain(name): name for name in document["components"]["schemas"]}
    for place, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for suffix in OF_OPERATIONS:
            name = components.get(plain(operation["operationId"] + suffix))
            # The body that an operation takes is seen beside it, and its name avoided.
            assert name is None or body.get("$ref") == f"#/components/schemas/{name}", place


def test_no_class_is_made_up_for_what_has_no_name(document: dict[str, Any]) -> None:
    """An object without a component is named after its place, and anew at each place."""
    for place, schema in schemas(document["components"]["schemas"]):
        is_inline = place.count("/") > 1 and "properties" in schema and place.rpartition("/")[2] != "properties"
        assert not (is_inline and schema.get("type") == "object"), place
    for place, operation in operations(document):
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                assert "properties" not in content["schema"], (place, status)


def test_a_message_is_one_class_in_requests_and_one_in_answers(document: dict[str, Any]) -> None:
    shapes: dict[tuple[str, ...], list[str]] = {}
    for name, schema in document["components"]["schemas"].items():
        is_frame = set(schema.get("properties", {})) == {"result", "status"}
        if schema.get("properties") and schema["description"] and not is_frame:
            shapes.setdefault((*schema["properties"], schema["description"]), []).append(name)
    for names in shapes.values():
        strict = [bool(document["components"]["schemas"][name].get("additionalProperties", True)) for name in names]
        assert len(names) == 1 or sorted(strict) == [False, True], names


def test_errors_are_problems_and_nothing_else(document: dict[str, Any]) -> None:
    for response in document["components"]["responses"].values():
        assert [(kind, each["schema"]["$ref"]) for kind, each in response["content"].items()] == [
            ("application/problem+json", "#/components/schemas/Problem")
        ]
    problem = document["components"]["schemas"]["Problem"]["properties"]
    assert problem["errors"]["items"] == {"$ref": "#/components/schemas/Violation"}
    assert problem["reason"]["type"] == "string"


def test_operation_says_what_it_does_and_what_can_be_wrong(document: dict[str, Any]) -> None:
    for place, operation in operations(document):
        for word in ("operationId", "summary", "description", "tags", "responses"):
            assert operation[word], (place, word)
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", operation["operationId"]), place
        assert any(status.startswith("2") for status in operation["responses"]), place
        assert any(status.startswith("4") for status in operation["responses"]), place


def test_server_is_an_address_that_clients_can_call(document: dict[str, Any]) -> None:
    addresses = [server["url"] for server in document["servers"]]
    addresses += [document["externalDocs"]["url"], document["info"]["contact"]["url"]]
    for scheme in document["components"].get("securitySchemes", {}).values():
        addresses += [flow["tokenUrl"] for flow in scheme.get("flows", {}).values()]
    for address in addresses:
        parts = urlsplit(address)
        assert (parts.scheme, bool(parts.netloc), address[-1] != "/") == ("http", True, True), address


def test_licence_has_the_name_of_spdx() -> None:
    assert described("rampart")["info"]["license"] == {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def test_scope_says_what_its_holder_may_do() -> None:
    scheme = described("rampart")["components"]["securitySchemes"]["oauth2"]
    for name, words in scheme["flows"]["clientCredentials"]["scopes"].items():
        assert re.fullmatch(r"[A-Z][a-z]+,? .+\.", words), name
        assert not re.search(r"[A-Z][a-z]+[A-Z]", words), f"{name} is told by names of methods"
