import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rampart.fraud.v1 import feature_pb2 as _feature_pb2
from rampart.fraud.v1 import feature_verification_pb2 as _feature_verification_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from rampart.mesh.v1 import preconditions_pb2 as _preconditions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateFeatureRequest(_message.Message):
    __slots__ = ("feature", "request_id")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    feature: _feature_pb2.Feature
    request_id: str
    def __init__(self, feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateFeatureResponse(_message.Message):
    __slots__ = ("feature",)
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    feature: _feature_pb2.Feature
    def __init__(self, feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ...) -> None: ...

class GetFeatureRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetFeatureResponse(_message.Message):
    __slots__ = ("feature",)
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    feature: _feature_pb2.Feature
    def __init__(self, feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ...) -> None: ...

class ListFeaturesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFeaturesResponse(_message.Message):
    __slots__ = ("features", "next_page_token")
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    features: _containers.RepeatedCompositeFieldContainer[_feature_pb2.Feature]
    next_page_token: str
    def __init__(self, features: _Optional[_Iterable[_Union[_feature_pb2.Feature, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateFeatureRequest(_message.Message):
    __slots__ = ("feature", "update_mask", "request_id", "preconditions")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    feature: _feature_pb2.Feature
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class UpdateFeatureResponse(_message.Message):
    __slots__ = ("feature",)
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    feature: _feature_pb2.Feature
    def __init__(self, feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ...) -> None: ...

class DeleteFeatureRequest(_message.Message):
    __slots__ = ("name", "request_id", "etag", "preconditions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    etag: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class DeleteFeatureResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VerifyFeaturesRequest(_message.Message):
    __slots__ = ("since", "until", "features")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    features: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., features: _Optional[_Iterable[str]] = ...) -> None: ...

class VerifyFeaturesResponse(_message.Message):
    __slots__ = ("progress", "difference", "summary")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    progress: _feature_verification_pb2.VerificationProgress
    difference: _feature_verification_pb2.FeatureDifference
    summary: _feature_verification_pb2.VerificationSummary
    def __init__(self, progress: _Optional[_Union[_feature_verification_pb2.VerificationProgress, _Mapping]] = ..., difference: _Optional[_Union[_feature_verification_pb2.FeatureDifference, _Mapping]] = ..., summary: _Optional[_Union[_feature_verification_pb2.VerificationSummary, _Mapping]] = ...) -> None: ...

class RebuildFeaturesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RebuildFeaturesResponse(_message.Message):
    __slots__ = ("state", "features")
    STATE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    state: str
    features: int
    def __init__(self, state: _Optional[str] = ..., features: _Optional[int] = ...) -> None: ...
