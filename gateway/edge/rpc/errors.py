"""Converts errors into those of Connect and gRPC-Web."""

from __future__ import annotations

from connectrpc.code import Code
from connectrpc.errors import ConnectError, ErrorDetail
from protobuf import wkt

from meshkit.errors import Kind, MeshError, to_status

__all__ = ["connect_error"]

_CODES = {kind: Code[kind.name if kind is not Kind.CANCELLED else "CANCELED"] for kind in Kind}


def connect_error(error: MeshError) -> ConnectError:
    """Returns the error with its typed details; DebugInfo is withheld."""
    details = [
        ErrorDetail(wkt.Any(type_url=detail.type_url, value=detail.value))
        for detail in to_status(error).details
        if not detail.type_url.endswith("/google.rpc.DebugInfo")
    ]
    return ConnectError(_CODES[error.kind], error.message, details)
