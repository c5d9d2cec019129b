import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Alert(_message.Message):
    __slots__ = ("alert_id", "cause", "subject", "entity_kind", "entity", "state", "severity", "score", "count", "amounts", "first_time", "last_time", "case_id", "words", "reason", "changed_by", "etag", "create_time", "update_time", "transactions")
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    ENTITY_KIND_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_TIME_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    cause: str
    subject: str
    entity_kind: str
    entity: str
    state: str
    severity: str
    score: float
    count: int
    amounts: _containers.RepeatedCompositeFieldContainer[AlertAmount]
    first_time: _timestamp_pb2.Timestamp
    last_time: _timestamp_pb2.Timestamp
    case_id: str
    words: str
    reason: str
    changed_by: str
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    transactions: _containers.RepeatedCompositeFieldContainer[AlertTransaction]
    def __init__(self, alert_id: _Optional[str] = ..., cause: _Optional[str] = ..., subject: _Optional[str] = ..., entity_kind: _Optional[str] = ..., entity: _Optional[str] = ..., state: _Optional[str] = ..., severity: _Optional[str] = ..., score: _Optional[float] = ..., count: _Optional[int] = ..., amounts: _Optional[_Iterable[_Union[AlertAmount, _Mapping]]] = ..., first_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., case_id: _Optional[str] = ..., words: _Optional[str] = ..., reason: _Optional[str] = ..., changed_by: _Optional[str] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., transactions: _Optional[_Iterable[_Union[AlertTransaction, _Mapping]]] = ...) -> None: ...

class AlertAmount(_message.Message):
    __slots__ = ("currency", "amount")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount: float
    def __init__(self, currency: _Optional[str] = ..., amount: _Optional[float] = ...) -> None: ...

class AlertTransaction(_message.Message):
    __slots__ = ("transaction_id", "decision_id", "user_id", "card_fingerprint", "amount", "currency", "score", "outcome", "risk_factors", "event_time", "decide_time", "label", "label_known_time", "score_source")
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CARD_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RISK_FACTORS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    LABEL_KNOWN_TIME_FIELD_NUMBER: _ClassVar[int]
    SCORE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    decision_id: str
    user_id: str
    card_fingerprint: str
    amount: float
    currency: str
    score: float
    outcome: str
    risk_factors: _containers.RepeatedScalarFieldContainer[str]
    event_time: _timestamp_pb2.Timestamp
    decide_time: _timestamp_pb2.Timestamp
    label: str
    label_known_time: _timestamp_pb2.Timestamp
    score_source: str
    def __init__(self, transaction_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., user_id: _Optional[str] = ..., card_fingerprint: _Optional[str] = ..., amount: _Optional[float] = ..., currency: _Optional[str] = ..., score: _Optional[float] = ..., outcome: _Optional[str] = ..., risk_factors: _Optional[_Iterable[str]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., label: _Optional[str] = ..., label_known_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., score_source: _Optional[str] = ...) -> None: ...

class AlertSettings(_message.Message):
    __slots__ = ("threshold", "urgent_hours", "high_hours", "normal_hours", "low_hours", "etag")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    URGENT_HOURS_FIELD_NUMBER: _ClassVar[int]
    HIGH_HOURS_FIELD_NUMBER: _ClassVar[int]
    NORMAL_HOURS_FIELD_NUMBER: _ClassVar[int]
    LOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    urgent_hours: int
    high_hours: int
    normal_hours: int
    low_hours: int
    etag: str
    def __init__(self, threshold: _Optional[float] = ..., urgent_hours: _Optional[int] = ..., high_hours: _Optional[int] = ..., normal_hours: _Optional[int] = ..., low_hours: _Optional[int] = ..., etag: _Optional[str] = ...) -> None: ...
