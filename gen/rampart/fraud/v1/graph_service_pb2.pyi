import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rampart.fraud.v1 import graph_pb2 as _graph_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetNeighbourhoodRequest(_message.Message):
    __slots__ = ("kind", "value", "depth", "max_nodes")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    MAX_NODES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    value: str
    depth: int
    max_nodes: int
    def __init__(self, kind: _Optional[str] = ..., value: _Optional[str] = ..., depth: _Optional[int] = ..., max_nodes: _Optional[int] = ...) -> None: ...

class GetNeighbourhoodResponse(_message.Message):
    __slots__ = ("entities", "links", "partial", "as_of")
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    entities: _containers.RepeatedCompositeFieldContainer[_graph_pb2.GraphEntity]
    links: _containers.RepeatedCompositeFieldContainer[_graph_pb2.GraphLink]
    partial: bool
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, entities: _Optional[_Iterable[_Union[_graph_pb2.GraphEntity, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[_graph_pb2.GraphLink, _Mapping]]] = ..., partial: _Optional[bool] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchGetGraphEntitiesRequest(_message.Message):
    __slots__ = ("kind", "values")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    kind: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchGetGraphEntitiesResponse(_message.Message):
    __slots__ = ("entities", "as_of")
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    entities: _containers.RepeatedCompositeFieldContainer[FoundGraphEntity]
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, entities: _Optional[_Iterable[_Union[FoundGraphEntity, _Mapping]]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FoundGraphEntity(_message.Message):
    __slots__ = ("index", "entity")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    index: int
    entity: _graph_pb2.GraphEntity
    def __init__(self, index: _Optional[int] = ..., entity: _Optional[_Union[_graph_pb2.GraphEntity, _Mapping]] = ...) -> None: ...
