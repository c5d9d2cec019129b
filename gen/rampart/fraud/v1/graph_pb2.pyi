import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GraphEntity(_message.Message):
    __slots__ = ("kind", "value", "depth", "is_hub", "degree", "component_size", "component_growth", "fraud_within_two_hops", "frauds", "fan_in", "fan_out", "most_repeats", "smallest_repeated", "cycles", "partial", "first_time", "last_time")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    IS_HUB_FIELD_NUMBER: _ClassVar[int]
    DEGREE_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_SIZE_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_GROWTH_FIELD_NUMBER: _ClassVar[int]
    FRAUD_WITHIN_TWO_HOPS_FIELD_NUMBER: _ClassVar[int]
    FRAUDS_FIELD_NUMBER: _ClassVar[int]
    FAN_IN_FIELD_NUMBER: _ClassVar[int]
    FAN_OUT_FIELD_NUMBER: _ClassVar[int]
    MOST_REPEATS_FIELD_NUMBER: _ClassVar[int]
    SMALLEST_REPEATED_FIELD_NUMBER: _ClassVar[int]
    CYCLES_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    value: str
    depth: int
    is_hub: bool
    degree: int
    component_size: int
    component_growth: int
    fraud_within_two_hops: int
    frauds: int
    fan_in: int
    fan_out: int
    most_repeats: int
    smallest_repeated: GraphAmount
    cycles: int
    partial: bool
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[str] = ..., value: _Optional[str] = ..., depth: _Optional[int] = ..., is_hub: _Optional[bool] = ..., degree: _Optional[int] = ..., component_size: _Optional[int] = ..., component_growth: _Optional[int] = ..., fraud_within_two_hops: _Optional[int] = ..., frauds: _Optional[int] = ..., fan_in: _Optional[int] = ..., fan_out: _Optional[int] = ..., most_repeats: _Optional[int] = ..., smallest_repeated: _Optional[_Union[GraphAmount, _Mapping]] = ..., cycles: _Optional[int] = ..., partial: _Optional[bool] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GraphAmount(_message.Message):
    __slots__ = ("amount", "currency")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    amount: float
    currency: str
    def __init__(self, amount: _Optional[float] = ..., currency: _Optional[str] = ...) -> None: ...

class GraphLink(_message.Message):
    __slots__ = ("source", "target", "is_transfer", "events", "total", "first_time", "last_time")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    IS_TRANSFER_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    source: int
    target: int
    is_transfer: bool
    events: int
    total: GraphAmount
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    def __init__(self, source: _Optional[int] = ..., target: _Optional[int] = ..., is_transfer: _Optional[bool] = ..., events: _Optional[int] = ..., total: _Optional[_Union[GraphAmount, _Mapping]] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
