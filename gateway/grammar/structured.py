"""Reads and writes structured fields (RFC 9651), as far as the edge has any: Strings and Byte Sequences."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote_to_bytes

__all__ = ["StructuredFieldError", "read_bytes", "read_string", "string_item"]

_STRING = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BYTES = re.compile(rb":([A-Za-z0-9+/]*=*):")
_KEY = re.compile(rb"; *[a-z*][a-z0-9_.*-]*")
_BARE_ITEM = re.compile(
    rb"""
      "(?:[ !\#-\[\]-~]|\\["\\])*"                    # String, section 3.3.3
    | -?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})       # Decimal and Integer, 3.3.2 and 3.3.1
    | [A-Za-z*][!\#$%&'*+.^_`|~0-9A-Za-z:/-]*         # Token, 3.3.4
    | :(?P<bytes>[A-Za-z0-9+/]*)=*:                   # Byte Sequence, 3.3.5
    | \?[01]                                          # Boolean, 3.3.6
    | @-?[0-9]{1,15}                                  # Date, 3.3.7
    | %"(?P<words>(?:[ !\#-$&-~]|%[0-9a-f]{2})*)"     # Display String, 3.3.8
    """,
    re.VERBOSE,
)


class StructuredFieldError(ValueError):
    """A field is no Item of the type that it must have."""


def read_string(field: bytes) -> str:
    """Returns the String of an Item (section 4.2.3). Its parameters must be well-formed; nothing is made of them.

    Raises StructuredFieldError.
    """
    found = _STRING.match(field.strip(b" "))
    if found is None:
        raise StructuredFieldError("is no String")
    _check_parameters(field.strip(b" "), found.end())
    return re.sub(rb"\\(.)", rb"\1", found[1]).decode("ascii")


def read_bytes(field: bytes) -> bytes:
    """Returns the Byte Sequence of an Item (section 4.2.7), as `read_string` does a String. Padding may be left out.

    Raises StructuredFieldError.
    """
    found = _BYTES.match(field.strip(b" "))
    if found is None:
        raise StructuredFieldError("is no Byte Sequence")
    _check_parameters(field.strip(b" "), found.end())
    try:
        return _decoded(found[1].rstrip(b"="))
    except ValueError:
        raise StructuredFieldError("is no Byte Sequence") from None


def _decoded(encoded: bytes) -> bytes:
    """Decodes base64 without its padding (section 4.2.7). Raises ValueError."""
    return base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)


def _check_parameters(field: bytes, at: int) -> None:
    """Reads parameters to the end of a field (section 4.2.3.2)."""
    while at < len(field):
        key = _KEY.match(field, at)
        if key is None:
            raise StructuredFieldError("has a parameter without a key")
        at = key.end()
        if field[at : at + 1] == b"=":
            value = _BARE_ITEM.match(field, at + 1)
            if value is None or not _decodes(value):
                raise StructuredFieldError("has a parameter without a value after its equals sign")
            at = value.end()


def _decodes(value: re.Match[bytes]) -> bool:
    """Tells whether what a Byte Sequence or a Display String encodes is there."""
    try:
        if value["bytes"] is not None:
            _decoded(value["bytes"])
        unquote_to_bytes(value["words"] or b"").decode()
    except ValueError:
        return False
    return True


def string_item(text: str) -> str:
    """Serialises a String (section 4.1.6). Raises ValueError for what it cannot hold."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"a structured field's String holds visible ASCII and spaces only, not {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
