"""Reads the catalogue of error reasons from the comments of `rampart.mesh.v1.ErrorReason`.

A comment reads: what went wrong; then the canonical code; then what comes with it. A second paragraph says what to do.
The HTTP status follows from the one table in `gateway.errors.problem`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.describe.comments import Comments
from gateway.errors.places import HttpViolation
from gateway.errors.problem import http_status, phrase
from meshkit.errors import Kind, MeshError

__all__ = ["CatalogueError", "Reason", "phrase", "read_reasons", "slug"]

ENUM = "rampart.mesh.v1.ErrorReason"
PREFIX = "ERROR_REASON_"
EXAMPLE = HttpViolation("quantity", "int32.gte", "must be 0 or more", place="body", name="/quantity")
_KIND = re.compile(rf"\b({'|'.join(kind.name for kind in Kind)})\b")
_HTTP = re.compile(r" \(HTTP \d{3}\)")


class CatalogueError(Exception):
    """The comment of a reason does not say which canonical code it has."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that an error can carry."""

    name: str
    kind: Kind
    status: int
    """HTTP status at the edge."""
    words: str
    """What went wrong, one or more sentences."""
    extras: str
    """What comes with the error, for example its metadata. Empty means nothing."""
    remedy: str
    """What the caller can do, one or more sentences."""
    example: HttpViolation
    """A violation as errors of this reason may carry it, for examples."""

    @property
    def slug(self) -> str:
        return slug(self.name)

    def error(self) -> MeshError:
        """Returns an error as it could be sent, for examples."""
        retry_after = 1.0 if "RetryInfo" in self.extras else None
        violations = [self.example] if "BadRequest" in self.extras else []
        message = self.words.removesuffix(".")
        return MeshError(self.kind, self.name, message, retry_after=retry_after, violations=violations)


def read_reasons(files: FileDescriptorSet, example: HttpViolation = EXAMPLE) -> dict[str, Reason]:
    """Returns every reason that can be sent, by name, in the order of the proto. Raises CatalogueError.

    `example` is the violation that examples show: one of a request that the gateway serves.
    """
    comments = Comments(files)
    return {name: _reason(name, comments.of(f"{ENUM}.{PREFIX}{name}"), example) for name in _names(files)}


def _names(files: FileDescriptorSet) -> Iterable[str]:
    package, _, short = ENUM.rpartition(".")
    for file in files.file:
        if file.package == package:
            values = (value for enum in file.enum_type if enum.name == short for value in enum.value)
            yield from (value.name.removeprefix(PREFIX) for value in values if value.number)


def slug(reason: str) -> str:
    """Returns the reason as it ends the `type` of a problem document."""
    return reason.lower().replace("_", "-")


def _reason(name: str, comment: str, example: HttpViolation) -> Reason:
    first, _, remedy = comment.partition("\n\n")
    found = _KIND.search(first)
    if found is None:
        raise CatalogueError(f"the comment of {PREFIX}{name} names no canonical code")
    kind = Kind[found[1]]
    words, rest = first[: found.start()].strip(), _HTTP.sub("", first[found.end() :])
    status = http_status(MeshError(kind, name, words))
    return Reason(name, kind, status, words, _sentence(rest.strip(" ;.").removeprefix("with ")), remedy, example)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text[:1].isalpha() else f"{text}." if text else ""
