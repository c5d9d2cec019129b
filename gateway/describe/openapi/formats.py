"""Translates the well-known string formats of `buf.validate` into JSON Schema."""

from __future__ import annotations

from buf.validate import validate_pb2

from gateway.describe.openapi.logic import Schema, any_of

__all__ = ["FORMATS", "WELL_KNOWN_REGEX"]

_IP: list[Schema] = [{"format": "ipv4"}, {"format": "ipv6"}]
_IDENT = "[A-Za-z_][A-Za-z_0-9]*"

FORMATS: dict[str, Schema] = {
    "address": any_of([{"format": "hostname"}, *_IP]),
    "email": {"format": "email"},
    "hostname": {"format": "hostname"},
    "ip": any_of(_IP),
    "ipv4": {"format": "ipv4"},
    "ipv6": {"format": "ipv6"},
    "ipv4_with_prefixlen": {"pattern": r"^[0-9.]{7,15}/[0-9]{1,2}$"},
    "ipv6_with_prefixlen": {"pattern": r"^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$"},
    "protobuf_dot_fqn": {"pattern": rf"^\.{_IDENT}(\.{_IDENT})*$"},
    "protobuf_fqn": {"pattern": rf"^{_IDENT}(\.{_IDENT})*$"},
    "tuuid": {"pattern": "^[0-9a-fA-F]{32}$"},
    "ulid": {"pattern": "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$"},
    "uri": {"format": "uri"},
    "uri_ref": {"format": "uri-reference"},
    "uuid": {"format": "uuid"},
}
"""By the name of the rule."""

WELL_KNOWN_REGEX = {
    validate_pb2.KNOWN_REGEX_HTTP_HEADER_NAME: r"^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$",
    validate_pb2.KNOWN_REGEX_HTTP_HEADER_VALUE: r"^[^\x00-\x08\x0a-\x1f\x7f]*$",
}
