import datetime

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RateClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RATE_CLASS_UNSPECIFIED: _ClassVar[RateClass]
    RATE_CLASS_DECISION: _ClassVar[RateClass]
    RATE_CLASS_READ: _ClassVar[RateClass]
    RATE_CLASS_WRITE: _ClassVar[RateClass]
    RATE_CLASS_PUBLIC: _ClassVar[RateClass]
    RATE_CLASS_INTERNAL: _ClassVar[RateClass]

class ApprovalRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPROVAL_RULE_UNSPECIFIED: _ClassVar[ApprovalRule]
    APPROVAL_RULE_TENANT: _ClassVar[ApprovalRule]
    APPROVAL_RULE_PLATFORM: _ClassVar[ApprovalRule]
    APPROVAL_RULE_SERVICE: _ClassVar[ApprovalRule]
RATE_CLASS_UNSPECIFIED: RateClass
RATE_CLASS_DECISION: RateClass
RATE_CLASS_READ: RateClass
RATE_CLASS_WRITE: RateClass
RATE_CLASS_PUBLIC: RateClass
RATE_CLASS_INTERNAL: RateClass
APPROVAL_RULE_UNSPECIFIED: ApprovalRule
APPROVAL_RULE_TENANT: ApprovalRule
APPROVAL_RULE_PLATFORM: ApprovalRule
APPROVAL_RULE_SERVICE: ApprovalRule
POLICY_FIELD_NUMBER: _ClassVar[int]
policy: _descriptor.FieldDescriptor
SCOPE_FIELD_NUMBER: _ClassVar[int]
scope: _descriptor.FieldDescriptor
ROLE_FIELD_NUMBER: _ClassVar[int]
role: _descriptor.FieldDescriptor
FIELD_FIELD_NUMBER: _ClassVar[int]
field: _descriptor.FieldDescriptor

class MethodPolicy(_message.Message):
    __slots__ = ("public", "scopes", "callers", "rate_limit", "deadline", "retryable", "collapsible", "cache", "coalesce", "elevated_scope", "idempotency_key", "cache_topic", "max_age", "audited", "approval")
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    COLLAPSIBLE_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    COALESCE_FIELD_NUMBER: _ClassVar[int]
    ELEVATED_SCOPE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    CACHE_TOPIC_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_FIELD_NUMBER: _ClassVar[int]
    AUDITED_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    public: bool
    scopes: _containers.RepeatedScalarFieldContainer[str]
    callers: _containers.RepeatedScalarFieldContainer[str]
    rate_limit: RateLimit
    deadline: _duration_pb2.Duration
    retryable: bool
    collapsible: bool
    cache: _duration_pb2.Duration
    coalesce: Coalesce
    elevated_scope: str
    idempotency_key: bool
    cache_topic: str
    max_age: _duration_pb2.Duration
    audited: bool
    approval: ApprovalRule
    def __init__(self, public: _Optional[bool] = ..., scopes: _Optional[_Iterable[str]] = ..., callers: _Optional[_Iterable[str]] = ..., rate_limit: _Optional[_Union[RateLimit, _Mapping]] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retryable: _Optional[bool] = ..., collapsible: _Optional[bool] = ..., cache: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., coalesce: _Optional[_Union[Coalesce, _Mapping]] = ..., elevated_scope: _Optional[str] = ..., idempotency_key: _Optional[bool] = ..., cache_topic: _Optional[str] = ..., max_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., audited: _Optional[bool] = ..., approval: _Optional[_Union[ApprovalRule, str]] = ...) -> None: ...

class RoleGrant(_message.Message):
    __slots__ = ("description", "scopes")
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    description: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, description: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ...) -> None: ...

class Scope(_message.Message):
    __slots__ = ("name", "description", "elevated")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ELEVATED_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    elevated: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., elevated: _Optional[bool] = ...) -> None: ...

class RateLimit(_message.Message):
    __slots__ = ("cost", "items")
    CLASS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    cost: int
    items: str
    def __init__(self, cost: _Optional[int] = ..., items: _Optional[str] = ..., **kwargs) -> None: ...

class Coalesce(_message.Message):
    __slots__ = ("method", "max_items", "max_bytes", "max_in_flight")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    method: str
    max_items: int
    max_bytes: int
    max_in_flight: int
    def __init__(self, method: _Optional[str] = ..., max_items: _Optional[int] = ..., max_bytes: _Optional[int] = ..., max_in_flight: _Optional[int] = ...) -> None: ...

class FieldPolicy(_message.Message):
    __slots__ = ("assign_id", "required_unless", "request_id", "event_id", "resume_after", "created", "nonzero")
    ASSIGN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_UNLESS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    NONZERO_FIELD_NUMBER: _ClassVar[int]
    assign_id: bool
    required_unless: RequiredUnless
    request_id: bool
    event_id: bool
    resume_after: bool
    created: bool
    nonzero: bool
    def __init__(self, assign_id: _Optional[bool] = ..., required_unless: _Optional[_Union[RequiredUnless, _Mapping]] = ..., request_id: _Optional[bool] = ..., event_id: _Optional[bool] = ..., resume_after: _Optional[bool] = ..., created: _Optional[bool] = ..., nonzero: _Optional[bool] = ...) -> None: ...

class RequiredUnless(_message.Message):
    __slots__ = ("field", "value", "absent")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    field: str
    value: str
    absent: str
    def __init__(self, field: _Optional[str] = ..., value: _Optional[str] = ..., absent: _Optional[str] = ...) -> None: ...
