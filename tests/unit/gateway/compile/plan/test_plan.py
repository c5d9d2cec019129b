from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.compile.codec import ProtobufPyCodec
from gateway.compile.plan import Binding, Plan, PlanError, compile_plan, load_plan
from meshkit.descriptors import DESCRIPTORS
from meshkit.errors import MeshError
from meshkit.topology import load
from tests.support.protos import POLICY, compile_proto, with_methods

MESSAGES = """
enum Genre { GENRE_UNSPECIFIED = 0; GENRE_NOVEL = 1; }
message Author { string name = 1; int32 born = 2; map<string, string> notes = 3; }
message Book {
  string book_id = 1; string title = 2; Author author = 3; repeated string tags = 4;
  google.protobuf.Timestamp print_time = 5; Genre genre = 6; repeated Author editors = 7;
}
message Request {
  string name = 1; Book book = 2; google.protobuf.FieldMask update_mask = 3; repeated int32 page_counts = 4;
  Genre genre = 5; bool only_new = 6; google.protobuf.Duration max_age = 7; double min_price = 8;
  oneof key { string isbn = 9; string shelf_mark = 10; }
  int64 big_number = 11; bytes cover = 12; repeated Genre genres = 13;
}
message Reply { Book book = 1; repeated string names = 2; }
"""
METHODS = {
    "Get": 'get: "/v1/{name=shelves/*/books/*}" additional_bindings {get: "/v1/books/{book.book_id}"}',
    "List": 'get: "/v1/books" response_body: "names"',
    "Find": 'get: "/v1/isbn/{isbn}"',
    "Put": 'put: "/v1/books/{book.book_id}" body: "book" response_body: "book"',
    "Update": 'patch: "/v1/books/{book.book_id}" body: "book"',
    "Post": 'post: "/v1/books" body: "*"',
    "Purge": 'custom: {kind: "PURGE" path: "/v1/books"}',
}


@pytest.fixture(scope="module")
def library() -> Plan:
    return compile_plan(with_methods(METHODS, MESSAGES))


def request_of(plan: Plan, method: str, target: str, body: Any = None) -> dict[str, Any]:
    """Returns the request message that a request becomes, as ProtoJSON."""
    path, _, query = target.partition("?")
    found = plan.tries[method].match(path)
    assert found is not None
    binding, captures = found
    value = binding.assemble(captures, query.encode(), body, body is not None)
    message = ProtobufPyCodec(plan.registry).request(binding.method.input).decode(value)
    decoded: dict[str, Any] = json.loads(message.to_json(use_proto_field_name=True))
    return decoded


@pytest.mark.parametrize(
    ("method", "target", "body", "request_value"),
    [
        ("GET", "/v1/shelves/1/books/2", None, {"name": "shelves/1/books/2"}),
        ("GET", "/v1/books/7", None, {"book": {"book_id": "7"}}),
        ("GET", "/v1/books/7?book.title=A+B%21&name=n", None, {"name": "n", "book": {"book_id": "7", "title": "A B!"}}),
        ("GET", "/v1/books?page_counts=1&page_counts=2&pageCounts=-3", None, {"page_counts": [1, 2, -3]}),
        ("GET", "/v1/books?genre=GENRE_NOVEL&genres=1&genres=GENRE_NOVEL&only_new=true", None,
         {"genre": "GENRE_NOVEL", "genres": ["GENRE_NOVEL", "GENRE_NOVEL"], "only_new": True}),
        ("GET", "/v1/books?max_age=1.5s&min_price=2.5e1&big_number=9007199254740993&cover=AQI=", None,
         {"max_age": "1.500s", "min_price": 25.0, "big_number": "9007199254740993", "cover": "AQI="}),
        ("GET", "/v1/books?book.print_time=2026-01-02T03:04:05Z&book.author.name=x&book.author.born=1900", None,
         {"book": {"print_time": "2026-01-02T03:04:05Z", "author": {"name": "x", "born": 1900}}}),
        ("GET", "/v1/books?update_mask=book.book_id,name", None, {"update_mask": "book.bookId,name"}),
        ("GET", "/v1/books?book.bookId=5", None, {"book": {"book_id": "5"}}),
        ("GET", "/v1/books?", None, {}),
        ("PUT", "/v1/books/7", {"title": "t"}, {"book": {"book_id": "7", "title": "t"}}),
        ("PUT", "/v1/books/7", {"bookId": "8"}, {"book": {"book_id": "7"}}),
        ("PUT", "/v1/books/7?name=n", {}, {"name": "n", "book": {"book_id": "7"}}),
        ("PUT", "/v1/books/7", None, {"book": {"book_id": "7"}}),
        ("POST", "/v1/books", {"name": "n", "book": {"bookId": "1"}}, {"name": "n", "book": {"book_id": "1"}}),
        ("PURGE", "/v1/books?name=n", None, {"name": "n"}),
    ],
)  # fmt: skip
def test_request_is_put_together(
    library: Plan, method: str, target: str, body: Any, request_value: dict[str, Any]
) -> None:
    assert request_of(library, method, target, body) == request_value


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"title": "t"}, "title"),
        ({"title": None, "tags": []}, "title,tags"),
        ({"book_id": "x", "printTime": "2026-01-02T03:04:05Z"}, "printTime"),
        ({"author": {"name": "n", "notes": {"a_b": "c"}}}, "author.name,author.notes"),
        ({"author": {}}, "author"),
        ({"editors": [{"name": "n"}]}, "editors"),
    ],
)
def test_patch_infers_the_mask_from_the_keys_that_are_there(library: Plan, body: dict[str, Any], paths: str) -> None:
    assert request_of(library, "PATCH", "/v1/books/7", body)["update_mask"] == paths


def test_patch_keeps_a_mask_that_the_query_gives(library: Plan) -> None:
    value = request_of(library, "PATCH", "/v1/books/7?update_mask=title,tags", {"title": "t", "tags": None})
    assert value["update_mask"] == "title,tags"


@pytest.mark.parametrize(
    ("method", "target", "place", "name"),
    [
        ("GET", "/v1/books/7?book.book_id=8", "query", "book.book_id"),
        ("GET", "/v1/books/7?book.bookId=8", "query", "book.bookId"),
        ("GET", "/v1/shelves/1/books/2?name=x", "query", "name"),
        ("GET", "/v1/isbn/1?isbn=2", "query", "isbn"),
        ("GET", "/v1/isbn/1?shelf_mark=2", "query", "shelf_mark"),
        ("GET", "/v1/isbn/1?shelfMark=2", "query", "shelfMark"),
        ("GET", "/v1/books?book=x", "query", "book"),
        ("GET", "/v1/books?book.editors=x", "query", "book.editors"),
        ("GET", "/v1/books?book.author.notes=x", "query", "book.author.notes"),
        ("GET", "/v1/books?genre=1&genre=1", "query", "genre"),
        ("GET", "/v1/books?only_new=1&onlyNew=0", "query", "only_new"),
        ("GET", "/v1/books?only_new=yes", "query", "only_new"),
        ("GET", "/v1/books?page_counts=1&page_counts=x", "query", "page_counts"),
        ("GET", "/v1/books?page_counts=1_000", "query", "page_counts"),
        ("GET", "/v1/books?min_price=0x1", "query", "min_price"),
        ("GET", "/v1/books?unknown", "query", "unknown"),
        ("GET", "/v1/books?name=%ff", "query", ""),
        ("GET", "/v1/books?" + "&".join(["name=x"] * 101), "query", ""),
        ("PUT", "/v1/books/7?book.title=x", "query", "book.title"),
        ("PATCH", "/v1/books/7?book.title=x", "query", "book.title"),
        ("POST", "/v1/books?name=x", "query", "name"),
    ],
)
def test_query_cannot_say_what_is_not_its_to_say(
    library: Plan, method: str, target: str, place: str, name: str
) -> None:
    with pytest.raises(MeshError) as raised:
        request_of(library, method, target, {} if method != "GET" else None)
    violation: Any = raised.value.violations[0]
    assert (raised.value.reason, violation.place, violation.name) == ("MALFORMED_REQUEST", place, name)


@pytest.mark.parametrize(
    ("method", "target", "path", "place", "name"),
    [
        ("GET", "/v1/books/7", ("book", "book_id"), "path", "book_id"),
        ("GET", "/v1/books", ("book", "title"), "query", "book.title"),
        ("GET", "/v1/books", ("page_counts", 1), "query", "page_counts"),
        ("PUT", "/v1/books/7", ("book", "author", "name"), "body", "/author/name"),
        ("PUT", "/v1/books/7", ("book", "editors", 2, "name"), "body", "/editors/2/name"),
        ("PUT", "/v1/books/7", ("book", "book_id"), "path", "book_id"),
        ("PUT", "/v1/books/7", ("book",), "body", ""),
        ("PUT", "/v1/books/7", ("name",), "query", "name"),
        ("POST", "/v1/books", ("book", "author", "notes", "a/b~c"), "body", "/book/author/notes/a~1b~0c"),
        ("POST", "/v1/books", (), "body", ""),
    ],
)
def test_field_is_located_in_the_http_request(
    library: Plan, method: str, target: str, path: tuple[str | int, ...], place: str, name: str
) -> None:
    found = library.tries[method].match(target)
    assert found is not None
    assert found[0].locate(path) == (place, name)


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (
            {"A": 'get: "/v1/{name}"', "B": 'get: "/v1/{isbn}"'},
            ["Library.A", "Library.B", "GET /v1/{name}", "same requests"],
        ),
        ({"A": 'get: "/v1/x" additional_bindings {get: "/v1/x"}'}, ["Library.A", "same requests"]),
        ({"A": 'get: "/v1/{nope}"'}, ["Library.A", "no field nope"]),
        ({"A": 'get: "/v1/{name.x}"'}, ["Library.A", "name is not a message"]),
        ({"A": 'get: "/v1/{page_counts}"'}, ["Library.A", "page_counts", "cannot be bound"]),
        ({"A": 'get: "/v1/{book}"'}, ["Library.A", "book", "cannot be bound"]),
        ({"A": 'post: "/v1/x" body: "nope"'}, ["Library.A", "no field nope"]),
        ({"A": 'get: "/v1/x" response_body: "nope"'}, ["Library.A", "no field nope"]),
        ({"A": 'get: "v1/x"'}, ["Library.A", "v1/x"]),
        ({"A": 'body: "*"'}, ["Library.A", "names no path"]),
    ],
)
def test_plan_that_makes_no_sense_is_refused_with_the_bindings_named(methods: dict[str, str], words: list[str]) -> None:
    with pytest.raises(PlanError) as raised:
        compile_plan(with_methods(methods, MESSAGES))
    for word in words:
        assert word in str(raised.value)


def test_method_without_policy_is_refused() -> None:
    text = 'service S { rpc M(R) returns (R) { option (google.api.http) = {get: "/v1/x"}; } } message R {}'
    with pytest.raises(PlanError, match=r"test\.lib\.v1\.S\.M has no \(rampart\.mesh\.v1\.policy\)"):
        compile_plan(compile_proto(text))


def test_same_path_with_other_methods_is_not_ambiguous() -> None:
    plan = compile_plan(with_methods({"A": 'get: "/v1/x"', "B": 'post: "/v1/x"'}, MESSAGES))
    assert sorted(plan.tries) == ["GET", "POST"]


def test_streaming_method_is_planned_as_one() -> None:
    text = f'service S {{ rpc M(R) returns (stream R) {{ option (google.api.http) = {{get: "/v1/x"}}; {POLICY} }} }}'
    (binding,) = compile_plan(compile_proto(text + " message R {}")).bindings
    assert (binding.method.client_streaming, binding.method.server_streaming) == (False, True)


def test_product_plan_serves_the_rest_contract() -> None:
    served = {f"{b.http_method} {b.template.text}" for b in load_plan(DESCRIPTORS).bindings}
    assert served >= {
        "GET /.well-known/jwks.json",
        "POST /api/v1/fraud-check",
        "POST /api/v1/fraud-check:batch",
        "GET /api/v1/decisions",
        "GET /api/v1/decisions/{decision_id}",
        "GET /api/v1/users",
        "POST /api/v1/users",
        "GET /api/v1/users/{user_id}",
        "GET /api/v1/users/{user_id}/risk-profile",
        "GET /api/v1/transactions",
        "GET /api/v1/totals/daily",
    }


def test_every_bound_method_has_its_service_and_policy() -> None:
    bindings: tuple[Binding, ...] = load_plan(DESCRIPTORS).bindings
    assert {binding.method.service for binding in bindings} == set(load().gateway.calls)
    assert all(binding.method.policy.public or binding.method.policy.scopes for binding in bindings)
