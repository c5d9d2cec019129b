"""The codec on google.protobuf's json_format, made as strict as the specification where it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError as WireError
from google.protobuf.message_factory import GetMessageClass
from protobuf import (
    DescField,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    Registry,
    ScalarType,
)

from gateway.compile.codec.port import EncodeError, Encoder, RequestCodec
from gateway.compile.codec.scrutiny import scrutiny
from gateway.compile.diagnosis import locate
from gateway.compile.plan import JsonValue
from gateway.compile.plan.fields import element_message, elements, find, is_well_known

__all__ = ["JsonFormatCodec"]

_BASE64 = re.compile("(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}")
_TIMESTAMP = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:[.][0-9]{1,9})?"
    "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_TEXTS: dict[object, re.Pattern[str]] = {
    ScalarType.BYTES: _BASE64,
    "google.protobuf.BytesValue": _BASE64,
    "google.protobuf.Timestamp": _TIMESTAMP,
}
_ERRORS = (ValueError, TypeError, OverflowError, RecursionError, WireError, json_format.Error)


class JsonFormatCodec:
    """Reads and writes with the types of one descriptor pool, in names of the protos or of ProtoJSON."""

    def __init__(self, pool: DescriptorPool, registry: Registry | None = None, *, json_names: bool = False) -> None:
        """`registry` holds the same types: without it nobody looks at what is in an `Any` before it is read."""
        self._pool = pool
        self._registry = registry
        self._json_names = json_names

    def request(self, message: DescMessage) -> RequestCodec:
        return _Request(message, self._pool, self._registry)

    def response(self, message: DescMessage, field: DescField | None) -> Encoder:
        read = GetMessageClass(self._pool.FindMessageTypeByName(message.type_name)).FromString
        if field is None:
            return self._printed(message, lambda data: self._value(read(data)))
        name = field.name
        if isinstance(field.value, DescFieldValueMessage) and field.value.oneof is None:
            own_form = is_well_known(field.value.message)

            def of_message(data: bytes) -> Any:
                found = read(data)
                return None if own_form and not found.HasField(name) else self._value(getattr(found, name))

            return self._printed(message, of_message)
        key = field.json_name if self._json_names else name
        return self._printed(message, lambda data: self._value(read(data)).get(key))

    @staticmethod
    def _printed(message: DescMessage, value: Callable[[bytes], Any]) -> Encoder:
        def printed(data: bytes) -> bytes:
            try:
                return _dump(value(data))
            except _ERRORS as error:
                raise EncodeError(message, error) from error

        return printed

    def _value(self, message: Any) -> Any:
        return json_format.MessageToDict(
            message,
            preserving_proto_field_name=not self._json_names,
            always_print_fields_with_no_presence=True,
            descriptor_pool=self._pool,
        )


class _Request:
    def __init__(self, message: DescMessage, pool: DescriptorPool, registry: Registry | None) -> None:
        self._message = message
        self._pool = pool
        self._scrutiny = scrutiny(message, registry)

    def decode(self, value: JsonValue) -> Any:
        if self._scrutiny is not None and not self._scrutiny.plain(value):
            value = self._scrutiny.explain(value, ())
        try:
            return self._parse(self._message, value)
        except _ERRORS:
            raise locate(self._message, value, self._accepts) from None

    def set_mask(self, message: Any, field_path: Sequence[str], paths: Sequence[str]) -> None:
        for name in field_path:
            message = getattr(message, name)
        message.paths[:] = paths
        message.SetInParent()

    def set_http_body(self, message: Any, field: DescField | None, media_type: str, data: bytes) -> None:
        body = getattr(message, field.name) if field is not None else message
        body.content_type = media_type
        body.data = data
        body.SetInParent()

    def serialize(self, message: Any) -> bytes:
        data: bytes = message.SerializeToString()
        return data

    def _parse(self, message: DescMessage, value: JsonValue) -> Any:
        if not is_well_known(message) or not message.fields:
            _check_shape(message, value)
        found = GetMessageClass(self._pool.FindMessageTypeByName(message.type_name))()
        any_json: Any = value
        return json_format.ParseDict(any_json, found, descriptor_pool=self._pool)

    def _accepts(self, message: DescMessage, value: JsonValue) -> bool:
        try:
            self._parse(message, value)
        except _ERRORS:
            return False
        return True


def _check_shape(message: DescMessage, value: JsonValue) -> None:
    """Refuses what json_format lets through: an empty list for a message, times and base64 that are none.

    It knows no null for a list of `Value`, which is as good as no list: that is taken out.
    """
    if not isinstance(value, dict):
        raise ValueError("not an object")
    for key, below in list(value.items()):
        field = find(message, key)
        if field is None:
            continue
        if below is None and isinstance(field.value, DescFieldValueList):
            del value[key]
            continue
        _check_texts(field, below)
        nested = element_message(field)
        if nested is not None and below is not None:
            for _, each in elements(field, below):
                _check_shape(nested, each)


def _check_texts(field: DescField, value: JsonValue) -> None:
    test = _TEXTS.get(_kind(field))
    if test is None:
        return
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
        if isinstance(each, str) and not test.fullmatch(each):
            raise ValueError("not such a text")


def _kind(field: DescField) -> object:
    """Returns what a field, or each of its elements, is: a scalar type or the name of a message type."""
    kind: object = None
    match field.value:
        case DescFieldValueScalar(scalar=kind) | DescFieldValueMessage(message=kind):
            pass
        case DescFieldValueList(element=kind) | DescFieldValueMap(value=kind):
            pass
    return kind.type_name if isinstance(kind, DescMessage) else kind


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
