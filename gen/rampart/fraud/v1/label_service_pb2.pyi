from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.rpc import status_pb2 as _status_pb2
from rampart.fraud.v1 import label_pb2 as _label_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateLabelRequest(_message.Message):
    __slots__ = ("label", "request_id")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    label: _label_pb2.Label
    request_id: str
    def __init__(self, label: _Optional[_Union[_label_pb2.Label, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateLabelResponse(_message.Message):
    __slots__ = ("label", "created")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    label: _label_pb2.Label
    created: bool
    def __init__(self, label: _Optional[_Union[_label_pb2.Label, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class BatchCreateLabelsRequest(_message.Message):
    __slots__ = ("labels",)
    LABELS_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.RepeatedCompositeFieldContainer[_label_pb2.Label]
    def __init__(self, labels: _Optional[_Iterable[_Union[_label_pb2.Label, _Mapping]]] = ...) -> None: ...

class BatchCreateLabelsResponse(_message.Message):
    __slots__ = ("results", "created_count")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    CREATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchCreateLabelsResult]
    created_count: int
    def __init__(self, results: _Optional[_Iterable[_Union[BatchCreateLabelsResult, _Mapping]]] = ..., created_count: _Optional[int] = ...) -> None: ...

class BatchCreateLabelsResult(_message.Message):
    __slots__ = ("label", "error")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    label: _label_pb2.Label
    error: _status_pb2.Status
    def __init__(self, label: _Optional[_Union[_label_pb2.Label, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class GetLabelRequest(_message.Message):
    __slots__ = ("label_id",)
    LABEL_ID_FIELD_NUMBER: _ClassVar[int]
    label_id: str
    def __init__(self, label_id: _Optional[str] = ...) -> None: ...

class GetLabelResponse(_message.Message):
    __slots__ = ("label",)
    LABEL_FIELD_NUMBER: _ClassVar[int]
    label: _label_pb2.Label
    def __init__(self, label: _Optional[_Union[_label_pb2.Label, _Mapping]] = ...) -> None: ...

class ListLabelsRequest(_message.Message):
    __slots__ = ("transaction_id", "label", "source", "pending", "page_size", "page_token")
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    label: str
    source: str
    pending: bool
    page_size: int
    page_token: str
    def __init__(self, transaction_id: _Optional[str] = ..., label: _Optional[str] = ..., source: _Optional[str] = ..., pending: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListLabelsResponse(_message.Message):
    __slots__ = ("labels", "next_page_token")
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.RepeatedCompositeFieldContainer[_label_pb2.Label]
    next_page_token: str
    def __init__(self, labels: _Optional[_Iterable[_Union[_label_pb2.Label, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ImportLabelsRequest(_message.Message):
    __slots__ = ("body", "request_id")
    BODY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    body: _httpbody_pb2.HttpBody
    request_id: str
    def __init__(self, body: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ImportLabelsResponse(_message.Message):
    __slots__ = ("label_import",)
    LABEL_IMPORT_FIELD_NUMBER: _ClassVar[int]
    label_import: _label_pb2.LabelImport
    def __init__(self, label_import: _Optional[_Union[_label_pb2.LabelImport, _Mapping]] = ...) -> None: ...

class GetLabelImportRequest(_message.Message):
    __slots__ = ("import_id",)
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    def __init__(self, import_id: _Optional[str] = ...) -> None: ...

class GetLabelImportResponse(_message.Message):
    __slots__ = ("label_import",)
    LABEL_IMPORT_FIELD_NUMBER: _ClassVar[int]
    label_import: _label_pb2.LabelImport
    def __init__(self, label_import: _Optional[_Union[_label_pb2.LabelImport, _Mapping]] = ...) -> None: ...

class ListLabelImportErrorsRequest(_message.Message):
    __slots__ = ("import_id", "page_size", "page_token")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    page_size: int
    page_token: str
    def __init__(self, import_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListLabelImportErrorsResponse(_message.Message):
    __slots__ = ("errors", "next_page_token")
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    errors: _containers.RepeatedCompositeFieldContainer[_label_pb2.LabelImportError]
    next_page_token: str
    def __init__(self, errors: _Optional[_Iterable[_Union[_label_pb2.LabelImportError, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
