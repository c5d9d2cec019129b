import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rampart.fraud.v1 import decision_pb2 as _decision_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DecisionExplanation(_message.Message):
    __slots__ = ("decision_id", "event_type", "outcome", "confidence_score", "degraded", "versions", "steps", "rules", "values", "model", "differences", "event_time", "create_time")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    event_type: str
    outcome: str
    confidence_score: float
    degraded: _containers.RepeatedScalarFieldContainer[str]
    versions: _decision_pb2.DecisionVersions
    steps: _containers.RepeatedCompositeFieldContainer[OutcomeStep]
    rules: _containers.RepeatedCompositeFieldContainer[ExplainedRule]
    values: _containers.MessageMap[str, _struct_pb2.Value]
    model: _decision_pb2.ModelInput
    differences: _containers.RepeatedCompositeFieldContainer[DecisionDifference]
    event_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, decision_id: _Optional[str] = ..., event_type: _Optional[str] = ..., outcome: _Optional[str] = ..., confidence_score: _Optional[float] = ..., degraded: _Optional[_Iterable[str]] = ..., versions: _Optional[_Union[_decision_pb2.DecisionVersions, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[OutcomeStep, _Mapping]]] = ..., rules: _Optional[_Iterable[_Union[ExplainedRule, _Mapping]]] = ..., values: _Optional[_Mapping[str, _struct_pb2.Value]] = ..., model: _Optional[_Union[_decision_pb2.ModelInput, _Mapping]] = ..., differences: _Optional[_Iterable[_Union[DecisionDifference, _Mapping]]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OutcomeStep(_message.Message):
    __slots__ = ("step", "outcome", "message", "rule_id")
    STEP_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    step: str
    outcome: str
    message: str
    rule_id: str
    def __init__(self, step: _Optional[str] = ..., outcome: _Optional[str] = ..., message: _Optional[str] = ..., rule_id: _Optional[str] = ...) -> None: ...

class ExplainedRule(_message.Message):
    __slots__ = ("rule_id", "reason_code", "state", "weight", "contribution", "outcome", "message", "expression", "names")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    reason_code: str
    state: str
    weight: float
    contribution: float
    outcome: str
    message: str
    expression: str
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, rule_id: _Optional[str] = ..., reason_code: _Optional[str] = ..., state: _Optional[str] = ..., weight: _Optional[float] = ..., contribution: _Optional[float] = ..., outcome: _Optional[str] = ..., message: _Optional[str] = ..., expression: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class DecisionReplay(_message.Message):
    __slots__ = ("decision_id", "identical", "intact", "differences")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTICAL_FIELD_NUMBER: _ClassVar[int]
    INTACT_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    identical: bool
    intact: bool
    differences: _containers.RepeatedCompositeFieldContainer[DecisionDifference]
    def __init__(self, decision_id: _Optional[str] = ..., identical: _Optional[bool] = ..., intact: _Optional[bool] = ..., differences: _Optional[_Iterable[_Union[DecisionDifference, _Mapping]]] = ...) -> None: ...

class DecisionDifference(_message.Message):
    __slots__ = ("field", "stored", "computed")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_FIELD_NUMBER: _ClassVar[int]
    field: str
    stored: str
    computed: str
    def __init__(self, field: _Optional[str] = ..., stored: _Optional[str] = ..., computed: _Optional[str] = ...) -> None: ...
