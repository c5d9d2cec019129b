"""The codec on protobuf-py, whose JSON and binary code is native."""

from __future__ import annotations

import json
from typing import Any

from protobuf import (
    DescField,
    DescFieldValueMessage,
    DescMessage,
    Registry,
    message_from_json_value,
    message_to_json_value,
)

from gateway.codec.port import Encoder, RequestCodec
from gateway.diagnosis import NameCheck, locate
from gateway.plan import JsonValue

__all__ = ["ProtobufPyCodec"]

_ERRORS = (ValueError, TypeError, OverflowError, RecursionError)


class ProtobufPyCodec:
    """Reads and writes with the types of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def request(self, message: DescMessage) -> RequestCodec:
        return _Request(message, self._registry)

    def response(self, message: DescMessage, field: DescField | None) -> Encoder:
        read = message.type.from_binary
        options: Any = {"registry": self._registry, "use_proto_field_name": True, "always_emit_implicit": True}
        if field is None:
            return lambda data: read(data).to_json(**options).encode()
        name = field.local_name
        if isinstance(field.value, DescFieldValueMessage) and field.value.oneof is None:
            empty = field.value.message.type
            return lambda data: (getattr(read(data), name) or empty()).to_json(**options).encode()
        return lambda data: _member(message_to_json_value(read(data), **options), field.name)


class _Request:
    def __init__(self, message: DescMessage, registry: Registry) -> None:
        self._message = message
        self._type = message.type
        self._registry = registry
        self._names = NameCheck.of(message)

    def decode(self, value: JsonValue) -> Any:
        self._names.check(value)
        try:
            return message_from_json_value(self._type, value, registry=self._registry)
        except _ERRORS:
            raise locate(self._message, value, self._accepts) from None

    def serialize(self, message: Any) -> bytes:
        data: bytes = message.to_binary()
        return data

    def _accepts(self, message: DescMessage, value: JsonValue) -> bool:
        try:
            message_from_json_value(message.type, value, registry=self._registry)
        except _ERRORS:
            return False
        return True


def _member(value: Any, name: str) -> bytes:
    return json.dumps(value.get(name), ensure_ascii=False, separators=(",", ":")).encode()
