"""Describes bodies: their media types, and the schema and example of each."""

from __future__ import annotations

import base64
from typing import Any

from google.protobuf.descriptor import Descriptor, MethodDescriptor

from gateway.compile.plan import Binding
from gateway.describe.openapi.logic import Schema
from gateway.describe.openapi.schemas import Schemas, Use
from gateway.describe.openapi.well_known import HTTP_BODY
from gateway.edge.streams.framing import EVENTS, FRAMINGS

__all__ = ["Contents"]

JSON = "application/json"
# The format is that of OpenAPI 3.0: without it generators take bytes for text.
_RAW: Schema = {
    "*/*": {"schema": {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}}
}
_TEXT = "Frames as the media type separates them; `x-itemSchema` is that of each."


class Contents:
    """Makes the `content` of requests and answers."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def request(self, binding: Binding, method: MethodDescriptor, identifier: str, example: Any) -> Schema:
        """Returns the content of a request body. `identifier` is that of the operation."""
        message = method.input_type
        bound = [variable.field_path for variable in binding.variables]
        if binding.body != "*":
            field = message.fields_by_name[binding.body]
            below = [path[1:] for path in bound if path[0] == field.name]
            if not below or field.message_type is None:
                if _is_raw(field.message_type):
                    return _raw(example)
                return _json(self._schemas.value(field, Use.REQUEST), example)
            message, bound = field.message_type, below
        if _is_raw(message):
            return _raw(example)
        return _json(self._schemas.body(message, identifier, bound), example)

    def answer(self, binding: Binding, method: MethodDescriptor, identifier: str, example: Any) -> Schema:
        """Returns the content of a good answer to an operation."""
        message: Descriptor = method.output_type
        field = message.fields_by_name[binding.response_field.name] if binding.response_field is not None else None
        if _is_raw(message if field is None else field.message_type):
            return _RAW
        schema = (
            self._schemas.value(field, Use.ANSWER) if field is not None else self._schemas.message(message, Use.ANSWER)
        )
        return self._stream(identifier, schema, example) if method.server_streaming else _json(schema, example)

    def _stream(self, identifier: str, schema: Schema, example: Any) -> Schema:
        frame = self._schemas.frame(identifier, schema)
        status = {"status": {"code": 0, "message": "", "details": []}}
        frames = [*([{"result": example}] if example is not None else []), status]
        content: Schema = {}
        for framing in FRAMINGS:
            media_type = framing.media_type.decode()
            if media_type == JSON:
                content[media_type] = {"schema": {"type": "array", "items": frame}, "example": frames}
            else:
                item = schema if framing is EVENTS else frame
                content[media_type] = {"schema": {"type": "string", "description": _TEXT}, "x-itemSchema": item}
        return content


def _is_raw(message: Descriptor | None) -> bool:
    return message is not None and message.full_name == HTTP_BODY


def _raw(example: Any) -> Schema:
    """Returns the content of a body of bytes. One whose example is text shows it."""
    try:
        text = base64.b64decode(example["data"], validate=True).decode()
    except (KeyError, TypeError, ValueError):
        return _RAW
    return {media_type: {**content, "example": text} for media_type, content in _RAW.items()}


def _json(schema: Schema, example: Any) -> Schema:
    return {JSON: {"schema": schema} | ({} if example is None else {"example": example})}
