import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Model(_message.Message):
    __slots__ = ("name", "description", "event_type", "newest_version", "create_time", "update_time", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    NEWEST_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    event_type: str
    newest_version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., event_type: _Optional[str] = ..., newest_version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class ModelVersion(_message.Message):
    __slots__ = ("name", "version", "origin", "event_type", "state", "progress", "error", "training", "features", "fingerprint", "libraries", "data_fingerprint", "metrics", "onnx_bytes", "takes_missing", "explains", "valid_until", "most_missing", "created_by", "create_time", "finish_time", "validation_metrics")
    class LibrariesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    LIBRARIES_FIELD_NUMBER: _ClassVar[int]
    DATA_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    ONNX_BYTES_FIELD_NUMBER: _ClassVar[int]
    TAKES_MISSING_FIELD_NUMBER: _ClassVar[int]
    EXPLAINS_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    MOST_MISSING_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_METRICS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    origin: str
    event_type: str
    state: str
    progress: ModelProgress
    error: str
    training: TrainingSettings
    features: _containers.RepeatedScalarFieldContainer[str]
    fingerprint: str
    libraries: _containers.ScalarMap[str, str]
    data_fingerprint: str
    metrics: ModelMetrics
    onnx_bytes: int
    takes_missing: bool
    explains: bool
    valid_until: _timestamp_pb2.Timestamp
    most_missing: float
    created_by: str
    create_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    validation_metrics: ModelMetrics
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., origin: _Optional[str] = ..., event_type: _Optional[str] = ..., state: _Optional[str] = ..., progress: _Optional[_Union[ModelProgress, _Mapping]] = ..., error: _Optional[str] = ..., training: _Optional[_Union[TrainingSettings, _Mapping]] = ..., features: _Optional[_Iterable[str]] = ..., fingerprint: _Optional[str] = ..., libraries: _Optional[_Mapping[str, str]] = ..., data_fingerprint: _Optional[str] = ..., metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ..., onnx_bytes: _Optional[int] = ..., takes_missing: _Optional[bool] = ..., explains: _Optional[bool] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., most_missing: _Optional[float] = ..., created_by: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., validation_metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ...) -> None: ...

class ModelProgress(_message.Message):
    __slots__ = ("done", "total", "message")
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    done: int
    total: int
    message: str
    def __init__(self, done: _Optional[int] = ..., total: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class TrainingSettings(_message.Message):
    __slots__ = ("features", "since", "until", "days", "validation_days", "test_days", "delay_days", "target", "entity_field", "parameters")
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_DAYS_FIELD_NUMBER: _ClassVar[int]
    TEST_DAYS_FIELD_NUMBER: _ClassVar[int]
    DELAY_DAYS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    features: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    days: int
    validation_days: int
    test_days: int
    delay_days: int
    target: str
    entity_field: str
    parameters: TrainingParameters
    def __init__(self, features: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., days: _Optional[int] = ..., validation_days: _Optional[int] = ..., test_days: _Optional[int] = ..., delay_days: _Optional[int] = ..., target: _Optional[str] = ..., entity_field: _Optional[str] = ..., parameters: _Optional[_Union[TrainingParameters, _Mapping]] = ...) -> None: ...

class TrainingParameters(_message.Message):
    __slots__ = ("trees", "depth", "learning_rate", "row_share", "feature_share", "least_child_weight", "least_gain", "ridge", "calibration", "folds", "seed")
    TREES_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    ROW_SHARE_FIELD_NUMBER: _ClassVar[int]
    FEATURE_SHARE_FIELD_NUMBER: _ClassVar[int]
    LEAST_CHILD_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    LEAST_GAIN_FIELD_NUMBER: _ClassVar[int]
    RIDGE_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    trees: int
    depth: int
    learning_rate: float
    row_share: float
    feature_share: float
    least_child_weight: float
    least_gain: float
    ridge: float
    calibration: str
    folds: int
    seed: int
    def __init__(self, trees: _Optional[int] = ..., depth: _Optional[int] = ..., learning_rate: _Optional[float] = ..., row_share: _Optional[float] = ..., feature_share: _Optional[float] = ..., least_child_weight: _Optional[float] = ..., least_gain: _Optional[float] = ..., ridge: _Optional[float] = ..., calibration: _Optional[str] = ..., folds: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class ModelMetrics(_message.Message):
    __slots__ = ("rows", "frauds", "learned_rows", "learned_frauds", "unreadable", "auc_roc", "average_precision", "card_precision", "recall_at_1_percent", "calibration_error", "certain", "thresholds", "reliability")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FRAUDS_FIELD_NUMBER: _ClassVar[int]
    LEARNED_ROWS_FIELD_NUMBER: _ClassVar[int]
    LEARNED_FRAUDS_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    AUC_ROC_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRECISION_FIELD_NUMBER: _ClassVar[int]
    CARD_PRECISION_FIELD_NUMBER: _ClassVar[int]
    RECALL_AT_1_PERCENT_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_ERROR_FIELD_NUMBER: _ClassVar[int]
    CERTAIN_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    RELIABILITY_FIELD_NUMBER: _ClassVar[int]
    rows: int
    frauds: int
    learned_rows: int
    learned_frauds: int
    unreadable: int
    auc_roc: float
    average_precision: float
    card_precision: float
    recall_at_1_percent: float
    calibration_error: float
    certain: ModelThreshold
    thresholds: _containers.RepeatedCompositeFieldContainer[ModelThreshold]
    reliability: _containers.RepeatedCompositeFieldContainer[ReliabilityBin]
    def __init__(self, rows: _Optional[int] = ..., frauds: _Optional[int] = ..., learned_rows: _Optional[int] = ..., learned_frauds: _Optional[int] = ..., unreadable: _Optional[int] = ..., auc_roc: _Optional[float] = ..., average_precision: _Optional[float] = ..., card_precision: _Optional[float] = ..., recall_at_1_percent: _Optional[float] = ..., calibration_error: _Optional[float] = ..., certain: _Optional[_Union[ModelThreshold, _Mapping]] = ..., thresholds: _Optional[_Iterable[_Union[ModelThreshold, _Mapping]]] = ..., reliability: _Optional[_Iterable[_Union[ReliabilityBin, _Mapping]]] = ...) -> None: ...

class ModelThreshold(_message.Message):
    __slots__ = ("threshold", "acted", "caught", "precision", "recall")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ACTED_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    threshold: float
    acted: int
    caught: int
    precision: float
    recall: float
    def __init__(self, threshold: _Optional[float] = ..., acted: _Optional[int] = ..., caught: _Optional[int] = ..., precision: _Optional[float] = ..., recall: _Optional[float] = ...) -> None: ...

class ReliabilityBin(_message.Message):
    __slots__ = ("start", "end", "rows", "mean_score", "observed")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MEAN_SCORE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    start: float
    end: float
    rows: int
    mean_score: float
    observed: float
    def __init__(self, start: _Optional[float] = ..., end: _Optional[float] = ..., rows: _Optional[int] = ..., mean_score: _Optional[float] = ..., observed: _Optional[float] = ...) -> None: ...

class ModelDrift(_message.Message):
    __slots__ = ("name", "version", "since_time", "rows", "alert_rate", "usual_alert_rate", "score", "inputs", "days", "labelled")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ALERT_RATE_FIELD_NUMBER: _ClassVar[int]
    USUAL_ALERT_RATE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    LABELLED_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    since_time: _timestamp_pb2.Timestamp
    rows: int
    alert_rate: float
    usual_alert_rate: float
    score: DriftedInput
    inputs: _containers.RepeatedCompositeFieldContainer[DriftedInput]
    days: _containers.RepeatedCompositeFieldContainer[DriftDay]
    labelled: LabelledAlerts
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rows: _Optional[int] = ..., alert_rate: _Optional[float] = ..., usual_alert_rate: _Optional[float] = ..., score: _Optional[_Union[DriftedInput, _Mapping]] = ..., inputs: _Optional[_Iterable[_Union[DriftedInput, _Mapping]]] = ..., days: _Optional[_Iterable[_Union[DriftDay, _Mapping]]] = ..., labelled: _Optional[_Union[LabelledAlerts, _Mapping]] = ...) -> None: ...

class DriftedInput(_message.Message):
    __slots__ = ("name", "stability_index", "state", "missing", "usually_missing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STABILITY_INDEX_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    USUALLY_MISSING_FIELD_NUMBER: _ClassVar[int]
    name: str
    stability_index: float
    state: str
    missing: float
    usually_missing: float
    def __init__(self, name: _Optional[str] = ..., stability_index: _Optional[float] = ..., state: _Optional[str] = ..., missing: _Optional[float] = ..., usually_missing: _Optional[float] = ...) -> None: ...

class DriftDay(_message.Message):
    __slots__ = ("day", "rows", "alert_rate", "score_index", "worst_input", "worst_index")
    DAY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ALERT_RATE_FIELD_NUMBER: _ClassVar[int]
    SCORE_INDEX_FIELD_NUMBER: _ClassVar[int]
    WORST_INPUT_FIELD_NUMBER: _ClassVar[int]
    WORST_INDEX_FIELD_NUMBER: _ClassVar[int]
    day: str
    rows: int
    alert_rate: float
    score_index: float
    worst_input: str
    worst_index: float
    def __init__(self, day: _Optional[str] = ..., rows: _Optional[int] = ..., alert_rate: _Optional[float] = ..., score_index: _Optional[float] = ..., worst_input: _Optional[str] = ..., worst_index: _Optional[float] = ...) -> None: ...

class LabelledAlerts(_message.Message):
    __slots__ = ("alerts", "frauds", "precision")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    FRAUDS_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    alerts: int
    frauds: int
    precision: float
    def __init__(self, alerts: _Optional[int] = ..., frauds: _Optional[int] = ..., precision: _Optional[float] = ...) -> None: ...
