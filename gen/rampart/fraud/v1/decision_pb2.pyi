import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Decision(_message.Message):
    __slots__ = ("is_fraudulent", "confidence_score", "risk_factors", "decision_id", "outcome", "degraded", "explanations", "score_source", "transaction_id", "user_id", "transaction_amount", "currency", "event_time", "create_time", "rules_version", "inputs", "event_type", "versions", "snoozed_rules", "failed_rules", "stages")
    IS_FRAUDULENT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    RISK_FACTORS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    EXPLANATIONS_FIELD_NUMBER: _ClassVar[int]
    SCORE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    RULES_VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SNOOZED_RULES_FIELD_NUMBER: _ClassVar[int]
    FAILED_RULES_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    is_fraudulent: bool
    confidence_score: float
    risk_factors: _containers.RepeatedScalarFieldContainer[str]
    decision_id: str
    outcome: str
    degraded: _containers.RepeatedScalarFieldContainer[str]
    explanations: _containers.RepeatedCompositeFieldContainer[Explanation]
    score_source: str
    transaction_id: str
    user_id: str
    transaction_amount: float
    currency: str
    event_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    rules_version: str
    inputs: DecisionInputs
    event_type: str
    versions: DecisionVersions
    snoozed_rules: _containers.RepeatedScalarFieldContainer[str]
    failed_rules: _containers.RepeatedScalarFieldContainer[str]
    stages: StageTimes
    def __init__(self, is_fraudulent: _Optional[bool] = ..., confidence_score: _Optional[float] = ..., risk_factors: _Optional[_Iterable[str]] = ..., decision_id: _Optional[str] = ..., outcome: _Optional[str] = ..., degraded: _Optional[_Iterable[str]] = ..., explanations: _Optional[_Iterable[_Union[Explanation, _Mapping]]] = ..., score_source: _Optional[str] = ..., transaction_id: _Optional[str] = ..., user_id: _Optional[str] = ..., transaction_amount: _Optional[float] = ..., currency: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rules_version: _Optional[str] = ..., inputs: _Optional[_Union[DecisionInputs, _Mapping]] = ..., event_type: _Optional[str] = ..., versions: _Optional[_Union[DecisionVersions, _Mapping]] = ..., snoozed_rules: _Optional[_Iterable[str]] = ..., failed_rules: _Optional[_Iterable[str]] = ..., stages: _Optional[_Union[StageTimes, _Mapping]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("reason_code", "message", "contribution")
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    reason_code: str
    message: str
    contribution: float
    def __init__(self, reason_code: _Optional[str] = ..., message: _Optional[str] = ..., contribution: _Optional[float] = ...) -> None: ...

class DecisionInputs(_message.Message):
    __slots__ = ("features", "user_base_risk", "user_tier", "user_known", "user_chargeback_count", "channel", "amount_minor", "degraded", "currency_digits", "vector", "currency", "usd_per_unit", "rate_since", "user_elsewhere_24h", "spellings", "email", "card_fingerprint", "attributes", "format", "user_profile_read", "review_without", "snoozed_rules", "address", "list_hits", "list_ruling", "model", "arrival", "unlogged", "digest", "alert_rules", "graph")
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    USER_BASE_RISK_FIELD_NUMBER: _ClassVar[int]
    USER_TIER_FIELD_NUMBER: _ClassVar[int]
    USER_KNOWN_FIELD_NUMBER: _ClassVar[int]
    USER_CHARGEBACK_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_DIGITS_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    USD_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    RATE_SINCE_FIELD_NUMBER: _ClassVar[int]
    USER_ELSEWHERE_24H_FIELD_NUMBER: _ClassVar[int]
    SPELLINGS_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    CARD_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    USER_PROFILE_READ_FIELD_NUMBER: _ClassVar[int]
    REVIEW_WITHOUT_FIELD_NUMBER: _ClassVar[int]
    SNOOZED_RULES_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LIST_HITS_FIELD_NUMBER: _ClassVar[int]
    LIST_RULING_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_FIELD_NUMBER: _ClassVar[int]
    UNLOGGED_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ALERT_RULES_FIELD_NUMBER: _ClassVar[int]
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    features: _containers.ScalarMap[str, float]
    user_base_risk: float
    user_tier: str
    user_known: bool
    user_chargeback_count: int
    channel: str
    amount_minor: int
    degraded: _containers.RepeatedScalarFieldContainer[str]
    currency_digits: int
    vector: FeatureVector
    currency: str
    usd_per_unit: float
    rate_since: str
    user_elsewhere_24h: _containers.RepeatedCompositeFieldContainer[CurrencySum]
    spellings: _containers.RepeatedCompositeFieldContainer[IdentifierSpelling]
    email: str
    card_fingerprint: str
    attributes: _containers.ScalarMap[str, str]
    format: int
    user_profile_read: bool
    review_without: _containers.RepeatedScalarFieldContainer[str]
    snoozed_rules: _containers.RepeatedScalarFieldContainer[str]
    address: AddressSignals
    list_hits: _containers.RepeatedCompositeFieldContainer[ListHits]
    list_ruling: ListRuling
    model: ModelInput
    arrival: int
    unlogged: bool
    digest: bytes
    alert_rules: _containers.RepeatedScalarFieldContainer[str]
    graph: GraphInput
    def __init__(self, features: _Optional[_Mapping[str, float]] = ..., user_base_risk: _Optional[float] = ..., user_tier: _Optional[str] = ..., user_known: _Optional[bool] = ..., user_chargeback_count: _Optional[int] = ..., channel: _Optional[str] = ..., amount_minor: _Optional[int] = ..., degraded: _Optional[_Iterable[str]] = ..., currency_digits: _Optional[int] = ..., vector: _Optional[_Union[FeatureVector, _Mapping]] = ..., currency: _Optional[str] = ..., usd_per_unit: _Optional[float] = ..., rate_since: _Optional[str] = ..., user_elsewhere_24h: _Optional[_Iterable[_Union[CurrencySum, _Mapping]]] = ..., spellings: _Optional[_Iterable[_Union[IdentifierSpelling, _Mapping]]] = ..., email: _Optional[str] = ..., card_fingerprint: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., format: _Optional[int] = ..., user_profile_read: _Optional[bool] = ..., review_without: _Optional[_Iterable[str]] = ..., snoozed_rules: _Optional[_Iterable[str]] = ..., address: _Optional[_Union[AddressSignals, _Mapping]] = ..., list_hits: _Optional[_Iterable[_Union[ListHits, _Mapping]]] = ..., list_ruling: _Optional[_Union[ListRuling, _Mapping]] = ..., model: _Optional[_Union[ModelInput, _Mapping]] = ..., arrival: _Optional[int] = ..., unlogged: _Optional[bool] = ..., digest: _Optional[bytes] = ..., alert_rules: _Optional[_Iterable[str]] = ..., graph: _Optional[_Union[GraphInput, _Mapping]] = ...) -> None: ...

class GraphInput(_message.Message):
    __slots__ = ("age_ms", "partial")
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    age_ms: int
    partial: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, age_ms: _Optional[int] = ..., partial: _Optional[_Iterable[str]] = ...) -> None: ...

class ModelInput(_message.Message):
    __slots__ = ("name", "version", "score", "contributions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    score: float
    contributions: _containers.RepeatedCompositeFieldContainer[ModelContribution]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., score: _Optional[float] = ..., contributions: _Optional[_Iterable[_Union[ModelContribution, _Mapping]]] = ...) -> None: ...

class ModelContribution(_message.Message):
    __slots__ = ("feature", "value", "added")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    feature: str
    value: float
    added: float
    def __init__(self, feature: _Optional[str] = ..., value: _Optional[float] = ..., added: _Optional[float] = ...) -> None: ...

class AddressSignals(_message.Message):
    __slots__ = ("is_private", "is_reserved", "country", "is_datacenter", "is_tor", "latitude", "longitude", "accuracy_km", "asn")
    IS_PRIVATE_FIELD_NUMBER: _ClassVar[int]
    IS_RESERVED_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    IS_DATACENTER_FIELD_NUMBER: _ClassVar[int]
    IS_TOR_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_KM_FIELD_NUMBER: _ClassVar[int]
    ASN_FIELD_NUMBER: _ClassVar[int]
    is_private: bool
    is_reserved: bool
    country: str
    is_datacenter: bool
    is_tor: bool
    latitude: float
    longitude: float
    accuracy_km: float
    asn: int
    def __init__(self, is_private: _Optional[bool] = ..., is_reserved: _Optional[bool] = ..., country: _Optional[str] = ..., is_datacenter: _Optional[bool] = ..., is_tor: _Optional[bool] = ..., latitude: _Optional[float] = ..., longitude: _Optional[float] = ..., accuracy_km: _Optional[float] = ..., asn: _Optional[int] = ...) -> None: ...

class ListHits(_message.Message):
    __slots__ = ("list", "values")
    LIST_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    list: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, list: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class ListRuling(_message.Message):
    __slots__ = ("allowed", "reason_code", "message", "contribution")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    reason_code: str
    message: str
    contribution: float
    def __init__(self, allowed: _Optional[bool] = ..., reason_code: _Optional[str] = ..., message: _Optional[str] = ..., contribution: _Optional[float] = ...) -> None: ...

class CurrencySum(_message.Message):
    __slots__ = ("currency", "amount_minor", "currency_digits", "usd_per_unit", "rate_since")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_DIGITS_FIELD_NUMBER: _ClassVar[int]
    USD_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    RATE_SINCE_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount_minor: int
    currency_digits: int
    usd_per_unit: float
    rate_since: str
    def __init__(self, currency: _Optional[str] = ..., amount_minor: _Optional[int] = ..., currency_digits: _Optional[int] = ..., usd_per_unit: _Optional[float] = ..., rate_since: _Optional[str] = ...) -> None: ...

class IdentifierSpelling(_message.Message):
    __slots__ = ("field", "sent", "canonical")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_FIELD_NUMBER: _ClassVar[int]
    field: str
    sent: str
    canonical: str
    def __init__(self, field: _Optional[str] = ..., sent: _Optional[str] = ..., canonical: _Optional[str] = ...) -> None: ...

class FeatureVector(_message.Message):
    __slots__ = ("version", "values", "numbers", "missing")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    version: str
    values: _containers.RepeatedScalarFieldContainer[int]
    numbers: _containers.RepeatedScalarFieldContainer[float]
    missing: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, version: _Optional[str] = ..., values: _Optional[_Iterable[int]] = ..., numbers: _Optional[_Iterable[float]] = ..., missing: _Optional[_Iterable[int]] = ...) -> None: ...

class DecisionVersions(_message.Message):
    __slots__ = ("scenario", "scenario_version", "features", "event_type")
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    scenario: str
    scenario_version: int
    features: str
    event_type: int
    def __init__(self, scenario: _Optional[str] = ..., scenario_version: _Optional[int] = ..., features: _Optional[str] = ..., event_type: _Optional[int] = ...) -> None: ...

class StageTimes(_message.Message):
    __slots__ = ("read_ms", "judge_ms")
    READ_MS_FIELD_NUMBER: _ClassVar[int]
    JUDGE_MS_FIELD_NUMBER: _ClassVar[int]
    read_ms: float
    judge_ms: float
    def __init__(self, read_ms: _Optional[float] = ..., judge_ms: _Optional[float] = ...) -> None: ...
