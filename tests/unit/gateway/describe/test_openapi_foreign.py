"""The document of services that are not ours: any descriptors with HTTP annotations have one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from gateway.compile.plan import compile_plan
from gateway.describe.comments import CommentError, Comments
from gateway.standalone.access import DefaultPolicy
from tests.support.documents import foreign_document
from tests.support.protos import compile_proto

META_SCHEMA = Path(__file__).parents[3] / "contract" / "openapi-3.1" / "schema.json"

PROTO = """
import "google/api/field_behavior.proto";
import "google/api/httpbody.proto";

// Lends books.
service Library {
  // Gets a book. Reasons: NOT_ONE_OF_OURS.
  rpc Get(Request) returns (Reply) {
    option (google.api.http) = {
      get: "/v1/{name=shelves/*/books/*}"
      additional_bindings { get: "/v1/{name=old/**}" }
      additional_bindings { get: "/v1/any/*/{name}:find" }
    };
  }
  // Marks a book.
  rpc Mark(Request) returns (Reply) {
    option deprecated = true;
    option (google.api.http) = {custom {kind: "MARK" path: "/v1/marks"} body: "*"};
  }
  rpc Upload(UploadRequest) returns (Reply) { option (google.api.http) = {post: "/v1/files/{name}" body: "file"}; }
  rpc Download(Request) returns (google.api.HttpBody) { option (google.api.http) = {get: "/v1/files/{name}"}; }
  // Says what comes.
  rpc Listen(Request) returns (stream Reply) { option (google.api.http) = {get: "/v1/news"}; }
  // Talks.
  rpc Chat(stream Request) returns (stream Reply) { option (google.api.http) = {post: "/v1/chat" body: "*"}; }
}

// Buys books.
service Shop {
  rpc Get(Request) returns (Problem) { option (google.api.http) = {get: "/v1/offers/{number}"}; }
  rpc Open(Account) returns (Account) { option (google.api.http) = {post: "/v1/accounts" body: "*"}; }
}

// A request.
//
// Example: {"name": "shelves/a/books/b", "number": 7, "words": ["x"]}
message Request {
  string name = 1;
  int32 number = 2;
  repeated string words = 3;
  Choice choice = 4;
}

message UploadRequest { string name = 1; google.api.HttpBody file = 2; }

message Account {
  string id = 1 [(google.api.field_behavior) = OUTPUT_ONLY];
  string secret = 2 [(google.api.field_behavior) = INPUT_ONLY, (google.api.field_behavior) = REQUIRED];
  string old = 3 [deprecated = true];
  // Names the state. Set by the service.
  string etag = 4;
  // When it was opened. Set by the service.
  string opened = 5;
}

message Choice {
  // What it is.
  oneof what {
    option (buf.validate.oneof).required = true;
    string left = 1;
    string right = 2;
  }
  string note = 3;
}

message Reply { Request again = 1; int64 big = 2; }

message Problem { Status status = 1; }
message Status { string text = 1; }
"""


@cache
def described() -> dict[str, Any]:
    files = compile_proto(PROTO)
    return foreign_document(compile_plan(files, DefaultPolicy(opens=True, deadline=1)))


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = described()["paths"][path][method]
    return found


def test_document_is_valid_openapi() -> None:
    errors = Draft202012Validator(json.loads(META_SCHEMA.read_bytes())).iter_errors(described())
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_title_and_tags_are_those_of_the_services() -> None:
    assert described()["info"]["title"] == "Library and Shop"
    assert described()["info"]["version"] == "v1"
    tags = {tag["name"]: tag["description"] for tag in described()["tags"]}
    assert (tags["Library"], tags["Shop"]) == ("Lends books.", "Buys books.")


@pytest.mark.parametrize(
    ("json_names", "said"), [(False, "Names are snake_case;"), (True, "Names are lowerCamelCase;")]
)
def test_description_says_which_names_there_are(json_names: bool, said: str) -> None:
    plan = compile_plan(compile_proto(PROTO), DefaultPolicy(opens=True, deadline=1), json_names=json_names)
    assert said in foreign_document(plan)["info"]["description"]


def test_open_services_need_no_token_and_have_no_token_endpoint() -> None:
    assert "securitySchemes" not in described()["components"]
    assert "/api/v1/oauth/token" not in described()["paths"]
    get = operation("/v1/shelves/{name}/books/{name_1}", "get")
    assert get["security"] == []
    assert "429" not in get["responses"]
    assert "RateLimit" not in get["responses"]["200"]["headers"]


def test_services_that_need_a_token_from_elsewhere_say_so() -> None:
    found = foreign_document(compile_plan(compile_proto(PROTO), DefaultPolicy(opens=False, deadline=1)))
    assert found["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert found["paths"]["/v1/marks"]["x-oai-additionalOperations"]["MARK"]["security"] == [{"bearer": []}]


def test_variable_of_several_segments_is_one_parameter_for_each_wildcard() -> None:
    first, second, *_ = operation("/v1/shelves/{name}/books/{name_1}", "get")["parameters"]
    assert (first["name"], first["example"]) == ("name", "a")
    assert (second["name"], second["example"]) == ("name_1", "b")
    assert "`shelves/*/books/*`" in first["description"]


def test_deep_and_unnamed_wildcards_are_parameters() -> None:
    deep = operation("/v1/old/{name}", "get")["parameters"][0]
    assert "May hold slashes." in deep["description"]
    names = [each["name"] for each in operation("/v1/any/{wildcard}/{name}:find", "get")["parameters"]]
    assert names[:2] == ["wildcard", "name"]


def test_identifiers_are_unique_and_number_further_bindings() -> None:
    found = [
        operation("/v1/shelves/{name}/books/{name_1}", "get")["operationId"],
        operation("/v1/old/{name}", "get")["operationId"],
        operation("/v1/any/{wildcard}/{name}:find", "get")["operationId"],
        operation("/v1/offers/{number}", "get")["operationId"],
        operation("/v1/news", "get")["operationId"],
    ]
    assert found == ["Library_Get", "Library_Get_2", "Library_Get_3", "Shop_Get", "listen"]


def test_method_that_the_format_does_not_know_is_kept_as_an_extension() -> None:
    mark = described()["paths"]["/v1/marks"]["x-oai-additionalOperations"]["MARK"]
    assert mark["deprecated"] is True
    assert mark["requestBody"]["content"]["application/json"]["example"]["number"] == 7


def test_files_are_binary() -> None:
    for content in (
        operation("/v1/files/{name}", "post")["requestBody"]["content"],
        operation("/v1/files/{name}", "get")["responses"]["200"]["content"],
    ):
        schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
        assert content == {"*/*": {"schema": schema}}


def test_method_that_takes_a_stream_is_a_websocket() -> None:
    chat = operation("/v1/chat", "post")
    assert {"101", "426"} <= set(chat["responses"])
    assert "200" not in chat["responses"]
    assert "requestBody" not in chat
    assert chat["x-websocket"]["send"] == {"$ref": "#/components/x-websocket-schemas/RequestInput"}
    assert described()["components"]["x-websocket-schemas"]["RequestInput"]["additionalProperties"] is False


def test_example_of_a_request_is_split_as_the_binding_says() -> None:
    parameters = operation("/v1/offers/{number}", "get")["parameters"]
    found = {each["name"]: each.get("example") for each in parameters if each["in"] in ("path", "query")}
    assert (found["number"], found["name"], found["words"]) == (7, "shelves/a/books/b", ["x"])


def test_answer_without_an_example_is_made_of_what_it_holds() -> None:
    example = operation("/v1/shelves/{name}/books/{name_1}", "get")["responses"]["200"]["content"]["application/json"]
    assert example["example"] == {"again": {"name": "shelves/a/books/b", "number": 7, "words": ["x"]}, "big": "0"}


def test_behavior_of_fields_is_told() -> None:
    schema = described()["components"]["schemas"]["AccountInput"]
    told = {name: set(each) & {"readOnly", "writeOnly", "deprecated"} for name, each in schema["properties"].items()}
    assert told == {
        "id": {"readOnly"},
        "secret": {"writeOnly"},
        "old": {"deprecated"},
        "etag": set(),
        "opened": {"readOnly"},
    }
    assert schema["required"] == ["secret"]


def test_one_of_a_group_is_required() -> None:
    schema = described()["components"]["schemas"]["Choice"]
    check = Draft202012Validator(schema)
    assert check.is_valid({"left": "x", "note": "n"})
    assert not check.is_valid({"note": "n"})
    assert not check.is_valid({"left": "x", "right": "y"})
    assert "What it is: `left`, `right`." in schema["description"]


def test_message_with_the_name_of_a_component_of_ours_has_its_full_name() -> None:
    schemas = described()["components"]["schemas"]
    assert schemas["test.lib.v1.Problem"]["properties"]["status"] == {"$ref": "#/components/schemas/test.lib.v1.Status"}
    assert "request_id" in schemas["Problem"]["properties"]
    assert "code" in schemas["Status"]["properties"]


@pytest.mark.parametrize("text", ["{", "[1,]", '{"a": }'])
def test_example_that_is_no_json_is_refused_with_its_place(text: str) -> None:
    comments = Comments(compile_proto(f"// Words.\n//\n// Example: {text}\nmessage Wrong {{ string a = 1; }}"))
    with pytest.raises(CommentError, match=r"the example of test\.lib\.v1\.Wrong is not JSON"):
        comments.example("test.lib.v1.Wrong")


def test_example_is_no_part_of_the_words() -> None:
    text = """
    // Words
    // of two lines.
    //
    // - a list
    // - of two
    //
    // Example:
    //   {
    //     "a": "b"
    //   }
    //
    // More words.
    message Told { string a = 1; }
    """
    comments = Comments(compile_proto(text))
    assert comments.of("test.lib.v1.Told") == "Words of two lines.\n\n- a list\n- of two\n\nMore words."
    assert comments.example("test.lib.v1.Told") == {"a": "b"}
    assert comments.example("test.lib.v1.Nothing") is None
