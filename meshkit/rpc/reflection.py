"""Answers gRPC reflection for everything that a client may ask about, methods included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

__all__ = ["REFLECTION", "add_reflection"]

REFLECTION: str = reflection.SERVICE_NAME
"""Full name of the service."""

_Base: Any = reflection.aio.ReflectionServicer


class SymbolReflection(_Base):  # type: ignore[misc]
    """Knows every symbol that the protocol has: "<package>.<service>[.<method>]", a type, or a member of one.

    The pool of protobuf's C implementation finds files by services and types, and not by what is inside of them.
    """

    def _file_containing_symbol(
        self, request: reflection_pb2.ServerReflectionRequest, fully_qualified_name: str
    ) -> reflection_pb2.ServerReflectionResponse:
        answer: reflection_pb2.ServerReflectionResponse = super()._file_containing_symbol(
            request, _known(self._pool, fully_qualified_name)
        )
        return answer


def add_reflection(names: Iterable[str], server: grpc.aio.Server) -> None:
    """Adds reflection that lists the services of these names."""
    register: Any = reflection_pb2_grpc.add_ServerReflectionServicer_to_server
    register(SymbolReflection(names), server)


def _known(pool: descriptor_pool.DescriptorPool, name: str) -> str:
    """Returns the symbol itself, or that of what it is a member of if it is one."""
    owner, _, member = name.rpartition(".")
    try:
        pool.FindFileContainingSymbol(name)
    except KeyError:
        return owner if owner and _has(pool, owner, member) else name
    return name


def _has(pool: descriptor_pool.DescriptorPool, owner: str, member: str) -> bool:
    """Tells whether a service, message or enum has a method, field, oneof or value of that name."""
    for find, members in (
        (pool.FindServiceByName, ("methods_by_name",)),
        (pool.FindMessageTypeByName, ("fields_by_name", "oneofs_by_name")),
        (pool.FindEnumTypeByName, ("values_by_name",)),
    ):
        try:
            found = find(owner)
        except KeyError:
            continue
        return any(member in getattr(found, each) for each in members)
    return False
