"""Converts lists of values and their entries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.fraud.v1 import list_service_pb2 as pb
from rampart.fraud.v1 import value_list_pb2

from meshkit.named_requests import NamedRequest, named_request
from meshkit.preconditions import Preconditions
from meshkit.updates import Updates
from services.fraud.domain.value_lists.lists import (
    NEVER,
    EntryRequest,
    Imported,
    ListedType,
    ListKind,
    NewList,
    StoredEntry,
    ValueList,
    ends_of,
)

__all__ = [
    "ListChanging",
    "entry_from_proto",
    "entry_to_proto",
    "imported_to_proto",
    "list_admits_from_proto",
    "list_change_from_proto",
    "list_check_from_proto",
    "list_request_from_proto",
    "list_to_proto",
    "new_list_from_proto",
]

ListChanging: TypeAlias = (
    pb.CreateListRequest | pb.UpdateListRequest | pb.DeleteListRequest | pb.AddEntriesRequest | pb.RemoveEntriesRequest
)
"""Requests that may have a name."""
Imports = TypeVar("Imports", pb.ImportEntriesResponse, pb.CommitImportResponse)

_GIVEN = ("name", "kind", "field", "value_type", "description")
_LIST = Updates(
    "list",
    value_list_pb2.ValueList,
    identifier="name",
    mutable=["description"],
    fixed=["kind", "field", "value_type", "create_time"],
    unversioned=["entry_count", "revision"],
)


def list_request_from_proto(message: ListChanging) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none."""
    return named_request(message, _reduce)


def _reduce(content: ListChanging) -> None:
    if isinstance(content, pb.UpdateListRequest):
        _LIST.reduce(content.list, content.update_mask)
    elif isinstance(content, pb.CreateListRequest):
        content.list.CopyFrom(value_list_pb2.ValueList(**{name: getattr(content.list, name) for name in _GIVEN}))


def new_list_from_proto(message: value_list_pb2.ValueList) -> NewList:
    """Returns the list to create. What the service sets itself is not read."""
    return NewList(
        name=message.name,
        kind=ListKind(message.kind or ListKind.CUSTOM.value),
        field=message.field,
        type=ListedType(message.value_type) if message.value_type else None,
        description=message.description,
    )


def list_change_from_proto(message: value_list_pb2.ValueList, mask: FieldMask) -> str | None:
    """Returns the new description, None for none. Raises VALIDATION_FAILED for a mask that names no field of a list."""
    return message.description if _LIST.changes(message, mask) else None


def list_check_from_proto(message: value_list_pb2.ValueList, mask: FieldMask) -> Callable[[ValueList], None] | None:
    """Returns what compares a list with what an update says of it besides its change, None if it says nothing.

    What it returns raises VALIDATION_FAILED.
    """
    claims = _LIST.claims(message, mask)
    return (lambda known: _LIST.check(claims, message, list_to_proto(known))) if claims else None


def list_admits_from_proto(
    request: pb.UpdateListRequest | pb.DeleteListRequest, etag: str
) -> Callable[[ValueList], bool] | None:
    """Returns what tells which states a change is for, None for any. The quotes of the etag may be missing."""
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    named = f'"{etag.strip(chr(34))}"' if etag else ""
    if not (named or asked):
        return None
    return lambda known: named in ("", _etag(known.tag)) and asked.hold(_etag(known.tag))


def entry_from_proto(message: value_list_pb2.ListEntry) -> EntryRequest:
    end = message.expire_time.ToDatetime(UTC) if message.HasField("expire_time") else None
    return EntryRequest(message.value, ends_of(end), message.note)


def list_to_proto(known: ValueList) -> value_list_pb2.ValueList:
    message = value_list_pb2.ValueList(
        name=known.name,
        kind=known.kind.value,
        field=known.field,
        value_type=known.type.value,
        description=known.description,
        entry_count=known.entries,
        revision=known.changes,
        etag=_etag(known.tag),
    )
    message.create_time.FromDatetime(known.created_at)
    message.update_time.FromDatetime(known.updated_at)
    return message


def entry_to_proto(entry: StoredEntry) -> value_list_pb2.ListEntry:
    message = value_list_pb2.ListEntry(value=entry.value, note=entry.note, changed_by=entry.changed_by)
    message.change_time.FromDatetime(entry.changed_at)
    if entry.ends != NEVER:
        message.expire_time.FromDatetime(datetime.fromtimestamp(entry.ends, UTC))
    return message


def imported_to_proto(done: Imported, answer: type[Imports]) -> Imports:
    """Returns either answer about an import."""
    return answer(
        list=list_to_proto(done.list),
        rows=done.rows,
        entered_rows=done.entered,
        added_count=done.new,
        changed_count=done.changed,
    )


def _etag(tag: UUID) -> str:
    return f'"{tag.hex}"'
