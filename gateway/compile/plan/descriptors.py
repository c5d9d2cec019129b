"""Loads descriptor sets: completes imports, orders files, normalises names."""

from __future__ import annotations

from collections.abc import Iterator

from buf.validate import validate_pb2
from google.api import annotations_pb2, client_pb2, field_behavior_pb2, httpbody_pb2, resource_pb2
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.rpc import error_details_pb2, status_pb2
from rampart.mesh.v1 import policy_pb2

__all__ = ["MissingImportError", "complete", "with_first_names_last"]

_KNOWN = {
    module.DESCRIPTOR.name: module.DESCRIPTOR
    for module in (
        annotations_pb2, any_pb2, client_pb2, descriptor_pb2, duration_pb2, empty_pb2, error_details_pb2,
        field_behavior_pb2, field_mask_pb2, httpbody_pb2, policy_pb2, resource_pb2, status_pb2, struct_pb2,
        timestamp_pb2, validate_pb2, wrappers_pb2,
    )
}  # fmt: skip
"""Files that sets made without `--include_imports` lack."""
_ALWAYS = (any_pb2.DESCRIPTOR.name, duration_pb2.DESCRIPTOR.name, error_details_pb2.DESCRIPTOR.name)
"""Files that the protos need not import, because their types travel in `google.rpc.Status.details`."""


class MissingImportError(Exception):
    """A file imports another that is nowhere to be found."""


def complete(files: FileDescriptorSet) -> FileDescriptorSet:
    """Returns the files with all that they import, every one after its imports. Raises MissingImportError."""
    given = {file.name: file for file in files.file}
    found: dict[str, FileDescriptorProto] = {}
    for name in [*given, *_ALWAYS]:
        _add(name, given, found, ())
    return FileDescriptorSet(file=found.values())


def _add(
    name: str, given: dict[str, FileDescriptorProto], found: dict[str, FileDescriptorProto], above: tuple[str, ...]
) -> None:
    if name in found:
        return
    if name in above:
        raise MissingImportError(f"{above[-1]} and {name} import each other")
    file = given.get(name) or _well_known(name)
    if file is None:
        raise MissingImportError(
            f"{above[-1]} imports {name}, which is not among the descriptors: make them with --include_imports"
        )
    for each in file.dependency:
        _add(each, given, found, (*above, name))
    found[name] = _with_json_names(file)


def _well_known(name: str) -> FileDescriptorProto | None:
    known = _KNOWN.get(name)
    if known is None:
        try:
            known = descriptor_pool.Default().FindFileByName(name)
        except KeyError:
            return None
    return FileDescriptorProto.FromString(known.serialized_pb)


def _with_json_names(file: FileDescriptorProto) -> FileDescriptorProto:
    """Adds the JSON names, which generated code and some tools leave out because they can be computed."""
    completed = FileDescriptorProto()
    completed.CopyFrom(file)
    for message in _messages(completed):
        for field in message.field:
            if not field.json_name:
                field.json_name = _json_name(field.name)
    return completed


def _json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def with_first_names_last(files: FileDescriptorSet) -> FileDescriptorSet:
    """Swaps the names of aliased enum values: ProtoJSON is written with the first one, protobuf-py takes the last."""
    swapped = FileDescriptorSet()
    swapped.CopyFrom(files)
    for file in swapped.file:
        enums = [*file.enum_type, *(enum for message in _messages(file) for enum in message.enum_type)]
        for enum in enums:
            if enum.options.allow_alias:
                _swap_aliases(enum)
    return swapped


def _swap_aliases(enum: EnumDescriptorProto) -> None:
    places: dict[int, list[int]] = {}
    for place, value in enumerate(enum.value):
        places.setdefault(value.number, []).append(place)
    for first, *more in places.values():
        if more:
            last = more[-1]
            enum.value[first].name, enum.value[last].name = enum.value[last].name, enum.value[first].name


def _messages(file: FileDescriptorProto) -> Iterator[DescriptorProto]:
    waiting = list(file.message_type)
    while waiting:
        message = waiting.pop()
        waiting += message.nested_type
        yield message
