import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rampart.fraud.v1 import model_pb2 as _model_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QualityReport(_message.Message):
    __slots__ = ("report_id", "event_type", "since", "until", "as_of", "stored_before", "label_delay", "unlabelled", "group_by", "conditions", "entity_field", "review_capacity", "review_cost", "review_cost_currency", "mature_time", "state", "progress", "error", "created_by", "create_time", "finish_time", "result")
    REPORT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    STORED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    LABEL_DELAY_FIELD_NUMBER: _ClassVar[int]
    UNLABELLED_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_FIELD_NUMBER: _ClassVar[int]
    REVIEW_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    REVIEW_COST_FIELD_NUMBER: _ClassVar[int]
    REVIEW_COST_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    MATURE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    report_id: str
    event_type: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    as_of: _timestamp_pb2.Timestamp
    stored_before: _timestamp_pb2.Timestamp
    label_delay: _duration_pb2.Duration
    unlabelled: str
    group_by: _containers.RepeatedScalarFieldContainer[str]
    conditions: _containers.RepeatedCompositeFieldContainer[QualityCondition]
    entity_field: str
    review_capacity: int
    review_cost: float
    review_cost_currency: str
    mature_time: _timestamp_pb2.Timestamp
    state: str
    progress: QualityProgress
    error: str
    created_by: str
    create_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    result: QualityResult
    def __init__(self, report_id: _Optional[str] = ..., event_type: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., stored_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., label_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., unlabelled: _Optional[str] = ..., group_by: _Optional[_Iterable[str]] = ..., conditions: _Optional[_Iterable[_Union[QualityCondition, _Mapping]]] = ..., entity_field: _Optional[str] = ..., review_capacity: _Optional[int] = ..., review_cost: _Optional[float] = ..., review_cost_currency: _Optional[str] = ..., mature_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[str] = ..., progress: _Optional[_Union[QualityProgress, _Mapping]] = ..., error: _Optional[str] = ..., created_by: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., result: _Optional[_Union[QualityResult, _Mapping]] = ...) -> None: ...

class QualityCondition(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class QualityProgress(_message.Message):
    __slots__ = ("done", "total", "message")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    message: str
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class QualityResult(_message.Message):
    __slots__ = ("total", "breakdowns", "scores", "unread")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    BREAKDOWNS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    total: QualityGroup
    breakdowns: _containers.RepeatedCompositeFieldContainer[QualityBreakdown]
    scores: _containers.RepeatedCompositeFieldContainer[QualityScores]
    unread: int
    def __init__(self, total: _Optional[_Union[QualityGroup, _Mapping]] = ..., breakdowns: _Optional[_Iterable[_Union[QualityBreakdown, _Mapping]]] = ..., scores: _Optional[_Iterable[_Union[QualityScores, _Mapping]]] = ..., unread: _Optional[int] = ...) -> None: ...

class QualityBreakdown(_message.Message):
    __slots__ = ("name", "groups")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    name: str
    groups: _containers.RepeatedCompositeFieldContainer[QualityGroup]
    def __init__(self, name: _Optional[str] = ..., groups: _Optional[_Iterable[_Union[QualityGroup, _Mapping]]] = ...) -> None: ...

class QualityGroup(_message.Message):
    __slots__ = ("value", "others", "decisions", "mature", "fraud", "legitimate", "unlabelled", "immature", "outcomes", "declined", "flagged", "membership", "money", "alone", "review_costs", "scores")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    MATURE_FIELD_NUMBER: _ClassVar[int]
    FRAUD_FIELD_NUMBER: _ClassVar[int]
    LEGITIMATE_FIELD_NUMBER: _ClassVar[int]
    UNLABELLED_FIELD_NUMBER: _ClassVar[int]
    IMMATURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    DECLINED_FIELD_NUMBER: _ClassVar[int]
    FLAGGED_FIELD_NUMBER: _ClassVar[int]
    MEMBERSHIP_FIELD_NUMBER: _ClassVar[int]
    MONEY_FIELD_NUMBER: _ClassVar[int]
    ALONE_FIELD_NUMBER: _ClassVar[int]
    REVIEW_COSTS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    value: str
    others: bool
    decisions: int
    mature: int
    fraud: int
    legitimate: int
    unlabelled: int
    immature: int
    outcomes: _containers.RepeatedCompositeFieldContainer[QualityOutcome]
    declined: QualityRates
    flagged: QualityRates
    membership: QualityRates
    money: _containers.RepeatedCompositeFieldContainer[QualityMoney]
    alone: QualityCounts
    review_costs: str
    scores: QualityScores
    def __init__(self, value: _Optional[str] = ..., others: _Optional[bool] = ..., decisions: _Optional[int] = ..., mature: _Optional[int] = ..., fraud: _Optional[int] = ..., legitimate: _Optional[int] = ..., unlabelled: _Optional[int] = ..., immature: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[QualityOutcome, _Mapping]]] = ..., declined: _Optional[_Union[QualityRates, _Mapping]] = ..., flagged: _Optional[_Union[QualityRates, _Mapping]] = ..., membership: _Optional[_Union[QualityRates, _Mapping]] = ..., money: _Optional[_Iterable[_Union[QualityMoney, _Mapping]]] = ..., alone: _Optional[_Union[QualityCounts, _Mapping]] = ..., review_costs: _Optional[str] = ..., scores: _Optional[_Union[QualityScores, _Mapping]] = ...) -> None: ...

class QualityCounts(_message.Message):
    __slots__ = ("fraud", "legitimate", "unlabelled", "immature")
    FRAUD_FIELD_NUMBER: _ClassVar[int]
    LEGITIMATE_FIELD_NUMBER: _ClassVar[int]
    UNLABELLED_FIELD_NUMBER: _ClassVar[int]
    IMMATURE_FIELD_NUMBER: _ClassVar[int]
    fraud: int
    legitimate: int
    unlabelled: int
    immature: int
    def __init__(self, fraud: _Optional[int] = ..., legitimate: _Optional[int] = ..., unlabelled: _Optional[int] = ..., immature: _Optional[int] = ...) -> None: ...

class QualityOutcome(_message.Message):
    __slots__ = ("outcome", "fraud", "legitimate", "unlabelled", "immature")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FRAUD_FIELD_NUMBER: _ClassVar[int]
    LEGITIMATE_FIELD_NUMBER: _ClassVar[int]
    UNLABELLED_FIELD_NUMBER: _ClassVar[int]
    IMMATURE_FIELD_NUMBER: _ClassVar[int]
    outcome: str
    fraud: int
    legitimate: int
    unlabelled: int
    immature: int
    def __init__(self, outcome: _Optional[str] = ..., fraud: _Optional[int] = ..., legitimate: _Optional[int] = ..., unlabelled: _Optional[int] = ..., immature: _Optional[int] = ...) -> None: ...

class QualityRates(_message.Message):
    __slots__ = ("precision", "recall")
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    precision: QualityRate
    recall: QualityRate
    def __init__(self, precision: _Optional[_Union[QualityRate, _Mapping]] = ..., recall: _Optional[_Union[QualityRate, _Mapping]] = ...) -> None: ...

class QualityRate(_message.Message):
    __slots__ = ("share", "hits", "of", "low", "high")
    SHARE_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    share: float
    hits: int
    of: int
    low: float
    high: float
    def __init__(self, share: _Optional[float] = ..., hits: _Optional[int] = ..., of: _Optional[int] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class QualityMoney(_message.Message):
    __slots__ = ("currency", "decided", "fraud_declined", "fraud_reviewed", "fraud_approved", "good_declined", "good_reviewed", "unlabelled_declined", "immature_declined", "immature")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_FIELD_NUMBER: _ClassVar[int]
    FRAUD_DECLINED_FIELD_NUMBER: _ClassVar[int]
    FRAUD_REVIEWED_FIELD_NUMBER: _ClassVar[int]
    FRAUD_APPROVED_FIELD_NUMBER: _ClassVar[int]
    GOOD_DECLINED_FIELD_NUMBER: _ClassVar[int]
    GOOD_REVIEWED_FIELD_NUMBER: _ClassVar[int]
    UNLABELLED_DECLINED_FIELD_NUMBER: _ClassVar[int]
    IMMATURE_DECLINED_FIELD_NUMBER: _ClassVar[int]
    IMMATURE_FIELD_NUMBER: _ClassVar[int]
    currency: str
    decided: str
    fraud_declined: str
    fraud_reviewed: str
    fraud_approved: str
    good_declined: str
    good_reviewed: str
    unlabelled_declined: str
    immature_declined: str
    immature: str
    def __init__(self, currency: _Optional[str] = ..., decided: _Optional[str] = ..., fraud_declined: _Optional[str] = ..., fraud_reviewed: _Optional[str] = ..., fraud_approved: _Optional[str] = ..., good_declined: _Optional[str] = ..., good_reviewed: _Optional[str] = ..., unlabelled_declined: _Optional[str] = ..., immature_declined: _Optional[str] = ..., immature: _Optional[str] = ...) -> None: ...

class QualityScores(_message.Message):
    __slots__ = ("model", "known", "fraud", "auc_roc", "average_precision", "calibration_error", "thresholds", "reliability", "entity_precision", "entity_days", "entity_days_left_out")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    FRAUD_FIELD_NUMBER: _ClassVar[int]
    AUC_ROC_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRECISION_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_ERROR_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    RELIABILITY_FIELD_NUMBER: _ClassVar[int]
    ENTITY_PRECISION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_DAYS_FIELD_NUMBER: _ClassVar[int]
    ENTITY_DAYS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    model: str
    known: int
    fraud: int
    auc_roc: float
    average_precision: float
    calibration_error: float
    thresholds: _containers.RepeatedCompositeFieldContainer[_model_pb2.ModelThreshold]
    reliability: _containers.RepeatedCompositeFieldContainer[_model_pb2.ReliabilityBin]
    entity_precision: float
    entity_days: int
    entity_days_left_out: int
    def __init__(self, model: _Optional[str] = ..., known: _Optional[int] = ..., fraud: _Optional[int] = ..., auc_roc: _Optional[float] = ..., average_precision: _Optional[float] = ..., calibration_error: _Optional[float] = ..., thresholds: _Optional[_Iterable[_Union[_model_pb2.ModelThreshold, _Mapping]]] = ..., reliability: _Optional[_Iterable[_Union[_model_pb2.ReliabilityBin, _Mapping]]] = ..., entity_precision: _Optional[float] = ..., entity_days: _Optional[int] = ..., entity_days_left_out: _Optional[int] = ...) -> None: ...
