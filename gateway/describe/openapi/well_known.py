"""Defines the schemas of types that ProtoJSON writes in their own form, and of third-party ones without comments."""

from __future__ import annotations

from gateway.describe.openapi.logic import Schema

__all__ = ["ANY", "HTTP_BODY", "STATUS", "WELL_KNOWN"]

ANY = "google.protobuf.Any"
HTTP_BODY = "google.api.HttpBody"
STATUS = "google.rpc.Status"

_DURATION = r"^-?[0-9]+(\.[0-9]{1,9})?s$"
_FIELD_PATH = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
_INTEGER_TEXT = r"^-?[0-9]+$"

WELL_KNOWN: dict[str, Schema] = {
    ANY: {
        "type": "object",
        "description": "An object of the type that its `@type` names (`google.protobuf.Any`).",
        "properties": {"@type": {"type": "string", "description": "Names the type of the other members."}},
        "required": ["@type"],
        "additionalProperties": True,
    },
    "google.protobuf.Duration": {"type": "string", "pattern": _DURATION, "examples": ["1.5s"]},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.FieldMask": {
        "type": "string",
        "pattern": rf"^({_FIELD_PATH}(,{_FIELD_PATH})*)?$",
        "description": "Paths of fields, separated by commas.",
    },
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Value": {},
    "google.protobuf.BoolValue": {"type": ["boolean", "null"]},
    "google.protobuf.BytesValue": {"type": ["string", "null"], "contentEncoding": "base64"},
    "google.protobuf.DoubleValue": {"type": ["number", "null"], "format": "double"},
    "google.protobuf.FloatValue": {"type": ["number", "null"], "format": "float"},
    "google.protobuf.Int32Value": {"type": ["integer", "null"], "format": "int32"},
    "google.protobuf.Int64Value": {"type": ["string", "null"], "format": "int64", "pattern": _INTEGER_TEXT},
    "google.protobuf.StringValue": {"type": ["string", "null"]},
    "google.protobuf.UInt32Value": {"type": ["integer", "null"], "format": "uint32", "minimum": 0},
    "google.protobuf.UInt64Value": {"type": ["string", "null"], "format": "uint64", "pattern": r"^[0-9]+$"},
    STATUS: {
        "type": "object",
        "description": "An error as it travels in the mesh (`google.rpc.Status`).",
        "properties": {
            "code": {"type": "integer", "format": "int32", "description": "Canonical code (`google.rpc.Code`)."},
            "message": {"type": "string", "description": "What is wrong, in words."},
            "details": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/TypedObject"},
                "description": "One `google.rpc.ErrorInfo` with the reason; further details by reason.",
            },
        },
        "required": ["code", "message", "details"],
    },
}
"""By full name."""
