import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Backtest(_message.Message):
    __slots__ = ("backtest_id", "scenario_id", "version", "event_type", "since", "until", "values", "state", "progress", "error", "created_by", "create_time", "finish_time", "result")
    BACKTEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    backtest_id: str
    scenario_id: str
    version: int
    event_type: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    values: str
    state: str
    progress: BacktestProgress
    error: str
    created_by: str
    create_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    result: BacktestResult
    def __init__(self, backtest_id: _Optional[str] = ..., scenario_id: _Optional[str] = ..., version: _Optional[int] = ..., event_type: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., values: _Optional[str] = ..., state: _Optional[str] = ..., progress: _Optional[_Union[BacktestProgress, _Mapping]] = ..., error: _Optional[str] = ..., created_by: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., result: _Optional[_Union[BacktestResult, _Mapping]] = ...) -> None: ...

class BacktestProgress(_message.Message):
    __slots__ = ("done", "total", "message")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    message: str
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class BacktestResult(_message.Message):
    __slots__ = ("decisions", "unreadable", "outcomes", "rules", "money", "affected", "examples")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    MONEY_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    decisions: int
    unreadable: int
    outcomes: _containers.RepeatedCompositeFieldContainer[BacktestOutcome]
    rules: _containers.RepeatedCompositeFieldContainer[BacktestRule]
    money: _containers.RepeatedCompositeFieldContainer[BacktestMoney]
    affected: _containers.RepeatedCompositeFieldContainer[BacktestAffected]
    examples: _containers.RepeatedCompositeFieldContainer[BacktestExample]
    def __init__(self, decisions: _Optional[int] = ..., unreadable: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[BacktestOutcome, _Mapping]]] = ..., rules: _Optional[_Iterable[_Union[BacktestRule, _Mapping]]] = ..., money: _Optional[_Iterable[_Union[BacktestMoney, _Mapping]]] = ..., affected: _Optional[_Iterable[_Union[BacktestAffected, _Mapping]]] = ..., examples: _Optional[_Iterable[_Union[BacktestExample, _Mapping]]] = ...) -> None: ...

class BacktestOutcome(_message.Message):
    __slots__ = ("before", "after", "decisions")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    before: str
    after: str
    decisions: int
    def __init__(self, before: _Optional[str] = ..., after: _Optional[str] = ..., decisions: _Optional[int] = ...) -> None: ...

class BacktestRule(_message.Message):
    __slots__ = ("code", "rule_id", "before", "after", "alone", "errors", "not_enough_data")
    CODE_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    ALONE_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    NOT_ENOUGH_DATA_FIELD_NUMBER: _ClassVar[int]
    code: str
    rule_id: str
    before: int
    after: int
    alone: int
    errors: int
    not_enough_data: int
    def __init__(self, code: _Optional[str] = ..., rule_id: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ..., alone: _Optional[int] = ..., errors: _Optional[int] = ..., not_enough_data: _Optional[int] = ...) -> None: ...

class BacktestMoney(_message.Message):
    __slots__ = ("currency", "declined_before", "declined_after", "newly_declined", "newly_approved")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    DECLINED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    DECLINED_AFTER_FIELD_NUMBER: _ClassVar[int]
    NEWLY_DECLINED_FIELD_NUMBER: _ClassVar[int]
    NEWLY_APPROVED_FIELD_NUMBER: _ClassVar[int]
    currency: str
    declined_before: str
    declined_after: str
    newly_declined: str
    newly_approved: str
    def __init__(self, currency: _Optional[str] = ..., declined_before: _Optional[str] = ..., declined_after: _Optional[str] = ..., newly_declined: _Optional[str] = ..., newly_approved: _Optional[str] = ...) -> None: ...

class BacktestAffected(_message.Message):
    __slots__ = ("field", "outcome", "values", "more")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    field: str
    outcome: str
    values: int
    more: bool
    def __init__(self, field: _Optional[str] = ..., outcome: _Optional[str] = ..., values: _Optional[int] = ..., more: _Optional[bool] = ...) -> None: ...

class BacktestExample(_message.Message):
    __slots__ = ("decision_id", "transaction_id", "before", "after", "score_before", "score_after", "rules_gone", "rules_new", "event_time")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SCORE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SCORE_AFTER_FIELD_NUMBER: _ClassVar[int]
    RULES_GONE_FIELD_NUMBER: _ClassVar[int]
    RULES_NEW_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    transaction_id: str
    before: str
    after: str
    score_before: float
    score_after: float
    rules_gone: _containers.RepeatedScalarFieldContainer[str]
    rules_new: _containers.RepeatedScalarFieldContainer[str]
    event_time: _timestamp_pb2.Timestamp
    def __init__(self, decision_id: _Optional[str] = ..., transaction_id: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., score_before: _Optional[float] = ..., score_after: _Optional[float] = ..., rules_gone: _Optional[_Iterable[str]] = ..., rules_new: _Optional[_Iterable[str]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
