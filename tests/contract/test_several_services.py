"""A process with several gRPC services in one package: the gateway, its document and the client know each of them."""

from __future__ import annotations

from functools import cache

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.compile.plan import compile_plan
from meshkit.topology import TABLE, Topology, load
from tests.support.documents import foreign_document
from tests.support.protos import compile_proto
from tools.client_methods import Contract, methods_module
from tools.rendering.client import services_module

PROTO = """
// Lends books.
service LoanService {
  // Borrows a book.
  rpc Borrow(BorrowRequest) returns (BorrowResponse) {
    option (google.api.http) = {post: "/v1/loans" body: "*"};
    option (rampart.mesh.v1.policy) = {
      scopes: ["loan:write"], callers: ["client/*"], rate_limit: {class: RATE_CLASS_WRITE}, deadline: {seconds: 1}
    };
  }
}

// Has books.
service LibService {
  // Finds a book.
  rpc Find(FindRequest) returns (FindResponse) {
    option (google.api.http) = {get: "/v1/books/{name}"};
    option (rampart.mesh.v1.policy) = {
      scopes: ["book:read"], callers: ["client/*"], rate_limit: {class: RATE_CLASS_READ}, deadline: {seconds: 1}
    };
  }
}

message BorrowRequest { string name = 1; }
message BorrowResponse {}
message FindRequest { string name = 1; }
message FindResponse {}
"""
ENTRY = """
[service.lib]
package = "test.lib.v1"
grpc = ["LibService", "LoanService"]
keeps = "books"
calls = []
redis = false
"""


@cache
def files() -> FileDescriptorSet:
    return compile_proto(PROTO)


@pytest.fixture
def topology(tmp_path_factory: pytest.TempPathFactory) -> Topology:
    path = tmp_path_factory.mktemp("table") / "table.toml"
    path.write_text(TABLE.read_text() + ENTRY)
    return load(path)


def test_the_gateway_calls_both_at_the_address_of_their_process(topology: Topology) -> None:
    plan = compile_plan(files())
    assert {binding.template.text: binding.method.service for binding in plan.bindings} == {
        "/v1/loans": "lib",
        "/v1/books/{name}": "lib",
    }
    assert "lib" in topology.gateway.calls


def test_the_document_has_a_tag_of_each_and_the_first_rate_class_first() -> None:
    document = foreign_document(compile_plan(files()))
    told = [(tag["name"], tag["description"]) for tag in document["tags"]]
    assert told[:2] == [("lib", "Has books."), ("loan", "Lends books.")]
    assert list(document["paths"])[:2] == ["/v1/books/{name}", "/v1/loans"]
    assert document["paths"]["/v1/loans"]["post"]["tags"] == ["loan"]


def test_the_client_has_the_methods_of_each_at_one_address(topology: Topology) -> None:
    text = services_module(topology, Contract.load(files()))
    assert text.count("    lib: str") == 1
    assert "loan: str" not in text
    for name, kind in (("lib", "LibClient"), ("loan", "LoanClient")):
        assert f'    def {name}(self) -> {kind}:\n        return {kind}(self.caller("lib"))\n' in text
    methods = methods_module(Contract.load(files()))
    assert methods.count("class LibClient:") == methods.count("class LoanClient:") == 1


def test_two_methods_of_one_name_are_refused_for_the_client() -> None:
    twice = FileDescriptorSet()
    twice.CopyFrom(files())
    (loans, _) = twice.file[-1].service
    loans.method[0].name = "Find"
    with pytest.raises(ValueError, match=r"need names of their own: Find$"):
        methods_module(Contract.load(twice))
