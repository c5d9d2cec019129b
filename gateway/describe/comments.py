"""Finds the comments of the protos by the full name of what they describe.

A paragraph that begins with `Example:` holds an example of the message as ProtoJSON. That of a request is the whole
request, whatever parts of it a binding takes from the path, the query or the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

__all__ = ["CommentError", "Comments"]

Path = tuple[int, ...]

_EXAMPLE = re.compile(r"Example:\s*([\[{\"].*)", re.DOTALL)
# Lines of a list, a quotation or a table stay lines.
_LINE_END = re.compile(r"\n(?![-*+>|]|[0-9]+\.)")

# Field numbers in descriptor.proto, of which the paths of source locations are made.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_FIELD, _NESTED, _NESTED_ENUM, _ONEOF = 2, 3, 4, 8
_METHOD = 2
_VALUE = 2


class CommentError(ValueError):
    """An example is not JSON. The message names the element."""


class Comments:
    """Finds the comment of an element. Third-party files carry none, so their elements have empty comments."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self._by_name: dict[str, list[str]] = {}
        for file in files.file:
            texts = {
                tuple(location.path): _paragraphs(location.leading_comments or location.trailing_comments)
                for location in file.source_code_info.location
                if location.leading_comments or location.trailing_comments
            }
            self._by_name |= {name: texts[path] for path, name in _elements(file) if path in texts}

    def of(self, full_name: str) -> str:
        """Returns paragraphs separated by an empty line. A value of an enum is named below its enum."""
        paragraphs = self._by_name.get(full_name, ())
        return "\n\n".join(_LINE_END.sub(" ", part) for part in paragraphs if not _EXAMPLE.match(part))

    def example(self, full_name: str) -> Any:
        """Returns the example of a message, None if its comment has none. Raises CommentError."""
        for found in filter(None, map(_EXAMPLE.match, self._by_name.get(full_name, ()))):
            try:
                return json.loads(found[1])
            except ValueError as error:
                raise CommentError(f"the example of {full_name} is not JSON: {error}") from error
        return None


def _paragraphs(comment: str) -> list[str]:
    lines = [line.strip() for line in comment.strip().splitlines()]
    return [part.strip("\n") for part in re.split(r"\n{2,}", "\n".join(lines)) if part]


def _elements(file: FileDescriptorProto) -> Iterator[tuple[Path, str]]:
    prefix = f"{file.package}." if file.package else ""
    for index, message in enumerate(file.message_type):
        yield from _message((_MESSAGE, index), prefix + message.name, message)
    for index, enum in enumerate(file.enum_type):
        yield from _enum((_ENUM, index), prefix + enum.name, enum)
    for index, service in enumerate(file.service):
        name = prefix + service.name
        yield (_SERVICE, index), name
        yield from _named((_SERVICE, index, _METHOD), name, (method.name for method in service.method))


def _message(path: Path, name: str, message: DescriptorProto) -> Iterator[tuple[Path, str]]:
    yield path, name
    yield from _named((*path, _FIELD), name, (field.name for field in message.field))
    yield from _named((*path, _ONEOF), name, (oneof.name for oneof in message.oneof_decl))
    for index, nested in enumerate(message.nested_type):
        yield from _message((*path, _NESTED, index), f"{name}.{nested.name}", nested)
    for index, enum in enumerate(message.enum_type):
        yield from _enum((*path, _NESTED_ENUM, index), f"{name}.{enum.name}", enum)


def _enum(path: Path, name: str, enum: EnumDescriptorProto) -> Iterator[tuple[Path, str]]:
    yield path, name
    yield from _named((*path, _VALUE), name, (value.name for value in enum.value))


def _named(path: Path, parent: str, names: Iterable[str]) -> Iterator[tuple[Path, str]]:
    for index, name in enumerate(names):
        yield (*path, index), f"{parent}.{name}"
