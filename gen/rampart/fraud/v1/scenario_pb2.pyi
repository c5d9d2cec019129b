import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScenarioRule(_message.Message):
    __slots__ = ("rule_id", "code", "words", "expression", "contribution", "outcome", "habit", "etag", "alert")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    HABIT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    ALERT_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    code: str
    words: str
    expression: str
    contribution: float
    outcome: str
    habit: bool
    etag: str
    alert: bool
    def __init__(self, rule_id: _Optional[str] = ..., code: _Optional[str] = ..., words: _Optional[str] = ..., expression: _Optional[str] = ..., contribution: _Optional[float] = ..., outcome: _Optional[str] = ..., habit: _Optional[bool] = ..., etag: _Optional[str] = ..., alert: _Optional[bool] = ...) -> None: ...

class ScenarioContent(_message.Message):
    __slots__ = ("event_type", "description", "review_at", "decline_at", "prior_share", "trust_share", "rules", "model")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    REVIEW_AT_FIELD_NUMBER: _ClassVar[int]
    DECLINE_AT_FIELD_NUMBER: _ClassVar[int]
    PRIOR_SHARE_FIELD_NUMBER: _ClassVar[int]
    TRUST_SHARE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    description: str
    review_at: float
    decline_at: float
    prior_share: float
    trust_share: float
    rules: _containers.RepeatedCompositeFieldContainer[ScenarioRule]
    model: ScenarioModel
    def __init__(self, event_type: _Optional[str] = ..., description: _Optional[str] = ..., review_at: _Optional[float] = ..., decline_at: _Optional[float] = ..., prior_share: _Optional[float] = ..., trust_share: _Optional[float] = ..., rules: _Optional[_Iterable[_Union[ScenarioRule, _Mapping]]] = ..., model: _Optional[_Union[ScenarioModel, _Mapping]] = ...) -> None: ...

class ScenarioModel(_message.Message):
    __slots__ = ("name", "version", "reasons")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    reasons: _containers.RepeatedCompositeFieldContainer[ModelReason]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., reasons: _Optional[_Iterable[_Union[ModelReason, _Mapping]]] = ...) -> None: ...

class ModelReason(_message.Message):
    __slots__ = ("feature", "code", "words")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    feature: str
    code: str
    words: str
    def __init__(self, feature: _Optional[str] = ..., code: _Optional[str] = ..., words: _Optional[str] = ...) -> None: ...

class Scenario(_message.Message):
    __slots__ = ("scenario_id", "draft", "latest_version", "editors", "create_time", "update_time", "etag")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    LATEST_VERSION_FIELD_NUMBER: _ClassVar[int]
    EDITORS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    draft: ScenarioContent
    latest_version: int
    editors: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, scenario_id: _Optional[str] = ..., draft: _Optional[_Union[ScenarioContent, _Mapping]] = ..., latest_version: _Optional[int] = ..., editors: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class ScenarioVersion(_message.Message):
    __slots__ = ("scenario_id", "version", "content", "rule_count", "note", "authors", "state", "create_time")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    RULE_COUNT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    version: int
    content: ScenarioContent
    rule_count: int
    note: str
    authors: _containers.RepeatedScalarFieldContainer[str]
    state: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, scenario_id: _Optional[str] = ..., version: _Optional[int] = ..., content: _Optional[_Union[ScenarioContent, _Mapping]] = ..., rule_count: _Optional[int] = ..., note: _Optional[str] = ..., authors: _Optional[_Iterable[str]] = ..., state: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VersionRef(_message.Message):
    __slots__ = ("scenario_id", "version")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    version: int
    def __init__(self, scenario_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class OutcomeCounts(_message.Message):
    __slots__ = ("decisions", "declines", "reviews")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    DECLINES_FIELD_NUMBER: _ClassVar[int]
    REVIEWS_FIELD_NUMBER: _ClassVar[int]
    decisions: int
    declines: int
    reviews: int
    def __init__(self, decisions: _Optional[int] = ..., declines: _Optional[int] = ..., reviews: _Optional[int] = ...) -> None: ...

class DeployedVersion(_message.Message):
    __slots__ = ("version", "share", "counts")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    version: VersionRef
    share: int
    counts: OutcomeCounts
    def __init__(self, version: _Optional[_Union[VersionRef, _Mapping]] = ..., share: _Optional[int] = ..., counts: _Optional[_Union[OutcomeCounts, _Mapping]] = ...) -> None: ...

class Publication(_message.Message):
    __slots__ = ("publication_id", "version", "target", "share", "requested_by", "reason", "request_time")
    PUBLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIME_FIELD_NUMBER: _ClassVar[int]
    publication_id: str
    version: VersionRef
    target: str
    share: int
    requested_by: str
    reason: str
    request_time: _timestamp_pb2.Timestamp
    def __init__(self, publication_id: _Optional[str] = ..., version: _Optional[_Union[VersionRef, _Mapping]] = ..., target: _Optional[str] = ..., share: _Optional[int] = ..., requested_by: _Optional[str] = ..., reason: _Optional[str] = ..., request_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Deployment(_message.Message):
    __slots__ = ("event_type", "live", "share", "shadows", "former", "publications", "breaker", "transition")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    SHADOWS_FIELD_NUMBER: _ClassVar[int]
    FORMER_FIELD_NUMBER: _ClassVar[int]
    PUBLICATIONS_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    TRANSITION_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    live: DeployedVersion
    share: DeployedVersion
    shadows: _containers.RepeatedCompositeFieldContainer[DeployedVersion]
    former: _containers.RepeatedCompositeFieldContainer[VersionRef]
    publications: _containers.RepeatedCompositeFieldContainer[Publication]
    breaker: str
    transition: int
    def __init__(self, event_type: _Optional[str] = ..., live: _Optional[_Union[DeployedVersion, _Mapping]] = ..., share: _Optional[_Union[DeployedVersion, _Mapping]] = ..., shadows: _Optional[_Iterable[_Union[DeployedVersion, _Mapping]]] = ..., former: _Optional[_Iterable[_Union[VersionRef, _Mapping]]] = ..., publications: _Optional[_Iterable[_Union[Publication, _Mapping]]] = ..., breaker: _Optional[str] = ..., transition: _Optional[int] = ...) -> None: ...

class Transition(_message.Message):
    __slots__ = ("number", "move", "version", "share", "principal", "requested_by", "reason", "replaced", "create_time")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    number: int
    move: str
    version: VersionRef
    share: int
    principal: str
    requested_by: str
    reason: str
    replaced: VersionRef
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, number: _Optional[int] = ..., move: _Optional[str] = ..., version: _Optional[_Union[VersionRef, _Mapping]] = ..., share: _Optional[int] = ..., principal: _Optional[str] = ..., requested_by: _Optional[str] = ..., reason: _Optional[str] = ..., replaced: _Optional[_Union[VersionRef, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ScenarioPolicy(_message.Message):
    __slots__ = ("two_persons", "declines", "reviews", "times", "above", "etag")
    TWO_PERSONS_FIELD_NUMBER: _ClassVar[int]
    DECLINES_FIELD_NUMBER: _ClassVar[int]
    REVIEWS_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    ABOVE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    two_persons: bool
    declines: float
    reviews: float
    times: float
    above: float
    etag: str
    def __init__(self, two_persons: _Optional[bool] = ..., declines: _Optional[float] = ..., reviews: _Optional[float] = ..., times: _Optional[float] = ..., above: _Optional[float] = ..., etag: _Optional[str] = ...) -> None: ...

class Snooze(_message.Message):
    __slots__ = ("rule_id", "field", "value", "until", "reason", "created_by", "create_time")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    field: str
    value: str
    until: _timestamp_pb2.Timestamp
    reason: str
    created_by: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, rule_id: _Optional[str] = ..., field: _Optional[str] = ..., value: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., created_by: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExpressionProblem(_message.Message):
    __slots__ = ("field", "line", "column", "message")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    field: str
    line: int
    column: int
    message: str
    def __init__(self, field: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class FieldChange(_message.Message):
    __slots__ = ("field", "before", "after")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    field: str
    before: str
    after: str
    def __init__(self, field: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class RuleChange(_message.Message):
    __slots__ = ("rule_id", "code", "changes")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    code: str
    changes: _containers.RepeatedCompositeFieldContainer[FieldChange]
    def __init__(self, rule_id: _Optional[str] = ..., code: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[FieldChange, _Mapping]]] = ...) -> None: ...

class ShadowReport(_message.Message):
    __slots__ = ("version", "decisions", "missed", "failed", "start_time", "end_time", "outcomes", "rules", "errors", "not_enough_data", "examples")
    class ErrorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class NotEnoughDataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    NOT_ENOUGH_DATA_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    version: VersionRef
    decisions: int
    missed: int
    failed: int
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    outcomes: _containers.RepeatedCompositeFieldContainer[ShadowOutcome]
    rules: _containers.RepeatedCompositeFieldContainer[ShadowRule]
    errors: _containers.ScalarMap[str, int]
    not_enough_data: _containers.ScalarMap[str, int]
    examples: _containers.RepeatedCompositeFieldContainer[ShadowExample]
    def __init__(self, version: _Optional[_Union[VersionRef, _Mapping]] = ..., decisions: _Optional[int] = ..., missed: _Optional[int] = ..., failed: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcomes: _Optional[_Iterable[_Union[ShadowOutcome, _Mapping]]] = ..., rules: _Optional[_Iterable[_Union[ShadowRule, _Mapping]]] = ..., errors: _Optional[_Mapping[str, int]] = ..., not_enough_data: _Optional[_Mapping[str, int]] = ..., examples: _Optional[_Iterable[_Union[ShadowExample, _Mapping]]] = ...) -> None: ...

class ShadowOutcome(_message.Message):
    __slots__ = ("answered", "shadowed", "decisions")
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    SHADOWED_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    answered: str
    shadowed: str
    decisions: int
    def __init__(self, answered: _Optional[str] = ..., shadowed: _Optional[str] = ..., decisions: _Optional[int] = ...) -> None: ...

class ShadowRule(_message.Message):
    __slots__ = ("code", "only_answered", "only_shadowed", "both")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ONLY_ANSWERED_FIELD_NUMBER: _ClassVar[int]
    ONLY_SHADOWED_FIELD_NUMBER: _ClassVar[int]
    BOTH_FIELD_NUMBER: _ClassVar[int]
    code: str
    only_answered: int
    only_shadowed: int
    both: int
    def __init__(self, code: _Optional[str] = ..., only_answered: _Optional[int] = ..., only_shadowed: _Optional[int] = ..., both: _Optional[int] = ...) -> None: ...

class ShadowExample(_message.Message):
    __slots__ = ("decision_id", "answered", "shadowed", "only_answered", "only_shadowed")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    SHADOWED_FIELD_NUMBER: _ClassVar[int]
    ONLY_ANSWERED_FIELD_NUMBER: _ClassVar[int]
    ONLY_SHADOWED_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    answered: str
    shadowed: str
    only_answered: _containers.RepeatedScalarFieldContainer[str]
    only_shadowed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, decision_id: _Optional[str] = ..., answered: _Optional[str] = ..., shadowed: _Optional[str] = ..., only_answered: _Optional[_Iterable[str]] = ..., only_shadowed: _Optional[_Iterable[str]] = ...) -> None: ...
