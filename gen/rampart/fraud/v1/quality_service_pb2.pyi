import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rampart.fraud.v1 import quality_pb2 as _quality_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateQualityReportRequest(_message.Message):
    __slots__ = ("event_type", "since", "until", "as_of", "stored_before", "label_delay", "unlabelled", "group_by", "conditions", "entity_field", "review_capacity", "review_cost", "review_cost_currency", "request_id")
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
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    as_of: _timestamp_pb2.Timestamp
    stored_before: _timestamp_pb2.Timestamp
    label_delay: _duration_pb2.Duration
    unlabelled: str
    group_by: _containers.RepeatedScalarFieldContainer[str]
    conditions: _containers.RepeatedCompositeFieldContainer[_quality_pb2.QualityCondition]
    entity_field: str
    review_capacity: int
    review_cost: float
    review_cost_currency: str
    request_id: str
    def __init__(self, event_type: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., stored_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., label_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., unlabelled: _Optional[str] = ..., group_by: _Optional[_Iterable[str]] = ..., conditions: _Optional[_Iterable[_Union[_quality_pb2.QualityCondition, _Mapping]]] = ..., entity_field: _Optional[str] = ..., review_capacity: _Optional[int] = ..., review_cost: _Optional[float] = ..., review_cost_currency: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateQualityReportResponse(_message.Message):
    __slots__ = ("quality_report",)
    QUALITY_REPORT_FIELD_NUMBER: _ClassVar[int]
    quality_report: _quality_pb2.QualityReport
    def __init__(self, quality_report: _Optional[_Union[_quality_pb2.QualityReport, _Mapping]] = ...) -> None: ...

class GetQualityReportRequest(_message.Message):
    __slots__ = ("report_id",)
    REPORT_ID_FIELD_NUMBER: _ClassVar[int]
    report_id: str
    def __init__(self, report_id: _Optional[str] = ...) -> None: ...

class GetQualityReportResponse(_message.Message):
    __slots__ = ("quality_report",)
    QUALITY_REPORT_FIELD_NUMBER: _ClassVar[int]
    quality_report: _quality_pb2.QualityReport
    def __init__(self, quality_report: _Optional[_Union[_quality_pb2.QualityReport, _Mapping]] = ...) -> None: ...

class ListQualityReportsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListQualityReportsResponse(_message.Message):
    __slots__ = ("quality_reports", "next_page_token")
    QUALITY_REPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    quality_reports: _containers.RepeatedCompositeFieldContainer[_quality_pb2.QualityReport]
    next_page_token: str
    def __init__(self, quality_reports: _Optional[_Iterable[_Union[_quality_pb2.QualityReport, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelQualityReportRequest(_message.Message):
    __slots__ = ("report_id",)
    REPORT_ID_FIELD_NUMBER: _ClassVar[int]
    report_id: str
    def __init__(self, report_id: _Optional[str] = ...) -> None: ...

class CancelQualityReportResponse(_message.Message):
    __slots__ = ("quality_report",)
    QUALITY_REPORT_FIELD_NUMBER: _ClassVar[int]
    quality_report: _quality_pb2.QualityReport
    def __init__(self, quality_report: _Optional[_Union[_quality_pb2.QualityReport, _Mapping]] = ...) -> None: ...

class DeleteQualityReportRequest(_message.Message):
    __slots__ = ("report_id", "request_id")
    REPORT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    report_id: str
    request_id: str
    def __init__(self, report_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteQualityReportResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
