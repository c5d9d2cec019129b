"""Translates the constraints of `buf.validate` into JSON Schema, as far as it has words for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions

from gateway.describe.openapi.formats import FORMATS, WELL_KNOWN_REGEX
from gateway.describe.openapi.logic import Schema, any_of, merged
from meshkit.patterns import in_words, refused_set

if TYPE_CHECKING:
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

__all__ = ["FieldRules", "Schema", "field_rules", "field_sentences", "is_required", "keywords", "or_null", "or_zero"]

FieldRules = validate_pb2.FieldRules

# The generated type stub calls every extension a FieldDescriptor.
_FIELD = cast("_ExtensionFieldDescriptor[FieldOptions, FieldRules]", validate_pb2.field)

_LENGTHS = {"min_len": ["minLength"], "max_len": ["maxLength"], "len": ["minLength", "maxLength"]}
# A character has at least one byte, so a limit of bytes limits the characters too.
_BYTE_LENGTHS = {"max_bytes": ["maxLength"], "len_bytes": ["maxLength"]}
_LOWER = {"gt": "exclusiveMinimum", "gte": "minimum"}
_UPPER = {"lt": "exclusiveMaximum", "lte": "maximum"}
_SIZES = {
    "min_items": "minItems",
    "max_items": "maxItems",
    "unique": "uniqueItems",
    "min_pairs": "minProperties",
    "max_pairs": "maxProperties",
}
_PATTERN_FORMATS: dict[str, Schema] = {"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": {"format": "date"}}
_EMPTY_FORMAT = "uri-reference"
_IN_STRINGS = {"int64", "uint64", "sint64", "fixed64", "sfixed64"}
_OWN_FORM = {"any", "duration", "field_mask", "timestamp", "bytes"}
_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|/]")


def field_rules(field: FieldDescriptor) -> FieldRules:
    """Returns the rules of a field, empty if it has none."""
    return field.GetOptions().Extensions[_FIELD]


def field_sentences(field: FieldDescriptor) -> list[str]:
    """Returns what JSON Schema cannot say, or not to people: CEL rules, patterns, bounds of 64-bit integers."""
    rules = field_rules(field)
    told = [rule.message or f"`{rule.expression}`" for rule in rules.cel]
    kind = rules.WhichOneof("type")
    if kind == "string":
        told.append(in_words(rules.string.pattern))
    if kind in _IN_STRINGS:
        told += _bounds_in_words(getattr(rules, kind))
    return [f"{text[0].upper()}{text[1:].removesuffix('.')}." for text in told if text]


def keywords(rules: FieldRules, names: Mapping[int, str] | None = None) -> Schema:
    """Returns the keywords for the value of a field, or of one element where `rules` are those of the elements.

    `names` are those of an enum's values by number.
    """
    kind = rules.WhichOneof("type")
    if kind is None or rules.ignore == validate_pb2.IGNORE_ALWAYS or kind in _OWN_FORM:
        return {}
    of_kind: Any = getattr(rules, kind)
    match kind:
        case "string":
            return _text(of_kind) | _examples(of_kind)
        case "repeated" | "map":
            return {word: getattr(of_kind, name) for name, word in _SIZES.items() if _has(of_kind, name)}
        case "enum":
            return _choices(of_kind, (names or {}).get)
        case "bool":
            return {"const": of_kind.const} if _has(of_kind, "const") else {}
    write = str if kind in _IN_STRINGS else _number
    bounds = {} if kind in _IN_STRINGS else _bounds(of_kind)
    return merged(bounds, _choices(of_kind, write)) | _examples(of_kind, write)


def or_zero(words: Schema, zero: object) -> Schema:
    """Returns keywords that take the zero value besides, for rules that let it pass."""
    shown: Schema = {word: words[word] for word in ("examples", "maxLength") if word in words}
    choices = words.get("enum", [words["const"]] if "const" in words else [])
    rest = {word: value for word, value in words.items() if word not in (*shown, "enum", "const")}
    if choices:
        shown["enum"] = [zero, *(value for value in choices if value != zero)]
    return (any_of([{"const": zero}, rest]) if rest else {}) | shown


def or_null(schema: Schema) -> Schema:
    """Returns a schema that takes null besides, with which a request may say that a field is absent."""
    kind = schema.get("type")
    if isinstance(kind, str):
        choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
        wider = {word: value for word, value in schema.items() if word != "const"} | {"type": [kind, "null"]}
        return wider | {"enum": [*choices, None]} if choices else wider
    if not schema or isinstance(kind, list):
        return schema
    told = {name: schema[name] for name in ("description", "readOnly", "writeOnly", "deprecated") if name in schema}
    rest = {name: value for name, value in schema.items() if name not in told}
    return {"anyOf": [rest, {"type": "null"}]} | told


def is_required(field: FieldDescriptor) -> bool:
    """Tells whether a request must set the field: it is marked so, or the value of an absent field breaks its rules."""
    rules = field_rules(field)
    if rules.required:
        return True
    if field.has_presence or rules.ignore != validate_pb2.IGNORE_UNSPECIFIED:
        return False
    words = keywords(rules)
    if rules.WhichOneof("type") == "string":
        return not _takes_empty(words)
    least = max(words.get("minItems", 0), words.get("minProperties", 0), words.get("minimum", 0))
    return bool(least > 0 or words.get("exclusiveMinimum", -1) >= 0)


def _text(rules: Any) -> Schema:
    words: Schema = {}
    for name, lengths in (_BYTE_LENGTHS | _LENGTHS).items():
        if _has(rules, name):
            words |= dict.fromkeys(lengths, getattr(rules, name))
    well_known = rules.WhichOneof("well_known")
    banned = [{"not": {"pattern": _quoted(rules.not_contains)}}] if _has(rules, "not_contains") else []
    return merged(
        words, *_patterns(rules), FORMATS.get(well_known, {}) if well_known else {}, *banned, _choices(rules, str)
    )


def _patterns(rules: Any) -> Iterable[Schema]:
    if _has(rules, "pattern"):
        yield _pattern(rules.pattern)
    if _has(rules, "prefix"):
        yield {"pattern": f"^{_quoted(rules.prefix)}"}
    if _has(rules, "suffix"):
        yield {"pattern": f"{_quoted(rules.suffix)}$"}
    if _has(rules, "contains"):
        yield {"pattern": _quoted(rules.contains)}
    if rules.WhichOneof("well_known") == "well_known_regex":
        yield {"pattern": WELL_KNOWN_REGEX[rules.well_known_regex]}


def _pattern(pattern: str) -> Schema:
    """Returns the keywords for a pattern. What a text must not hold is told as that: it is no form of a text."""
    refused = refused_set(pattern)
    if refused is None:
        return {"pattern": pattern} | _PATTERN_FORMATS.get(pattern, {})
    characters, or_empty = refused
    return ({"minLength": 1} if or_empty else {}) | {"not": {"pattern": characters}}


def _quoted(text: str) -> str:
    # Other than re.escape, which escapes what an ECMAScript expression may not have escaped.
    return _SPECIAL.sub(r"\\\g<0>", text)


def _choices(rules: Any, write: Any) -> Schema:
    words: Schema = {"const": write(rules.const)} if _has(rules, "const") else {}
    allowed, banned = ([write(value) for value in getattr(rules, name)] for name in ("in", "not_in"))
    return words | ({"enum": allowed} if allowed else {}) | ({"not": {"enum": banned}} if banned else {})


def _bounds(rules: Any) -> Schema:
    low = {word: _number(getattr(rules, name)) for name, word in _LOWER.items() if _has(rules, name)}
    high = {word: _number(getattr(rules, name)) for name, word in _UPPER.items() if _has(rules, name)}
    if low and high and next(iter(low.values())) > next(iter(high.values())):
        # Bounds that leave no room between them mean the values outside.
        return any_of([low, high])
    return low | high


def _bounds_in_words(rules: Any) -> list[str]:
    words = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most"}
    return [f"{word} {getattr(rules, name)}" for name, word in words.items() if _has(rules, name)]


def _examples(rules: Any, write: Any = str) -> Schema:
    return {"examples": [write(value) for value in rules.example]} if rules.example else {}


def _takes_empty(words: Schema) -> bool:
    """Tells whether keywords for a string take the empty one."""
    branch = words.get("then" if "if" in words and _takes_empty(words["if"]) else "else", {})
    return not (
        words.get("minLength", 0) > 0
        or words.get("const")
        or ("enum" in words and "" not in words["enum"])
        or ("pattern" in words and not re.search(words["pattern"], ""))
        or words.get("format", _EMPTY_FORMAT) != _EMPTY_FORMAT
        or ("not" in words and _takes_empty(words["not"]))
        or (branch and not _takes_empty(branch))
    )


def _has(rules: Any, name: str) -> bool:
    return name in rules.DESCRIPTOR.fields_by_name and rules.HasField(name)


def _number(value: float) -> float:
    return int(value) if value == int(value) else value
