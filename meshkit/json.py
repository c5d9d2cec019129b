"""Parses JSON strictly (RFC 8259, I-JSON): nothing that two parsers could read differently."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

__all__ = ["MAX_DEPTH", "JsonError", "JsonValue", "parse"]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

MAX_DEPTH = 32

_STRING = re.compile(rb'"(?:[^"\\]|\\.?)*"?', re.DOTALL)
"""Also one that does not end: where nothing can fail, nothing is tried again from the next of many quotes."""
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class JsonError(ValueError):
    """The text is not acceptable JSON. The message says why, without showing the text."""


def parse(text: bytes) -> JsonValue:
    """Parses a text. Beyond RFC 8259: at most MAX_DEPTH levels, no name twice in an object, no half surrogate."""
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _too_deep(text):
        raise JsonError(f"is nested more than {MAX_DEPTH} levels deep")
    try:
        value: JsonValue = _DECODER.decode(text.decode())
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError(f"is not valid JSON: {_words(error)}") from None
    except UnicodeDecodeError:
        raise JsonError("is not valid UTF-8") from None
    except UnicodeEncodeError:
        raise JsonError("holds half of a surrogate pair") from None
    except (ValueError, RecursionError):
        raise JsonError("is not valid JSON") from None
    return value


def _too_deep(text: bytes) -> bool:
    """Takes away the innermost brackets level by level; what is left after MAX_DEPTH rounds is too deep."""
    brackets = _STRING.sub(b"", text).translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonError("names a member twice")
    return members


def _constant(_: str) -> NoReturn:
    raise JsonError("holds NaN or Infinity, which JSON does not have")


def _words(error: json.JSONDecodeError) -> str:
    return f"{error.msg[:1].lower()}{error.msg[1:]} (line {error.lineno}, column {error.colno})"


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
