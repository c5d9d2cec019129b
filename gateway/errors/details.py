"""Reads the typed details of an error as ProtoJSON, as far as their types are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import any_pb2
from protobuf import Registry, message_to_json_value, wkt

__all__ = ["DetailError", "Details"]

Json = dict[str, Any]

_WITHHELD = "google.rpc.DebugInfo"
_ERRORS = (ValueError, TypeError, OverflowError, RecursionError)


class DetailError(ValueError):
    """A detail is not a message of the type that it names."""


class Details:
    """Reads details with the types of one registry. Fields have the names of the proto, or those of ProtoJSON."""

    def __init__(self, registry: Registry, *, json_names: bool = False) -> None:
        self._registry = registry
        self._proto_names = not json_names

    def read(self, details: Iterable[any_pb2.Any]) -> list[Json]:
        """Returns each detail as an object with its `@type`. Raises DetailError.

        Details of unknown types are left out, for nobody can tell what they disclose, and so is `DebugInfo`, which
        says what a caller must not know.
        """
        found = (self._read(detail) for detail in details)
        return [detail for detail in found if detail is not None]

    def _read(self, detail: any_pb2.Any) -> Json | None:
        name = detail.type_url.rpartition("/")[2]
        message = self._registry.message(name)
        if message is None or name == _WITHHELD:
            return None
        try:
            message.type.from_binary(detail.value)
        except _ERRORS:
            raise DetailError(f"a detail is no {name}") from None
        packed = wkt.Any(type_url=detail.type_url, value=detail.value)
        try:
            value: Any = message_to_json_value(
                packed, registry=self._registry, use_proto_field_name=self._proto_names, always_emit_implicit=True
            )
        except _ERRORS:
            # It holds a value of a type that is not known.
            return None
        return value if isinstance(value, dict) else None
