import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DecisionEvent(_message.Message):
    __slots__ = ("tenant_id", "decision_id", "transaction_id", "user_id", "merchant_id", "amount_minor", "currency_digits", "currency", "channel", "outcome", "confidence_score", "event_time", "create_time", "event_type", "label", "risk_factors", "alert_rules", "card_fingerprint", "score_source", "alert")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_DIGITS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    RISK_FACTORS_FIELD_NUMBER: _ClassVar[int]
    ALERT_RULES_FIELD_NUMBER: _ClassVar[int]
    CARD_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    SCORE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    ALERT_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    decision_id: str
    transaction_id: str
    user_id: str
    merchant_id: str
    amount_minor: int
    currency_digits: int
    currency: str
    channel: str
    outcome: str
    confidence_score: float
    event_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    event_type: str
    label: LabelRecorded
    risk_factors: _containers.RepeatedScalarFieldContainer[str]
    alert_rules: _containers.RepeatedScalarFieldContainer[str]
    card_fingerprint: str
    score_source: str
    alert: AlertAsked
    def __init__(self, tenant_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., transaction_id: _Optional[str] = ..., user_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., amount_minor: _Optional[int] = ..., currency_digits: _Optional[int] = ..., currency: _Optional[str] = ..., channel: _Optional[str] = ..., outcome: _Optional[str] = ..., confidence_score: _Optional[float] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event_type: _Optional[str] = ..., label: _Optional[_Union[LabelRecorded, _Mapping]] = ..., risk_factors: _Optional[_Iterable[str]] = ..., alert_rules: _Optional[_Iterable[str]] = ..., card_fingerprint: _Optional[str] = ..., score_source: _Optional[str] = ..., alert: _Optional[_Union[AlertAsked, _Mapping]] = ...) -> None: ...

class LabelRecorded(_message.Message):
    __slots__ = ("label_id", "number", "label", "source", "known_time", "labelled_decision_id")
    LABEL_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    KNOWN_TIME_FIELD_NUMBER: _ClassVar[int]
    LABELLED_DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    label_id: str
    number: int
    label: str
    source: str
    known_time: _timestamp_pb2.Timestamp
    labelled_decision_id: str
    def __init__(self, label_id: _Optional[str] = ..., number: _Optional[int] = ..., label: _Optional[str] = ..., source: _Optional[str] = ..., known_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., labelled_decision_id: _Optional[str] = ...) -> None: ...

class AlertAsked(_message.Message):
    __slots__ = ("cause", "subject", "words")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    cause: str
    subject: str
    words: str
    def __init__(self, cause: _Optional[str] = ..., subject: _Optional[str] = ..., words: _Optional[str] = ...) -> None: ...

class OutboxPosition(_message.Message):
    __slots__ = ("xid", "seq")
    XID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    xid: int
    seq: int
    def __init__(self, xid: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class EventBatch(_message.Message):
    __slots__ = ("after", "last", "events", "cluster", "relay")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    RELAY_FIELD_NUMBER: _ClassVar[int]
    after: OutboxPosition
    last: OutboxPosition
    events: _containers.RepeatedScalarFieldContainer[bytes]
    cluster: str
    relay: str
    def __init__(self, after: _Optional[_Union[OutboxPosition, _Mapping]] = ..., last: _Optional[_Union[OutboxPosition, _Mapping]] = ..., events: _Optional[_Iterable[bytes]] = ..., cluster: _Optional[str] = ..., relay: _Optional[str] = ...) -> None: ...
