"""The constraints of `buf.validate` in the words of JSON Schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions, MessageOptions

from meshkit.policy import field_policy

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

__all__ = ["FieldRules", "Schema", "conditions", "field_rules", "is_required", "keywords", "message_rules"]

Schema = dict[str, Any]
FieldRules = validate_pb2.FieldRules

# The generated type stub calls every extension a FieldDescriptor.
_FIELD = cast("_ExtensionFieldDescriptor[FieldOptions, FieldRules]", validate_pb2.field)
_MESSAGE = cast("_ExtensionFieldDescriptor[MessageOptions, validate_pb2.MessageRules]", validate_pb2.message)

_FORMATS: dict[str, Schema] = {
    "email": {"format": "email"},
    "hostname": {"format": "hostname"},
    "ip": {"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
    "ipv4": {"format": "ipv4"},
    "ipv6": {"format": "ipv6"},
    "uri": {"format": "uri"},
    "uri_ref": {"format": "uri-reference"},
    "uuid": {"format": "uuid"},
}
_LENGTHS = {"min_len": ["minLength"], "max_len": ["maxLength"], "len": ["minLength", "maxLength"]}
_BOUNDS = {"gt": "exclusiveMinimum", "gte": "minimum", "lt": "exclusiveMaximum", "lte": "maximum"}
_SIZES = {
    "min_items": "minItems",
    "max_items": "maxItems",
    "unique": "uniqueItems",
    "min_pairs": "minProperties",
    "max_pairs": "maxProperties",
}
_IN_STRINGS = {"int64", "uint64", "sint64", "fixed64", "sfixed64"}


def field_rules(field: FieldDescriptor) -> FieldRules:
    """Returns the rules of a field, empty if it has none."""
    return field.GetOptions().Extensions[_FIELD]


def message_rules(message: Descriptor) -> list[str]:
    """Returns the rules of a message as sentences that begin with the name of the field they are about."""
    rules = message.GetOptions().Extensions[_MESSAGE].cel
    unless = [(field.name, field_policy(field).required_unless) for field in message.fields]
    return [
        *(f"`{rule.id.partition('.')[0]}` {rule.message}" for rule in rules),
        *(f"`{name}` is required unless `{rule.field}` is {rule.value}" for name, rule in unless if rule.field),
    ]


def conditions(message: Descriptor) -> Schema:
    """Returns the keywords for fields that are required unless another field has a value."""
    needed: dict[tuple[str, str], list[str]] = {}
    for field in message.fields:
        rule = field_policy(field).required_unless
        if rule.field:
            needed.setdefault((rule.field, rule.value), []).append(field.name)
    each = [
        {"if": {"properties": {other: {"const": value}}, "required": [other]}, "else": {"required": names}}
        for (other, value), names in needed.items()
    ]
    return each[0] if len(each) == 1 else {"allOf": each} if each else {}


def keywords(rules: FieldRules) -> Schema:
    """Returns the keywords for the value of a field, or of one element where `rules` are those of the elements."""
    kind = rules.WhichOneof("type")
    if kind is None or rules.ignore == validate_pb2.IGNORE_ALWAYS:
        return {}
    of_kind: Any = getattr(rules, kind)
    if kind == "string":
        return _text(of_kind)
    if kind in ("repeated", "map"):
        return {word: getattr(of_kind, name) for name, word in _SIZES.items() if _has(of_kind, name)}
    if kind in _IN_STRINGS or not any(_has(of_kind, name) for name in _BOUNDS):
        return {}
    return {word: _number(getattr(of_kind, name)) for name, word in _BOUNDS.items() if _has(of_kind, name)}


def is_required(field: FieldDescriptor) -> bool:
    """Tells whether a request must set the field: it is marked so, or the value of an absent field breaks its rules."""
    rules = field_rules(field)
    if rules.required:
        return True
    if field.has_presence or rules.ignore != validate_pb2.IGNORE_UNSPECIFIED:
        return False
    words = keywords(rules)
    if rules.WhichOneof("type") == "string":
        return _refuses_empty(words)
    least = max(words.get("minItems", 0), words.get("minProperties", 0), words.get("minimum", 0))
    return bool(least > 0 or words.get("exclusiveMinimum", -1) >= 0)


def _text(rules: Any) -> Schema:
    words: Schema = {}
    for name, lengths in _LENGTHS.items():
        if _has(rules, name):
            words |= dict.fromkeys(lengths, getattr(rules, name))
    for name in ("pattern", "const"):
        if _has(rules, name):
            words[name] = getattr(rules, name)
    well_known = rules.WhichOneof("well_known")
    words |= _FORMATS.get(well_known, {}) if well_known else {}
    choices = list(getattr(rules, "in"))
    return words | {"enum": choices} if choices else words


def _refuses_empty(words: Schema) -> bool:
    return bool(
        words.get("minLength", 0) > 0
        or words.get("const")
        or ("enum" in words and "" not in words["enum"])
        or ("pattern" in words and not re.search(words["pattern"], ""))
        or "format" in words
        or "anyOf" in words
    )


def _has(rules: Any, name: str) -> bool:
    return name in rules.DESCRIPTOR.fields_by_name and rules.HasField(name)


def _number(value: float) -> float:
    return int(value) if value == int(value) else value
