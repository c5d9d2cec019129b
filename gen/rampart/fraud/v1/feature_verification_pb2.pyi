import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerificationProgress(_message.Message):
    __slots__ = ("done", "total", "message")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    message: str
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class FeatureDifference(_message.Message):
    __slots__ = ("decision_id", "transaction_id", "event_time", "feature", "stored", "recomputed", "cause", "lawful")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    RECOMPUTED_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    LAWFUL_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    transaction_id: str
    event_time: _timestamp_pb2.Timestamp
    feature: str
    stored: str
    recomputed: str
    cause: str
    lawful: bool
    def __init__(self, decision_id: _Optional[str] = ..., transaction_id: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., feature: _Optional[str] = ..., stored: _Optional[str] = ..., recomputed: _Optional[str] = ..., cause: _Optional[str] = ..., lawful: _Optional[bool] = ...) -> None: ...

class DifferenceCount(_message.Message):
    __slots__ = ("cause", "count")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    cause: str
    count: int
    def __init__(self, cause: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class VerificationSummary(_message.Message):
    __slots__ = ("since", "until", "decisions", "skipped", "values", "different", "causes", "unlawful", "unlisted")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    DIFFERENT_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    UNLAWFUL_FIELD_NUMBER: _ClassVar[int]
    UNLISTED_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    decisions: int
    skipped: int
    values: int
    different: int
    causes: _containers.RepeatedCompositeFieldContainer[DifferenceCount]
    unlawful: int
    unlisted: int
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decisions: _Optional[int] = ..., skipped: _Optional[int] = ..., values: _Optional[int] = ..., different: _Optional[int] = ..., causes: _Optional[_Iterable[_Union[DifferenceCount, _Mapping]]] = ..., unlawful: _Optional[int] = ..., unlisted: _Optional[int] = ...) -> None: ...
