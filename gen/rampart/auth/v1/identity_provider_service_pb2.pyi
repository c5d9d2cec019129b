from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from rampart.auth.v1 import identity_provider_pb2 as _identity_provider_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetIdentityProviderRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetIdentityProviderResponse(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: _identity_provider_pb2.IdentityProvider
    def __init__(self, provider: _Optional[_Union[_identity_provider_pb2.IdentityProvider, _Mapping]] = ...) -> None: ...

class SetIdentityProviderRequest(_message.Message):
    __slots__ = ("issuer", "client_id", "client_secret", "token_endpoint_auth_method", "display_name", "domains", "roles", "email_trusted", "second_factor_trusted", "required")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ENDPOINT_AUTH_METHOD_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAINS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    EMAIL_TRUSTED_FIELD_NUMBER: _ClassVar[int]
    SECOND_FACTOR_TRUSTED_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    client_id: str
    client_secret: str
    token_endpoint_auth_method: str
    display_name: str
    domains: _containers.RepeatedScalarFieldContainer[str]
    roles: _containers.RepeatedScalarFieldContainer[str]
    email_trusted: bool
    second_factor_trusted: bool
    required: bool
    def __init__(self, issuer: _Optional[str] = ..., client_id: _Optional[str] = ..., client_secret: _Optional[str] = ..., token_endpoint_auth_method: _Optional[str] = ..., display_name: _Optional[str] = ..., domains: _Optional[_Iterable[str]] = ..., roles: _Optional[_Iterable[str]] = ..., email_trusted: _Optional[bool] = ..., second_factor_trusted: _Optional[bool] = ..., required: _Optional[bool] = ...) -> None: ...

class SetIdentityProviderResponse(_message.Message):
    __slots__ = ("provider",)
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: _identity_provider_pb2.IdentityProvider
    def __init__(self, provider: _Optional[_Union[_identity_provider_pb2.IdentityProvider, _Mapping]] = ...) -> None: ...

class RemoveIdentityProviderRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RemoveIdentityProviderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnlinkMemberRequest(_message.Message):
    __slots__ = ("member_id",)
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    member_id: str
    def __init__(self, member_id: _Optional[str] = ...) -> None: ...

class UnlinkMemberResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
