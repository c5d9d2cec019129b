"""Declares what a product adds to its document: a title page, own operations, a security scheme."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor

from gateway.describe.comments import Comments
from gateway.describe.openapi.about import About
from gateway.describe.openapi.examples import Examples
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.schemas import Schemas
from gateway.describe.openapi.security import SecurityScheme

__all__ = ["DocumentExtension", "OperationParts", "OwnOperation"]


@dataclass(frozen=True, slots=True)
class OperationParts:
    """What an operation without a binding is described with."""

    method: MethodDescriptor
    identifier: str
    """The operation id."""
    tag: str
    comments: Comments
    schemas: Schemas
    examples: Examples


@dataclass(frozen=True, slots=True)
class OwnOperation:
    """An operation that a route of the product serves, for a method without a binding."""

    verb: str
    """HTTP method in lower case."""
    path: str
    method: str
    """The method behind it, as "/package.Service/Method"."""
    schemas: Mapping[str, Schema]
    """Components that it refers to and that are no messages, by name."""
    describe: Callable[[OperationParts], Schema]
    """Returns the operation object."""


@dataclass(frozen=True, slots=True)
class DocumentExtension:
    """What a product says of itself in its document."""

    about: About
    operations: Sequence[OwnOperation] = ()
    security: SecurityScheme | None = None
    """How access tokens are had; None if they come from somewhere else."""
