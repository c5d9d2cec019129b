from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchLane(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BATCH_LANE_UNSPECIFIED: _ClassVar[BatchLane]
    BATCH_LANE_PROMPT: _ClassVar[BatchLane]
    BATCH_LANE_APART: _ClassVar[BatchLane]
BATCH_LANE_UNSPECIFIED: BatchLane
BATCH_LANE_PROMPT: BatchLane
BATCH_LANE_APART: BatchLane

class Batch(_message.Message):
    __slots__ = ("tokens", "items", "lane")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[str]
    items: _containers.RepeatedCompositeFieldContainer[BatchItem]
    lane: BatchLane
    def __init__(self, tokens: _Optional[_Iterable[str]] = ..., items: _Optional[_Iterable[_Union[BatchItem, _Mapping]]] = ..., lane: _Optional[_Union[BatchLane, str]] = ...) -> None: ...

class BatchItem(_message.Message):
    __slots__ = ("request", "token", "timeout_ms", "traceparent", "request_id", "tracestate")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACESTATE_FIELD_NUMBER: _ClassVar[int]
    request: bytes
    token: int
    timeout_ms: int
    traceparent: str
    request_id: str
    tracestate: str
    def __init__(self, request: _Optional[bytes] = ..., token: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., traceparent: _Optional[str] = ..., request_id: _Optional[str] = ..., tracestate: _Optional[str] = ...) -> None: ...

class BatchReply(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchResult, _Mapping]]] = ...) -> None: ...

class BatchResult(_message.Message):
    __slots__ = ("response", "status", "apart")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    APART_FIELD_NUMBER: _ClassVar[int]
    response: bytes
    status: _status_pb2.Status
    apart: bool
    def __init__(self, response: _Optional[bytes] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., apart: _Optional[bool] = ...) -> None: ...

class BatchRequestShape(_message.Message):
    __slots__ = ("batch",)
    BATCH_FIELD_NUMBER: _ClassVar[int]
    batch: Batch
    def __init__(self, batch: _Optional[_Union[Batch, _Mapping]] = ...) -> None: ...

class BatchResponseShape(_message.Message):
    __slots__ = ("reply",)
    REPLY_FIELD_NUMBER: _ClassVar[int]
    reply: BatchReply
    def __init__(self, reply: _Optional[_Union[BatchReply, _Mapping]] = ...) -> None: ...
