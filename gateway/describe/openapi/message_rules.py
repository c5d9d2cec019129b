"""Translates the rules between fields of a message into JSON Schema, and into sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, OneofDescriptor
from google.protobuf.descriptor_pb2 import MessageOptions, OneofOptions

from gateway.describe.openapi.logic import Schema, all_of, merged
from meshkit.identity.policy import field_policy

if TYPE_CHECKING:
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

__all__ = ["conditions", "groups", "message_sentences"]

# The generated type stub calls every extension a FieldDescriptor.
_MESSAGE = cast("_ExtensionFieldDescriptor[MessageOptions, validate_pb2.MessageRules]", validate_pb2.message)
_ONEOF = cast("_ExtensionFieldDescriptor[OneofOptions, validate_pb2.OneofRules]", validate_pb2.oneof)


def message_sentences(message: Descriptor) -> list[str]:
    """Returns the rules of a message as sentences that begin with the name of the field they are about."""
    rules = message.GetOptions().Extensions[_MESSAGE].cel
    unless = [(field.name, field_policy(field).required_unless) for field in message.fields]
    return [
        *(f"`{rule.id.partition('.')[0]}` {rule.message}" for rule in rules if rule.message),
        *(f"`{name}` is required unless `{rule.field}` is {rule.value}" for name, rule in unless if rule.field),
    ]


def conditions(message: Descriptor, bound: Collection[str] = ()) -> Schema:
    """Returns the keywords for rules between fields; `bound` are fields that are not in the schema."""
    return merged(*_required_unless(message), *_groups(message, bound))


def groups(message: Descriptor) -> Iterator[tuple[str, list[str], bool]]:
    """Yields the groups of which one field may be set: full name, names of the fields, whether one must be set."""
    for oneof in message.oneofs:
        # An optional field stands in a oneof of its own, which nobody wrote.
        if len(oneof.fields) > 1 or _is_required(oneof):
            yield f"{message.full_name}.{oneof.name}", [field.name for field in oneof.fields], _is_required(oneof)
    for rule in message.GetOptions().Extensions[_MESSAGE].oneof:
        yield "", list(rule.fields), rule.required


def _is_required(oneof: OneofDescriptor) -> bool:
    return bool(oneof.GetOptions().Extensions[_ONEOF].required)


def _required_unless(message: Descriptor) -> Iterable[Schema]:
    needed: dict[tuple[str, str], list[str]] = {}
    for field in message.fields:
        rule = field_policy(field).required_unless
        if rule.field:
            needed.setdefault((rule.field, rule.value), []).append(field.name)
    return [
        {
            "if": _having({other: {"const": value}}),
            "else": _having({name: {"type": "string", "minLength": 1} for name in names}),
        }
        for (other, value), names in needed.items()
    ]


def _groups(message: Descriptor, bound: Collection[str]) -> Iterator[Schema]:
    for _, names, required in groups(message):
        if not bound:
            yield _one_of(names, required, whole=len(names) == len(message.fields))


def _one_of(names: Sequence[str], required: bool, whole: bool) -> Schema:
    if whole:
        return {"maxProperties": 1} | ({"minProperties": 1} if required else {})
    each = [_having({name: {"not": {"type": "null"}}}) for name in names]
    return all_of([{"oneOf": each if required else [*each, {"not": {"anyOf": each}}]}])


def _having(fields: Schema) -> Schema:
    """Returns a schema for objects that have these fields, and maybe others: validators may be strict with silence."""
    return {"required": list(fields), "properties": fields, "additionalProperties": True}
