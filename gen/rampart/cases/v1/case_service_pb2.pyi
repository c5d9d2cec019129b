from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from rampart.cases.v1 import alert_pb2 as _alert_pb2
from rampart.cases.v1 import case_pb2 as _case_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListCasesRequest(_message.Message):
    __slots__ = ("state", "assignee", "min_priority", "entity", "overdue", "page_size", "page_token")
    STATE_FIELD_NUMBER: _ClassVar[int]
    ASSIGNEE_FIELD_NUMBER: _ClassVar[int]
    MIN_PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    OVERDUE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    state: str
    assignee: str
    min_priority: str
    entity: str
    overdue: bool
    page_size: int
    page_token: str
    def __init__(self, state: _Optional[str] = ..., assignee: _Optional[str] = ..., min_priority: _Optional[str] = ..., entity: _Optional[str] = ..., overdue: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCasesResponse(_message.Message):
    __slots__ = ("cases", "next_page_token")
    CASES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cases: _containers.RepeatedCompositeFieldContainer[_case_pb2.FraudCase]
    next_page_token: str
    def __init__(self, cases: _Optional[_Iterable[_Union[_case_pb2.FraudCase, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetCaseRequest(_message.Message):
    __slots__ = ("case_id",)
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    def __init__(self, case_id: _Optional[str] = ...) -> None: ...

class GetCaseResponse(_message.Message):
    __slots__ = ("fraud_case",)
    FRAUD_CASE_FIELD_NUMBER: _ClassVar[int]
    fraud_case: _case_pb2.FraudCase
    def __init__(self, fraud_case: _Optional[_Union[_case_pb2.FraudCase, _Mapping]] = ...) -> None: ...

class ListCaseTransactionsRequest(_message.Message):
    __slots__ = ("case_id", "page_size", "page_token")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    page_size: int
    page_token: str
    def __init__(self, case_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCaseTransactionsResponse(_message.Message):
    __slots__ = ("transactions", "next_page_token")
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    transactions: _containers.RepeatedCompositeFieldContainer[_alert_pb2.AlertTransaction]
    next_page_token: str
    def __init__(self, transactions: _Optional[_Iterable[_Union[_alert_pb2.AlertTransaction, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListCaseHistoryRequest(_message.Message):
    __slots__ = ("case_id", "page_size", "page_token")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    page_size: int
    page_token: str
    def __init__(self, case_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCaseHistoryResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[_case_pb2.CaseHistoryEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[_case_pb2.CaseHistoryEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ClaimNextCaseRequest(_message.Message):
    __slots__ = ("min_priority", "request_id")
    MIN_PRIORITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    min_priority: str
    request_id: str
    def __init__(self, min_priority: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ClaimNextCaseResponse(_message.Message):
    __slots__ = ("fraud_case",)
    FRAUD_CASE_FIELD_NUMBER: _ClassVar[int]
    fraud_case: _case_pb2.FraudCase
    def __init__(self, fraud_case: _Optional[_Union[_case_pb2.FraudCase, _Mapping]] = ...) -> None: ...

class AssignCaseRequest(_message.Message):
    __slots__ = ("case_id", "assignee", "etag")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNEE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    assignee: str
    etag: str
    def __init__(self, case_id: _Optional[str] = ..., assignee: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class AssignCaseResponse(_message.Message):
    __slots__ = ("fraud_case",)
    FRAUD_CASE_FIELD_NUMBER: _ClassVar[int]
    fraud_case: _case_pb2.FraudCase
    def __init__(self, fraud_case: _Optional[_Union[_case_pb2.FraudCase, _Mapping]] = ...) -> None: ...

class AddCaseNoteRequest(_message.Message):
    __slots__ = ("case_id", "words", "request_id")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    words: str
    request_id: str
    def __init__(self, case_id: _Optional[str] = ..., words: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class AddCaseNoteResponse(_message.Message):
    __slots__ = ("note",)
    NOTE_FIELD_NUMBER: _ClassVar[int]
    note: _case_pb2.CaseNote
    def __init__(self, note: _Optional[_Union[_case_pb2.CaseNote, _Mapping]] = ...) -> None: ...

class AddCaseAttachmentRequest(_message.Message):
    __slots__ = ("case_id", "uri", "name", "media_type", "size", "request_id")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    uri: str
    name: str
    media_type: str
    size: int
    request_id: str
    def __init__(self, case_id: _Optional[str] = ..., uri: _Optional[str] = ..., name: _Optional[str] = ..., media_type: _Optional[str] = ..., size: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class AddCaseAttachmentResponse(_message.Message):
    __slots__ = ("attachment",)
    ATTACHMENT_FIELD_NUMBER: _ClassVar[int]
    attachment: _case_pb2.CaseAttachment
    def __init__(self, attachment: _Optional[_Union[_case_pb2.CaseAttachment, _Mapping]] = ...) -> None: ...

class CloseCaseRequest(_message.Message):
    __slots__ = ("case_id", "disposition", "transaction_ids", "etag")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_IDS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    disposition: str
    transaction_ids: _containers.RepeatedScalarFieldContainer[str]
    etag: str
    def __init__(self, case_id: _Optional[str] = ..., disposition: _Optional[str] = ..., transaction_ids: _Optional[_Iterable[str]] = ..., etag: _Optional[str] = ...) -> None: ...

class CloseCaseResponse(_message.Message):
    __slots__ = ("fraud_case",)
    FRAUD_CASE_FIELD_NUMBER: _ClassVar[int]
    fraud_case: _case_pb2.FraudCase
    def __init__(self, fraud_case: _Optional[_Union[_case_pb2.FraudCase, _Mapping]] = ...) -> None: ...

class ReopenCaseRequest(_message.Message):
    __slots__ = ("case_id", "reason", "etag")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    reason: str
    etag: str
    def __init__(self, case_id: _Optional[str] = ..., reason: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ReopenCaseResponse(_message.Message):
    __slots__ = ("fraud_case",)
    FRAUD_CASE_FIELD_NUMBER: _ClassVar[int]
    fraud_case: _case_pb2.FraudCase
    def __init__(self, fraud_case: _Optional[_Union[_case_pb2.FraudCase, _Mapping]] = ...) -> None: ...

class MergeCasesRequest(_message.Message):
    __slots__ = ("case_id", "other_case_id", "etag")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    other_case_id: str
    etag: str
    def __init__(self, case_id: _Optional[str] = ..., other_case_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class MergeCasesResponse(_message.Message):
    __slots__ = ("fraud_case",)
    FRAUD_CASE_FIELD_NUMBER: _ClassVar[int]
    fraud_case: _case_pb2.FraudCase
    def __init__(self, fraud_case: _Optional[_Union[_case_pb2.FraudCase, _Mapping]] = ...) -> None: ...

class SplitCaseRequest(_message.Message):
    __slots__ = ("case_id", "alert_ids", "etag", "request_id")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ALERT_IDS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    alert_ids: _containers.RepeatedScalarFieldContainer[str]
    etag: str
    request_id: str
    def __init__(self, case_id: _Optional[str] = ..., alert_ids: _Optional[_Iterable[str]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SplitCaseResponse(_message.Message):
    __slots__ = ("fraud_case",)
    FRAUD_CASE_FIELD_NUMBER: _ClassVar[int]
    fraud_case: _case_pb2.FraudCase
    def __init__(self, fraud_case: _Optional[_Union[_case_pb2.FraudCase, _Mapping]] = ...) -> None: ...

class CreateCaseJobRequest(_message.Message):
    __slots__ = ("action", "assignee", "reason", "state", "cause", "entity", "min_level", "of_assignee", "overdue", "request_id")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ASSIGNEE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    MIN_LEVEL_FIELD_NUMBER: _ClassVar[int]
    OF_ASSIGNEE_FIELD_NUMBER: _ClassVar[int]
    OVERDUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    action: str
    assignee: str
    reason: str
    state: str
    cause: str
    entity: str
    min_level: str
    of_assignee: str
    overdue: bool
    request_id: str
    def __init__(self, action: _Optional[str] = ..., assignee: _Optional[str] = ..., reason: _Optional[str] = ..., state: _Optional[str] = ..., cause: _Optional[str] = ..., entity: _Optional[str] = ..., min_level: _Optional[str] = ..., of_assignee: _Optional[str] = ..., overdue: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateCaseJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _case_pb2.CaseJob
    def __init__(self, job: _Optional[_Union[_case_pb2.CaseJob, _Mapping]] = ...) -> None: ...

class GetCaseJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetCaseJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _case_pb2.CaseJob
    def __init__(self, job: _Optional[_Union[_case_pb2.CaseJob, _Mapping]] = ...) -> None: ...
