from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from rampart.cases.v1 import alert_pb2 as _alert_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListAlertsRequest(_message.Message):
    __slots__ = ("state", "cause", "entity_kind", "entity", "min_severity", "case_id", "page_size", "page_token")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_KIND_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    MIN_SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    state: str
    cause: str
    entity_kind: str
    entity: str
    min_severity: str
    case_id: str
    page_size: int
    page_token: str
    def __init__(self, state: _Optional[str] = ..., cause: _Optional[str] = ..., entity_kind: _Optional[str] = ..., entity: _Optional[str] = ..., min_severity: _Optional[str] = ..., case_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAlertsResponse(_message.Message):
    __slots__ = ("alerts", "next_page_token")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[_alert_pb2.Alert]
    next_page_token: str
    def __init__(self, alerts: _Optional[_Iterable[_Union[_alert_pb2.Alert, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetAlertRequest(_message.Message):
    __slots__ = ("alert_id",)
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    def __init__(self, alert_id: _Optional[str] = ...) -> None: ...

class GetAlertResponse(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: _alert_pb2.Alert
    def __init__(self, alert: _Optional[_Union[_alert_pb2.Alert, _Mapping]] = ...) -> None: ...

class AcknowledgeAlertRequest(_message.Message):
    __slots__ = ("alert_id", "etag")
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    etag: str
    def __init__(self, alert_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class AcknowledgeAlertResponse(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: _alert_pb2.Alert
    def __init__(self, alert: _Optional[_Union[_alert_pb2.Alert, _Mapping]] = ...) -> None: ...

class DismissAlertRequest(_message.Message):
    __slots__ = ("alert_id", "reason", "etag")
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    reason: str
    etag: str
    def __init__(self, alert_id: _Optional[str] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DismissAlertResponse(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: _alert_pb2.Alert
    def __init__(self, alert: _Optional[_Union[_alert_pb2.Alert, _Mapping]] = ...) -> None: ...

class GetAlertSettingsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAlertSettingsResponse(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: _alert_pb2.AlertSettings
    def __init__(self, settings: _Optional[_Union[_alert_pb2.AlertSettings, _Mapping]] = ...) -> None: ...

class UpdateAlertSettingsRequest(_message.Message):
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

class UpdateAlertSettingsResponse(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: _alert_pb2.AlertSettings
    def __init__(self, settings: _Optional[_Union[_alert_pb2.AlertSettings, _Mapping]] = ...) -> None: ...
