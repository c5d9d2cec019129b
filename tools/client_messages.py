"""Generates the messages of `clients/python`: what callers may use of the contract, without third-party options."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

# What no public method names: the details of errors, and the documented reasons.
DETAILS = [status_pb2.Status, error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo, error_details_pb2.BadRequest]
REASONS = "rampart/mesh/v1/error_reason.proto"
FILE_MESSAGES = FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
FILE_ENUMS = FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER


def reachable(roots: Iterable[Descriptor]) -> set[str]:
    """Returns the full names of the messages that the roots are made of, themselves included."""
    names: set[str] = set()
    waiting = list(roots)
    while waiting:
        message = waiting.pop()
        if message.full_name not in names:
            names.add(message.full_name)
            waiting.extend(field.message_type for field in message.fields if field.message_type)
    return names


def client_files(files: FileDescriptorSet, roots: Iterable[Descriptor]) -> tuple[FileDescriptorSet, list[str]]:
    """Reduces the definitions to what the roots need.

    Returns the reduced set with every import, and the names of the files to generate.
    """
    keep = reachable([*roots, *(message.DESCRIPTOR for message in DETAILS)])
    details = FileDescriptorProto.FromString(error_details_pb2.DESCRIPTOR.serialized_pb)
    reduced = [file if is_well_known(file.name) else reduce_file(file, keep) for file in [*files.file, details]]
    kept = {file.name: file for file in reduced if file.message_type or file.name == REASONS}
    for file in kept.values():
        dependencies = [name for name in file.dependency if name in kept]
        file.ClearField("dependency")
        file.dependency.extend(dependencies)
        if not file.source_code_info.location:
            # The compiler of the messages insists on comments, if only on an empty place.
            file.source_code_info.location.add(span=[0, 0, 0])
    wanted = [name for name in kept if not is_well_known(name)]
    return FileDescriptorSet(file=kept.values()), wanted


def is_well_known(name: str) -> bool:
    return PurePosixPath(name).is_relative_to("google/protobuf")


def reduce_file(file: FileDescriptorProto, keep: set[str]) -> FileDescriptorProto:
    """Copies a file without services, extensions, custom options and the messages that are not kept."""
    reduced = FileDescriptorProto(name=file.name, package=file.package, syntax=file.syntax)
    reduced.dependency.extend(file.dependency)
    if file.name == REASONS:
        reduced.enum_type.extend(file.enum_type)
    places: dict[int, int] = {}
    for index, message in enumerate(file.message_type):
        if f"{file.package}.{message.name}" in keep:
            places[index] = len(reduced.message_type)
            reduced.message_type.append(message)
    for message in reduced.message_type:
        strip_options(message)
    keep_comments(file, reduced, places)
    return reduced


def strip_options(message: DescriptorProto) -> None:
    """Clears the options of a message and its fields, except the mark of a map entry."""
    is_map_entry = message.options.map_entry
    message.ClearField("options")
    if is_map_entry:
        message.options.map_entry = True
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        strip_options(nested)


def keep_comments(file: FileDescriptorProto, reduced: FileDescriptorProto, places: dict[int, int]) -> None:
    """Copies the comments of what was kept; a comment's path names a message by its place in the file."""
    for location in file.source_code_info.location:
        path = list(location.path)
        if len(path) < 2 or path[0] not in (FILE_MESSAGES, FILE_ENUMS):
            continue
        if path[0] == FILE_MESSAGES:
            if path[1] not in places:
                continue
            path[1] = places[path[1]]
        copy = descriptor_pb2.SourceCodeInfo.Location()
        copy.CopyFrom(location)
        copy.path[:] = path
        reduced.source_code_info.location.append(copy)
