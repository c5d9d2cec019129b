import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SignInStep(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGN_IN_STEP_UNSPECIFIED: _ClassVar[SignInStep]
    SIGN_IN_STEP_IDENTIFY: _ClassVar[SignInStep]
    SIGN_IN_STEP_SECOND_FACTOR: _ClassVar[SignInStep]
    SIGN_IN_STEP_CONSENT: _ClassVar[SignInStep]
    SIGN_IN_STEP_DONE: _ClassVar[SignInStep]
    SIGN_IN_STEP_ENROL: _ClassVar[SignInStep]

class Factor(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FACTOR_UNSPECIFIED: _ClassVar[Factor]
    FACTOR_TOTP: _ClassVar[Factor]
    FACTOR_PASSKEY: _ClassVar[Factor]
    FACTOR_RECOVERY_CODE: _ClassVar[Factor]
SIGN_IN_STEP_UNSPECIFIED: SignInStep
SIGN_IN_STEP_IDENTIFY: SignInStep
SIGN_IN_STEP_SECOND_FACTOR: SignInStep
SIGN_IN_STEP_CONSENT: SignInStep
SIGN_IN_STEP_DONE: SignInStep
SIGN_IN_STEP_ENROL: SignInStep
FACTOR_UNSPECIFIED: Factor
FACTOR_TOTP: Factor
FACTOR_PASSKEY: Factor
FACTOR_RECOVERY_CODE: Factor

class Interaction(_message.Message):
    __slots__ = ("id", "secret")
    ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    id: str
    secret: str
    def __init__(self, id: _Optional[str] = ..., secret: _Optional[str] = ...) -> None: ...

class SignIn(_message.Message):
    __slots__ = ("step", "tenant", "client_name", "first_party", "scopes", "email", "factors", "provider", "redirect_uri", "session", "user_code", "expire_time")
    STEP_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    FIRST_PARTY_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FACTORS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    USER_CODE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    step: SignInStep
    tenant: str
    client_name: str
    first_party: bool
    scopes: _containers.RepeatedCompositeFieldContainer[AskedScope]
    email: str
    factors: _containers.RepeatedScalarFieldContainer[Factor]
    provider: str
    redirect_uri: str
    session: str
    user_code: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, step: _Optional[_Union[SignInStep, str]] = ..., tenant: _Optional[str] = ..., client_name: _Optional[str] = ..., first_party: _Optional[bool] = ..., scopes: _Optional[_Iterable[_Union[AskedScope, _Mapping]]] = ..., email: _Optional[str] = ..., factors: _Optional[_Iterable[_Union[Factor, str]]] = ..., provider: _Optional[str] = ..., redirect_uri: _Optional[str] = ..., session: _Optional[str] = ..., user_code: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AskedScope(_message.Message):
    __slots__ = ("name", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...
