import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from rampart.fraud.v1 import decision_pb2 as _decision_pb2
from rampart.fraud.v1 import event_pb2 as _event_pb2
from rampart.fraud.v1 import exchange_rate_pb2 as _exchange_rate_pb2
from rampart.fraud.v1 import explanation_pb2 as _explanation_pb2
from rampart.mesh.v1 import batch_pb2 as _batch_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from rampart.mesh.v1 import preconditions_pb2 as _preconditions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckFraudRequest(_message.Message):
    __slots__ = ("user_id", "transaction_amount", "device_fingerprint", "ip_address", "transaction_id", "event_time", "currency", "merchant_id", "card_fingerprint", "email", "channel", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CARD_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    transaction_amount: float
    device_fingerprint: str
    ip_address: str
    transaction_id: str
    event_time: _timestamp_pb2.Timestamp
    currency: str
    merchant_id: str
    card_fingerprint: str
    email: str
    channel: str
    attributes: _containers.ScalarMap[str, str]
    def __init__(self, user_id: _Optional[str] = ..., transaction_amount: _Optional[float] = ..., device_fingerprint: _Optional[str] = ..., ip_address: _Optional[str] = ..., transaction_id: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., currency: _Optional[str] = ..., merchant_id: _Optional[str] = ..., card_fingerprint: _Optional[str] = ..., email: _Optional[str] = ..., channel: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CheckFraudResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.Decision
    def __init__(self, decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ...) -> None: ...

class BatchCheckFraudRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CheckFraudRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[CheckFraudRequest, _Mapping]]] = ...) -> None: ...

class BatchCheckFraudResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchCheckFraudResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchCheckFraudResult, _Mapping]]] = ...) -> None: ...

class BatchCheckFraudResult(_message.Message):
    __slots__ = ("decision", "error")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.Decision
    error: _status_pb2.Status
    def __init__(self, decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class GetDecisionRequest(_message.Message):
    __slots__ = ("decision_id",)
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    def __init__(self, decision_id: _Optional[str] = ...) -> None: ...

class GetDecisionResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.Decision
    def __init__(self, decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ...) -> None: ...

class ExplainDecisionRequest(_message.Message):
    __slots__ = ("decision_id",)
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    def __init__(self, decision_id: _Optional[str] = ...) -> None: ...

class ExplainDecisionResponse(_message.Message):
    __slots__ = ("explanation",)
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    explanation: _explanation_pb2.DecisionExplanation
    def __init__(self, explanation: _Optional[_Union[_explanation_pb2.DecisionExplanation, _Mapping]] = ...) -> None: ...

class ReplayDecisionRequest(_message.Message):
    __slots__ = ("decision_id",)
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    def __init__(self, decision_id: _Optional[str] = ...) -> None: ...

class ReplayDecisionResponse(_message.Message):
    __slots__ = ("replay",)
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    replay: _explanation_pb2.DecisionReplay
    def __init__(self, replay: _Optional[_Union[_explanation_pb2.DecisionReplay, _Mapping]] = ...) -> None: ...

class ListDecisionsRequest(_message.Message):
    __slots__ = ("user_id", "outcome", "transaction_id", "page_size", "page_token")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    outcome: str
    transaction_id: str
    page_size: int
    page_token: str
    def __init__(self, user_id: _Optional[str] = ..., outcome: _Optional[str] = ..., transaction_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDecisionsResponse(_message.Message):
    __slots__ = ("decisions", "next_page_token")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[_decision_pb2.Decision]
    next_page_token: str
    def __init__(self, decisions: _Optional[_Iterable[_Union[_decision_pb2.Decision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchDecisionsRequest(_message.Message):
    __slots__ = ("outcomes", "user_id", "min_confidence_score", "after")
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedScalarFieldContainer[str]
    user_id: str
    min_confidence_score: float
    after: str
    def __init__(self, outcomes: _Optional[_Iterable[str]] = ..., user_id: _Optional[str] = ..., min_confidence_score: _Optional[float] = ..., after: _Optional[str] = ...) -> None: ...

class WatchDecisionsResponse(_message.Message):
    __slots__ = ("decision", "position")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.Decision
    position: str
    def __init__(self, decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ..., position: _Optional[str] = ...) -> None: ...

class CoalesceCheckFraudRequest(_message.Message):
    __slots__ = ("batch",)
    BATCH_FIELD_NUMBER: _ClassVar[int]
    batch: _batch_pb2.Batch
    def __init__(self, batch: _Optional[_Union[_batch_pb2.Batch, _Mapping]] = ...) -> None: ...

class CoalesceCheckFraudResponse(_message.Message):
    __slots__ = ("reply",)
    REPLY_FIELD_NUMBER: _ClassVar[int]
    reply: _batch_pb2.BatchReply
    def __init__(self, reply: _Optional[_Union[_batch_pb2.BatchReply, _Mapping]] = ...) -> None: ...

class CheckEventRequest(_message.Message):
    __slots__ = ("event_type", "fields", "transaction_id", "event_time")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    fields: _struct_pb2.Struct
    transaction_id: str
    event_time: _timestamp_pb2.Timestamp
    def __init__(self, event_type: _Optional[str] = ..., fields: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., transaction_id: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CheckEventResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: _decision_pb2.Decision
    def __init__(self, decision: _Optional[_Union[_decision_pb2.Decision, _Mapping]] = ...) -> None: ...

class CoalesceCheckEventRequest(_message.Message):
    __slots__ = ("batch",)
    BATCH_FIELD_NUMBER: _ClassVar[int]
    batch: _batch_pb2.Batch
    def __init__(self, batch: _Optional[_Union[_batch_pb2.Batch, _Mapping]] = ...) -> None: ...

class CoalesceCheckEventResponse(_message.Message):
    __slots__ = ("reply",)
    REPLY_FIELD_NUMBER: _ClassVar[int]
    reply: _batch_pb2.BatchReply
    def __init__(self, reply: _Optional[_Union[_batch_pb2.BatchReply, _Mapping]] = ...) -> None: ...

class GetExchangeRatesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetExchangeRatesResponse(_message.Message):
    __slots__ = ("rates", "etag")
    RATES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    rates: _containers.RepeatedCompositeFieldContainer[_exchange_rate_pb2.ExchangeRate]
    etag: str
    def __init__(self, rates: _Optional[_Iterable[_Union[_exchange_rate_pb2.ExchangeRate, _Mapping]]] = ..., etag: _Optional[str] = ...) -> None: ...

class ReplaceExchangeRatesRequest(_message.Message):
    __slots__ = ("rates", "etag", "preconditions")
    RATES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    rates: _containers.RepeatedCompositeFieldContainer[_exchange_rate_pb2.ExchangeRate]
    etag: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, rates: _Optional[_Iterable[_Union[_exchange_rate_pb2.ExchangeRate, _Mapping]]] = ..., etag: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class ReplaceExchangeRatesResponse(_message.Message):
    __slots__ = ("rates", "etag")
    RATES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    rates: _containers.RepeatedCompositeFieldContainer[_exchange_rate_pb2.ExchangeRate]
    etag: str
    def __init__(self, rates: _Optional[_Iterable[_Union[_exchange_rate_pb2.ExchangeRate, _Mapping]]] = ..., etag: _Optional[str] = ...) -> None: ...

class ReadEventsRequest(_message.Message):
    __slots__ = ("consumer", "after", "limit", "cluster", "event")
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    consumer: str
    after: _event_pb2.OutboxPosition
    limit: int
    cluster: str
    event: bytes
    def __init__(self, consumer: _Optional[str] = ..., after: _Optional[_Union[_event_pb2.OutboxPosition, _Mapping]] = ..., limit: _Optional[int] = ..., cluster: _Optional[str] = ..., event: _Optional[bytes] = ...) -> None: ...

class ReadEventsResponse(_message.Message):
    __slots__ = ("batch",)
    BATCH_FIELD_NUMBER: _ClassVar[int]
    batch: _event_pb2.EventBatch
    def __init__(self, batch: _Optional[_Union[_event_pb2.EventBatch, _Mapping]] = ...) -> None: ...

class ReadDecisionsRequest(_message.Message):
    __slots__ = ("after_tenant_id", "after_decision_id", "limit")
    AFTER_TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    after_tenant_id: str
    after_decision_id: str
    limit: int
    def __init__(self, after_tenant_id: _Optional[str] = ..., after_decision_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ReadDecisionsResponse(_message.Message):
    __slots__ = ("events", "last_tenant_id", "last_decision_id", "newest", "newest_event", "cluster")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    NEWEST_EVENT_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedScalarFieldContainer[bytes]
    last_tenant_id: str
    last_decision_id: str
    newest: _event_pb2.OutboxPosition
    newest_event: bytes
    cluster: str
    def __init__(self, events: _Optional[_Iterable[bytes]] = ..., last_tenant_id: _Optional[str] = ..., last_decision_id: _Optional[str] = ..., newest: _Optional[_Union[_event_pb2.OutboxPosition, _Mapping]] = ..., newest_event: _Optional[bytes] = ..., cluster: _Optional[str] = ...) -> None: ...
