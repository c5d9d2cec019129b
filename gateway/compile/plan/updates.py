"""What an update changes: the mask of a request, and the resource in it that the mask is about (AIP-134, AIP-161)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from google.api import field_behavior_pb2
from protobuf import DescField, DescFieldValueMessage, DescMessage, Registry

from gateway.compile.plan.fields import JsonValue, behaviors, element_message, is_field_mask
from gateway.compile.plan.masks import infer, is_lacking, is_speakable, resolve_paths
from gateway.errors.places import malformed

__all__ = ["UpdateMask", "update_mask"]

ETAG = "etag"
UPDATE_MASK = "update_mask"
_NO_CHANGE = {field_behavior_pb2.OUTPUT_ONLY, field_behavior_pb2.IDENTIFIER}


@dataclass(frozen=True, slots=True, eq=False)
class UpdateMask:
    """The FieldMask of a request that says which fields of a resource in it are to change."""

    field: DescField
    resource: DescField
    """The message field of the request that the paths are about."""
    message: DescMessage
    """Its type."""
    inferred: bool
    """True if the keys of the body stand for the mask that a caller does not give."""
    left_out: frozenset[DescField]
    """Fields that a caller who sends back what it has read does not mean to change: what only the service sets
    (AIP-203), and the etag, which says of which state the change is (AIP-154)."""

    def implied(self, resource: JsonValue, bound: Collection[tuple[str, ...]]) -> list[str]:
        """Returns the paths that the keys of a resource stand for, without those that the path binds."""
        found = infer(self.message, resource, left_out=self.left_out)
        return [".".join(path) for path in found if path not in bound]

    def check(self, paths: Collection[str], request: Mapping[str, JsonValue], place: str, name: str) -> None:
        """Compares a mask that the caller gives, in names of the proto, with what the request holds of the resource.

        Raises MeshError for a field that would be emptied without a word of it, and for a path that some form of a
        FieldMask cannot hold: the service could not answer with it.
        """
        resource = _member(request, self.resource)
        for path in paths:
            if not is_speakable(self.message, path):
                raise malformed(place, name, "names an entry by a key that no mask can hold: name the whole field")
            if is_lacking(self.message, {} if resource is None else resource, path):
                shown = path if path.isascii() and len(path) <= 64 else "a field"
                raise malformed(place, name, f"names {shown}, which the body does not hold: null clears a field")

    def check_body(self, request: Mapping[str, JsonValue]) -> None:
        """Does so for a request whose body is the whole of it, the mask included."""
        text = _member(request, self.field)
        if isinstance(text, str) and text:
            self.check(resolve_paths(self.message, [*text.split(",")]), request, "body", f"/{self.field.name}")


def update_mask(
    message: DescMessage, http_method: str, body: str, body_field: DescField | None, registry: Registry
) -> UpdateMask | None:
    """Finds the mask of a request and its resource; None if the request has none, or more than one could be meant.

    Of several masks it is the one with the name that AIP-134 gives it. Except of PATCH only such a one counts: other
    methods may have masks that say what to read.
    """
    masks = [field for field in message.fields if is_field_mask(field)]
    named = [field for field in masks if field.name == UPDATE_MASK]
    found = named or (masks if http_method == "PATCH" else [])
    resources = [body_field] if body_field is not None else list(message.fields) if body == "*" else []
    resources = [field for field in resources if _is_resource(field)]
    if len(found) != 1 or len(resources) != 1:
        return None
    assert isinstance(resources[0].value, DescFieldValueMessage)
    kind = resources[0].value.message
    left_out = frozenset(_no_changes(kind, registry, frozenset()))
    inferred = http_method == "PATCH" and body_field is not None
    return UpdateMask(found[0], resources[0], kind, inferred, left_out)


def _is_resource(field: DescField) -> bool:
    return isinstance(field.value, DescFieldValueMessage) and element_message(field) is not None


def _no_changes(message: DescMessage, registry: Registry, above: frozenset[str]) -> Iterator[DescField]:
    for field in message.fields:
        nested = element_message(field) if isinstance(field.value, DescFieldValueMessage) else None
        if _NO_CHANGE & set(behaviors(field, registry)) or (not above and field.name == ETAG):
            yield field
        elif nested is not None and nested.type_name not in above:
            yield from _no_changes(nested, registry, above | {message.type_name})


def _member(request: Mapping[str, JsonValue], field: DescField) -> JsonValue:
    return next((request[name] for name in (field.name, field.json_name) if name in request), None)
