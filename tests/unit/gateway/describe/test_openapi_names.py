"""Names of components and operations: apart in every language, and none of those that generators make up."""

from __future__ import annotations

from typing import Any

from gateway.compile.plan import compile_plan
from gateway.describe.openapi.names import ComponentNames
from gateway.standalone.access import DefaultPolicy
from tests.support.documents import foreign_document
from tests.support.protos import compile_proto
from tests.support.stumbling import PROTO


def described() -> dict[str, Any]:
    return foreign_document(compile_plan(compile_proto(PROTO), DefaultPolicy(opens=True, deadline=1)))


def test_names_that_differ_only_in_case_or_signs_are_not_given_twice() -> None:
    names = ComponentNames({}, ["Problem"])
    assert names.give("Abc", "a.Abc") == "Abc"
    assert names.give("ABC", "a.ABC") == "a.ABC"
    assert names.give("A.bc", "a.A.bc") == "a.A.bc_2"
    assert names.give("problem", "a.problem") == "a.problem"


def test_name_that_generators_give_to_an_operation_is_not_given() -> None:
    names = ComponentNames({"getBook": "", "listBooks": "a.ListBooksRequest"}, ())
    assert names.give("GetBookResponse", "a.GetBookResponse") == "GetBookReply"
    assert names.give("GetBookRequest", "a.GetBookRequest", message="a.GetBookRequest") == "GetBookInput"
    assert names.give("ListBooksRequest", "x", message="a.ListBooksRequest") == "ListBooksRequest"
    assert names.give("OtherResponse", "x") == "OtherResponse"


def test_identifiers_are_none_of_those_that_the_probes_have() -> None:
    found = described()
    identifiers = {
        f"{method} {path}": operation["operationId"]
        for path, item in found["paths"].items()
        for method, operation in item.items()
    }
    assert identifiers["get /health"] == "health"
    assert identifiers["get /v1/health"] == "Library_Health"
    assert (identifiers["patch /v1/books/{book_id}"], identifiers["patch /v1/shelves/{shelf}/books/{book_id}"]) == (
        "updateBook",
        "updateBook_2",
    )


def test_bodies_of_one_method_that_lack_different_fields_are_two() -> None:
    found = described()
    bodies = {
        name: set(schema["properties"]) for name, schema in found["components"]["schemas"].items() if "Body" in name
    }
    assert bodies["UpdateBookBody"] - bodies["UpdateBook_2Body"] == {"shelf"}


def test_document_lists_no_header_that_no_answer_has() -> None:
    found = described()
    given = {
        reference["$ref"].rpartition("/")[2]
        for item in found["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        for reference in answer.get("headers", {}).values()
    }
    listed = set(found["components"]["headers"])
    assert listed == {"X-Request-Id", "ETag", "Retry-After", "Location"}
    assert given <= listed and {"ETag", "Location"} <= given
