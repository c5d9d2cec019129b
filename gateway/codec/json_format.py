"""The codec on google.protobuf's json_format, made as strict as the specification where it is not."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from protobuf import DescField, DescFieldValueMessage, DescFieldValueScalar, DescMessage, ScalarType

from gateway.codec.port import Encoder, RequestCodec
from gateway.diagnosis import NameCheck, locate
from gateway.plan import JsonValue
from gateway.plan.fields import element_message, elements, find

__all__ = ["JsonFormatCodec"]

_ERRORS = (ValueError, TypeError, OverflowError, RecursionError, json_format.Error)


class JsonFormatCodec:
    """Reads and writes with the types of one descriptor pool."""

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool

    def request(self, message: DescMessage) -> RequestCodec:
        return _Request(message, self._pool)

    def response(self, message: DescMessage, field: DescField | None) -> Encoder:
        read = GetMessageClass(self._pool.FindMessageTypeByName(message.type_name)).FromString
        if field is None:
            return lambda data: _dump(self._value(read(data)))
        name = field.name
        if isinstance(field.value, DescFieldValueMessage) and field.value.oneof is None:
            return lambda data: _dump(self._value(getattr(read(data), name)))
        return lambda data: _dump(self._value(read(data)).get(name))

    def _value(self, message: Any) -> Any:
        return json_format.MessageToDict(
            message,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
            descriptor_pool=self._pool,
        )


class _Request:
    def __init__(self, message: DescMessage, pool: DescriptorPool) -> None:
        self._message = message
        self._pool = pool
        self._names = NameCheck.of(message)

    def decode(self, value: JsonValue) -> Any:
        self._names.check(value)
        try:
            return self._parse(self._message, value)
        except _ERRORS:
            raise locate(self._message, value, self._accepts) from None

    def serialize(self, message: Any) -> bytes:
        data: bytes = message.SerializeToString()
        return data

    def _parse(self, message: DescMessage, value: JsonValue) -> Any:
        if not isinstance(value, dict):
            raise ValueError("not an object")
        _check_shape(message, value)
        found = GetMessageClass(self._pool.FindMessageTypeByName(message.type_name))()
        return json_format.ParseDict(value, found, descriptor_pool=self._pool)

    def _accepts(self, message: DescMessage, value: JsonValue) -> bool:
        try:
            self._parse(message, value)
        except _ERRORS:
            return False
        return True


def _check_shape(message: DescMessage, value: JsonValue) -> None:
    """Refuses what json_format lets through: an empty list for a message, and base64 with stray characters."""
    if not isinstance(value, dict):
        raise ValueError("not an object")
    for key, below in value.items():
        field = find(message, key)
        if field is None or below is None:
            continue
        _check_base64(field, below)
        nested = element_message(field)
        if nested is not None:
            for _, each in elements(field, below):
                _check_shape(nested, each)


def _check_base64(field: DescField, value: JsonValue) -> None:
    match field.value:
        case DescFieldValueScalar(scalar=ScalarType.BYTES) if isinstance(value, str):
            text = value.replace("-", "+").replace("_", "/")
            try:
                base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
            except binascii.Error as error:
                raise ValueError("not base64") from error


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
