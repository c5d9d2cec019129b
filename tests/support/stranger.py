"""A gRPC service that knows nothing of Rampart: a small library of books, plaintext, with annotations of its own."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from meshkit.descriptors import DESCRIPTORS

__all__ = ["Stranger", "compile_stranger", "stranger"]

PROTO = """
syntax = "proto3";
package acme.library;
import "google/api/annotations.proto";

// Lends books.
service Library {
  // Returns a book.
  rpc GetBook(GetBookRequest) returns (Book) {
    option (google.api.http) = {get: "/v1/{name=shelves/*/books/*}"};
  }
  // Puts a book onto a shelf.
  rpc CreateBook(CreateBookRequest) returns (Book) {
    option (google.api.http) = {post: "/v1/{parent=shelves/*}/books" body: "book"};
  }
  // Returns the books of a genre.
  rpc SearchBooks(SearchBooksRequest) returns (SearchBooksResponse) {
    option (google.api.http) = {get: "/v1/books:search"};
  }
  // Returns books one after the other.
  rpc WatchBooks(GetBookRequest) returns (stream Book) {
    option (google.api.http) = {get: "/v1/{name=shelves/*}/books:watch"};
  }
}
message GetBookRequest { string name = 1; int32 pages = 2; }
message SearchBooksRequest { Genre genre = 1; string key = 2; }
message SearchBooksResponse { repeated Book books = 1; }
message CreateBookRequest { string parent = 1; Book book = 2; }
message Book { string name = 1; string title = 2; int32 pages = 3; optional Genre genre = 4; }
enum Genre { GENRE_UNSPECIFIED = 0; NOVEL = 1; ESSAY = 2; }
"""


def compile_stranger(out: Path) -> Path:
    """Writes the descriptors as `protoc` does for a user."""
    source = out.parent / "library.proto"
    source.write_text(PROTO)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={DESCRIPTORS}", f"-I{out.parent}"]
    options = ["--include_imports", "--include_source_info", f"--descriptor_set_out={out}"]
    subprocess.run([*command, *options, str(source)], check=True)
    return out


@dataclass
class Stranger:
    """The running service, and what it was asked."""

    address: str
    metadata: list[dict[str, str]] = field(default_factory=list)
    remaining: list[float | None] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    failure: tuple[grpc.StatusCode, str] | None = None
    details: bytes = b""
    """A `google.rpc.Status` that comes with the failure."""
    genres: bool = False
    """True if the books of a stream have one."""
    late: bool = False
    """True if a stream fails after its first answer, not before it."""

    def forget(self) -> None:
        """Makes it as it was at first."""
        self.metadata.clear()
        self.remaining.clear()
        self.requests.clear()
        self.failure = None
        self.details = b""
        self.late = False
        self.genres = False


@contextlib.asynccontextmanager
async def stranger(descriptors: Path) -> AsyncIterator[Stranger]:
    """Runs the service while the block runs."""
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptors.read_bytes()).file:
        pool.Add(file)
    book = GetMessageClass(pool.FindMessageTypeByName("acme.library.Book"))
    found = GetMessageClass(pool.FindMessageTypeByName("acme.library.SearchBooksResponse"))
    server = grpc.aio.server()
    state = Stranger(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")

    async def note(request: Any, context: Any) -> None:
        state.requests.append(request)
        state.metadata.append({str(key): str(value) for key, value in context.invocation_metadata()})
        state.remaining.append(context.time_remaining())
        if not state.late:
            await fail(context)

    async def fail(context: Any) -> None:
        if state.failure is not None:
            trailers = (("grpc-status-details-bin", state.details),) if state.details else ()
            await context.abort(*state.failure, trailers)

    async def get_book(request: Any, context: Any) -> Any:
        await note(request, context)
        return book(name=request.name, pages=request.pages)

    async def create_book(request: Any, context: Any) -> Any:
        await note(request, context)
        request.book.name = f"{request.parent}/books/1"
        return request.book

    async def search_books(request: Any, context: Any) -> Any:
        await note(request, context)
        return found(books=[book(title=request.key, genre=request.genre)])

    async def watch_books(request: Any, context: Any) -> AsyncIterator[Any]:
        await note(request, context)
        for number in range(3):
            yield book(name=f"{request.name}/books/{number}", genre=number if state.genres else None)
            await fail(context)
            await asyncio.sleep(0)

    def message(name: str) -> Any:
        return GetMessageClass(pool.FindMessageTypeByName(f"acme.library.{name}")).FromString

    serialize = book.SerializeToString
    handlers = {
        "GetBook": grpc.unary_unary_rpc_method_handler(get_book, message("GetBookRequest"), serialize),
        "CreateBook": grpc.unary_unary_rpc_method_handler(create_book, message("CreateBookRequest"), serialize),
        "SearchBooks": grpc.unary_unary_rpc_method_handler(
            search_books, message("SearchBooksRequest"), found.SerializeToString
        ),
        "WatchBooks": grpc.unary_stream_rpc_method_handler(watch_books, message("GetBookRequest"), serialize),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("acme.library.Library", handlers),))
    await server.start()
    try:
        yield state
    finally:
        await server.stop(None)
