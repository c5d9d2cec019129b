"""The codec on protobuf-py, whose JSON and binary code is native."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from protobuf import (
    DescField,
    DescFieldValueMessage,
    DescMessage,
    Registry,
    message_from_json_value,
    message_to_json_value,
)

from gateway.compile.codec.members import made_member
from gateway.compile.codec.port import EncodeError, Encoder, RequestCodec
from gateway.compile.codec.scrutiny import scrutiny
from gateway.compile.diagnosis import locate
from gateway.compile.plan import JsonValue
from gateway.compile.plan.fields import is_well_known, resolve

__all__ = ["ProtobufPyCodec"]

_ERRORS = (ValueError, TypeError, OverflowError, RecursionError)


class ProtobufPyCodec:
    """Reads and writes with the types of one registry, in names of the protos or of ProtoJSON.

    With `enum_numbers` enums are written as numbers. Either is read.
    """

    def __init__(self, registry: Registry, *, json_names: bool = False, enum_numbers: bool = False) -> None:
        self._registry = registry
        self._json_names = json_names
        self._enum_numbers = enum_numbers

    def request(self, message: DescMessage) -> RequestCodec:
        return _Request(message, self._registry)

    def response(self, message: DescMessage, field: DescField | None) -> Encoder:
        read = message.type.from_binary
        options: Any = {
            "registry": self._registry,
            "use_proto_field_name": not self._json_names,
            "always_emit_implicit": True,
            "print_enums_as_ints": self._enum_numbers,
        }
        if field is None:
            return _printed(message, lambda data: read(data).to_json(**options).encode())
        name = field.local_name
        if isinstance(field.value, DescFieldValueMessage) and field.value.oneof is None:
            kind = field.value.message
            # An ordinary message that is absent is shown with its defaults; a value of its own form is null.
            absent = b"null" if is_well_known(kind) else kind.type().to_json(**options).encode()

            def of_message(data: bytes) -> bytes:
                value = getattr(read(data), name)
                return absent if value is None else value.to_json(**options).encode()

            return _printed(message, of_message)
        key = field.json_name if self._json_names else field.name
        return _printed(message, lambda data: _member(message_to_json_value(read(data), **options), key))


def _printed(message: DescMessage, encode: Encoder) -> Encoder:
    def printed(data: bytes) -> bytes:
        try:
            return encode(data)
        except _ERRORS as error:
            raise EncodeError(message, error) from error

    return printed


class _Request:
    def __init__(self, message: DescMessage, registry: Registry) -> None:
        self._message = message
        self._type = message.type
        self._registry = registry
        self._scrutiny = scrutiny(message, registry)

    def decode(self, value: JsonValue) -> Any:
        if self._scrutiny is not None and not self._scrutiny.plain(value):
            value = self._scrutiny.explain(value, ())
        try:
            return message_from_json_value(self._type, value, registry=self._registry)
        except _ERRORS:
            raise locate(self._message, value, self._accepts) from None

    def set_mask(self, message: Any, field_path: Sequence[str], paths: Sequence[str]) -> None:
        for field in resolve(self._message, field_path):
            message = made_member(message, field)
        message.paths = [*paths]

    def set_http_body(self, message: Any, field: DescField | None, media_type: str, data: bytes) -> None:
        body = made_member(message, field) if field is not None else message
        body.content_type = media_type
        body.data = data

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
