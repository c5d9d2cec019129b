from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from rampart.fraud.v1 import value_list_pb2 as _value_list_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from rampart.mesh.v1 import preconditions_pb2 as _preconditions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateListRequest(_message.Message):
    __slots__ = ("list", "request_id")
    LIST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    request_id: str
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateListResponse(_message.Message):
    __slots__ = ("list",)
    LIST_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ...) -> None: ...

class GetListRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetListResponse(_message.Message):
    __slots__ = ("list",)
    LIST_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ...) -> None: ...

class ListListsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListListsResponse(_message.Message):
    __slots__ = ("lists", "next_page_token")
    LISTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    lists: _containers.RepeatedCompositeFieldContainer[_value_list_pb2.ValueList]
    next_page_token: str
    def __init__(self, lists: _Optional[_Iterable[_Union[_value_list_pb2.ValueList, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateListRequest(_message.Message):
    __slots__ = ("list", "update_mask", "request_id", "preconditions")
    LIST_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class UpdateListResponse(_message.Message):
    __slots__ = ("list",)
    LIST_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ...) -> None: ...

class DeleteListRequest(_message.Message):
    __slots__ = ("name", "etag", "request_id", "preconditions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class DeleteListResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AddEntriesRequest(_message.Message):
    __slots__ = ("name", "entries", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    entries: _containers.RepeatedCompositeFieldContainer[_value_list_pb2.ListEntry]
    request_id: str
    def __init__(self, name: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[_value_list_pb2.ListEntry, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class AddEntriesResponse(_message.Message):
    __slots__ = ("list", "added_count", "changed_count")
    LIST_FIELD_NUMBER: _ClassVar[int]
    ADDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    added_count: int
    changed_count: int
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ..., added_count: _Optional[int] = ..., changed_count: _Optional[int] = ...) -> None: ...

class RemoveEntriesRequest(_message.Message):
    __slots__ = ("name", "values", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RemoveEntriesResponse(_message.Message):
    __slots__ = ("list", "removed_count")
    LIST_FIELD_NUMBER: _ClassVar[int]
    REMOVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    removed_count: int
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ..., removed_count: _Optional[int] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("name", "value", "prefix", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ..., prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_value_list_pb2.ListEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[_value_list_pb2.ListEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ImportEntriesRequest(_message.Message):
    __slots__ = ("name", "body", "import_id", "first_row")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROW_FIELD_NUMBER: _ClassVar[int]
    name: str
    body: _httpbody_pb2.HttpBody
    import_id: str
    first_row: int
    def __init__(self, name: _Optional[str] = ..., body: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ..., import_id: _Optional[str] = ..., first_row: _Optional[int] = ...) -> None: ...

class ImportEntriesResponse(_message.Message):
    __slots__ = ("list", "rows", "entered_rows", "added_count", "changed_count")
    LIST_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ENTERED_ROWS_FIELD_NUMBER: _ClassVar[int]
    ADDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    rows: int
    entered_rows: int
    added_count: int
    changed_count: int
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ..., rows: _Optional[int] = ..., entered_rows: _Optional[int] = ..., added_count: _Optional[int] = ..., changed_count: _Optional[int] = ...) -> None: ...

class CommitImportRequest(_message.Message):
    __slots__ = ("name", "import_id", "rows")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    name: str
    import_id: str
    rows: int
    def __init__(self, name: _Optional[str] = ..., import_id: _Optional[str] = ..., rows: _Optional[int] = ...) -> None: ...

class CommitImportResponse(_message.Message):
    __slots__ = ("list", "rows", "entered_rows", "added_count", "changed_count")
    LIST_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ENTERED_ROWS_FIELD_NUMBER: _ClassVar[int]
    ADDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    list: _value_list_pb2.ValueList
    rows: int
    entered_rows: int
    added_count: int
    changed_count: int
    def __init__(self, list: _Optional[_Union[_value_list_pb2.ValueList, _Mapping]] = ..., rows: _Optional[int] = ..., entered_rows: _Optional[int] = ..., added_count: _Optional[int] = ..., changed_count: _Optional[int] = ...) -> None: ...
