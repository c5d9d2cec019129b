from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from rampart.fraud.v1 import event_type_pb2 as _event_type_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from rampart.mesh.v1 import preconditions_pb2 as _preconditions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateEventTypeRequest(_message.Message):
    __slots__ = ("event_type", "request_id")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    request_id: str
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateEventTypeResponse(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...

class GetEventTypeRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetEventTypeResponse(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...

class ListEventTypesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEventTypesResponse(_message.Message):
    __slots__ = ("event_types", "next_page_token")
    EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    event_types: _containers.RepeatedCompositeFieldContainer[_event_type_pb2.EventType]
    next_page_token: str
    def __init__(self, event_types: _Optional[_Iterable[_Union[_event_type_pb2.EventType, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateEventTypeRequest(_message.Message):
    __slots__ = ("event_type", "update_mask", "request_id", "preconditions")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class UpdateEventTypeResponse(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...
