"""Describes bodies: their media types, and the schema and example of each."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, MethodDescriptor

from gateway.compile.plan import Binding
from gateway.describe.openapi.constraints import Schema
from gateway.describe.openapi.schemas import Schemas, Use
from gateway.describe.openapi.well_known import HTTP_BODY
from gateway.edge.streams.framing import EVENTS, FRAMINGS

__all__ = ["Contents"]

JSON = "application/json"
_RAW: Schema = {"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}
_TEXT = "Frames as the media type separates them; `x-itemSchema` is that of each."


class Contents:
    """Makes the `content` of requests and answers."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def request(self, binding: Binding, method: MethodDescriptor, example: Any) -> Schema:
        """Returns the content of a request body."""
        message = method.input_type
        bound = [variable.field_path for variable in binding.variables]
        if binding.body != "*":
            field = message.fields_by_name[binding.body]
            below = [path[1:] for path in bound if path[0] == field.name]
            if not below or field.message_type is None:
                if _is_raw(field.message_type):
                    return _RAW
                return _json(self._schemas.value(field, Use.REQUEST), example)
            message, bound = field.message_type, below
        if _is_raw(message):
            return _RAW
        return _json(self._schemas.body(message, f"{method.name}Body", bound), example)

    def answer(self, binding: Binding, method: MethodDescriptor, example: Any) -> Schema:
        """Returns the content of a good answer."""
        message: Descriptor = method.output_type
        field = message.fields_by_name[binding.response_field.name] if binding.response_field is not None else None
        if _is_raw(message if field is None else field.message_type):
            return _RAW
        schema = (
            self._schemas.value(field, Use.ANSWER) if field is not None else self._schemas.message(message, Use.ANSWER)
        )
        return self._stream(method, schema, example) if method.server_streaming else _json(schema, example)

    def _stream(self, method: MethodDescriptor, schema: Schema, example: Any) -> Schema:
        name = f"{method.name}Frame"
        self._schemas.components[name] = _frame(schema)
        frame = {"$ref": f"#/components/schemas/{name}"}
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


def _frame(schema: Schema) -> Schema:
    return {
        "type": "object",
        "description": "One frame of the stream: a message, or the status that ends the stream. Code 0 is success.",
        "properties": {"result": schema, "status": {"$ref": "#/components/schemas/Status"}},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _is_raw(message: Descriptor | None) -> bool:
    return message is not None and message.full_name == HTTP_BODY


def _json(schema: Schema, example: Any) -> Schema:
    return {JSON: {"schema": schema} | ({} if example is None else {"example": example})}
