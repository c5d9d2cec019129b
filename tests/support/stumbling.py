"""Services of others, made of what generators of clients have stumbled over."""

from __future__ import annotations

__all__ = ["PROTO"]

PROTO = """
import "google/api/field_behavior.proto";
import "google/api/httpbody.proto";
import "google/protobuf/any.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";

// Lends books.
service Library {
  // Creates a book.
  rpc CreateBook(CreateBookRequest) returns (Book) { option (google.api.http) = {post: "/v1/books" body: "book"}; }
  // Creates many books.
  rpc BatchCreateBooks(BatchCreateBooksRequest) returns (BatchCreateBooksResponse) {
    option (google.api.http) = {post: "/v1/books:batchCreate" body: "*"};
  }
  rpc GetBook(GetBookRequest) returns (GetBookResponse) { option (google.api.http) = {get: "/v1/books/{book_id}"}; }
  // Changes a book, of a shelf or of none.
  rpc UpdateBook(UpdateBookRequest) returns (Book) {
    option (google.api.http) = {
      patch: "/v1/books/{book.book_id}"
      body: "book"
      additional_bindings { patch: "/v1/shelves/{book.shelf}/books/{book.book_id}" body: "book" }
    };
  }
  // Lists books.
  rpc ListBooks(ListBooksRequest) returns (ListBooksResponse) { option (google.api.http) = {get: "/v1/books"}; }
  rpc Health(.test.lib.v1.Health) returns (Forbidden) { option (google.api.http) = {get: "/v1/health"}; }
  rpc Cover(GetBookRequest) returns (google.api.HttpBody) { option (google.api.http) = {get: "/v1/covers/{book_id}"}; }
  // Says what comes.
  rpc WatchBooks(WatchBooksRequest) returns (stream WatchBooksResponse) {
    option (google.api.http) = {get: "/v1/news"};
  }
  rpc TellBooks(TellBooksRequest) returns (stream WatchBooksResponse) {
    option (google.api.http) = {post: "/v1/news" body: "*"};
  }
}

// Keeps shelves.
service Shelves {
  rpc GetBook(GetBookRequest) returns (ABC) { option (google.api.http) = {get: "/v1/places/{book_id}"}; }
  rpc PutRules(Rules) returns (Rules) { option (google.api.http) = {put: "/v1/rules" body: "*"}; }
  rpc GetAbc(GetAbcRequest) returns (Abc) { option (google.api.http) = {get: "/v1/abc"}; }
}

message Book {
  string book_id = 1 [(buf.validate.field).string = {min_len: 1, pattern: "^[^/\\\\x00-\\\\x1f]+$"}];
  string shelf = 2;
  // What it is about.
  oneof subject {
    string person = 3;
    Outer.Inner place = 4;
  }
  string mail = 5 [(buf.validate.field).string.email = true, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  google.protobuf.Timestamp printed = 6 [(google.api.field_behavior) = OUTPUT_ONLY];
  Book sequel = 7;
  google.protobuf.Any extra = 8;
  bytes mark = 9;
}

message CreateBookRequest { Book book = 1; }
message BatchCreateBooksRequest {
  // Items that break a rule fail for themselves.
  repeated CreateBookRequest requests = 1 [(buf.validate.field).repeated.items.ignore = IGNORE_ALWAYS];
}
message BatchCreateBooksResponse { repeated Book books = 1; Problem problem = 2; }
message GetBookRequest { string book_id = 1; }
message GetBookResponse { Book book = 1; OuterInner inner = 2; Violation violation = 3; }
message UpdateBookRequest { Book book = 1; google.protobuf.FieldMask update_mask = 2; }
message ListBooksRequest { int32 page_size = 1; string order = 2 [(buf.validate.field).string.in = "name"]; }
message ListBooksResponse { repeated Book books = 1; string next_page_token = 2; }
message WatchBooksRequest { string after = 1; }
message TellBooksRequest { string after = 1; }
message WatchBooksResponse { Book book = 1; }
message GetAbcRequest {}

message Outer { message Inner { string text = 1; } }
message OuterInner { int64 number = 1; }
message Health { string text = 1; }
message Forbidden { Readiness readiness = 1; }
message Readiness { string text = 1; }
message Problem { Status status = 1; }
message Status { string text = 1; }
message Violation { string text = 1; }
message ABC { string text = 1; }
message Abc { int64 number = 1; }

enum Color { NONE = 0; RED = 1; BLUE = 7; }

// Rules of every kind.
message Rules {
  option (buf.validate.message).oneof = {fields: ["first", "second"], required: true};
  string host = 1 [(buf.validate.field).string.address = true, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  string address = 2 [(buf.validate.field).string.ip = true];
  string id = 3 [(buf.validate.field).string.uuid = true, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  string ends = 4 [(buf.validate.field).string = {prefix: "a", suffix: "b", contains: "c", not_contains: "d"}];
  string none = 5 [(buf.validate.field).string = {not_contains: "d", not_in: ["a", "b"], pattern: "^[^x]*$"}];
  int32 outside = 6 [(buf.validate.field).int32 = {gt: 5, lt: 1}];
  double ratio = 7 [(buf.validate.field).double.gte = 5, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  int64 big = 8 [(buf.validate.field).int64 = {in: [1, 3]}, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  Color color = 9 [(buf.validate.field).enum = {in: [1, 7]}, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  string fixed = 10 [(buf.validate.field).string.const = "a", (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  string code = 11 [
    (buf.validate.field).string = {pattern: "^[A-Z]{2}$", max_len: 2},
    (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE
  ];
  string first = 12;
  string second = 13;
  string one = 14 [(rampart.mesh.v1.field).required_unless = {field: "code", value: "AA"}];
  string two = 15 [(rampart.mesh.v1.field).required_unless = {field: "code", value: "BB"}];
  map<string, string> facts = 16 [(buf.validate.field).map.keys.string.pattern = "^k"];
  google.protobuf.Struct tree = 17;
  google.protobuf.Value any_value = 18;
  google.protobuf.Int64Value wrapped = 19;
}
"""
