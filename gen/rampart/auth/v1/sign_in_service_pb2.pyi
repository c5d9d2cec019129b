import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from rampart.auth.v1 import sign_in_pb2 as _sign_in_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LinkKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_KIND_UNSPECIFIED: _ClassVar[LinkKind]
    LINK_KIND_INVITATION: _ClassVar[LinkKind]
    LINK_KIND_RESET: _ClassVar[LinkKind]
LINK_KIND_UNSPECIFIED: LinkKind
LINK_KIND_INVITATION: LinkKind
LINK_KIND_RESET: LinkKind

class StartSignInRequest(_message.Message):
    __slots__ = ("session", "user_code", "tenant", "again", "client_address")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    USER_CODE_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    session: str
    user_code: str
    tenant: str
    again: bool
    client_address: str
    def __init__(self, session: _Optional[str] = ..., user_code: _Optional[str] = ..., tenant: _Optional[str] = ..., again: _Optional[bool] = ..., client_address: _Optional[str] = ...) -> None: ...

class StartSignInResponse(_message.Message):
    __slots__ = ("interaction", "sign_in")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    sign_in: _sign_in_pb2.SignIn
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ..., sign_in: _Optional[_Union[_sign_in_pb2.SignIn, _Mapping]] = ...) -> None: ...

class GetSignInRequest(_message.Message):
    __slots__ = ("interaction",)
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ...) -> None: ...

class GetSignInResponse(_message.Message):
    __slots__ = ("sign_in",)
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    sign_in: _sign_in_pb2.SignIn
    def __init__(self, sign_in: _Optional[_Union[_sign_in_pb2.SignIn, _Mapping]] = ...) -> None: ...

class SubmitPasswordRequest(_message.Message):
    __slots__ = ("interaction", "tenant", "email", "password", "client_address", "device")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    tenant: str
    email: str
    password: str
    client_address: str
    device: str
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ..., tenant: _Optional[str] = ..., email: _Optional[str] = ..., password: _Optional[str] = ..., client_address: _Optional[str] = ..., device: _Optional[str] = ...) -> None: ...

class SubmitPasswordResponse(_message.Message):
    __slots__ = ("sign_in",)
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    sign_in: _sign_in_pb2.SignIn
    def __init__(self, sign_in: _Optional[_Union[_sign_in_pb2.SignIn, _Mapping]] = ...) -> None: ...

class SubmitFactorRequest(_message.Message):
    __slots__ = ("interaction", "totp_code", "recovery_code", "passkey", "client_address", "device")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    TOTP_CODE_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_CODE_FIELD_NUMBER: _ClassVar[int]
    PASSKEY_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    totp_code: str
    recovery_code: str
    passkey: str
    client_address: str
    device: str
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ..., totp_code: _Optional[str] = ..., recovery_code: _Optional[str] = ..., passkey: _Optional[str] = ..., client_address: _Optional[str] = ..., device: _Optional[str] = ...) -> None: ...

class SubmitFactorResponse(_message.Message):
    __slots__ = ("sign_in",)
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    sign_in: _sign_in_pb2.SignIn
    def __init__(self, sign_in: _Optional[_Union[_sign_in_pb2.SignIn, _Mapping]] = ...) -> None: ...

class BeginPasskeyRequest(_message.Message):
    __slots__ = ("interaction",)
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ...) -> None: ...

class BeginPasskeyResponse(_message.Message):
    __slots__ = ("options",)
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    options: str
    def __init__(self, options: _Optional[str] = ...) -> None: ...

class StartFederationRequest(_message.Message):
    __slots__ = ("interaction", "tenant")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    tenant: str
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ..., tenant: _Optional[str] = ...) -> None: ...

class StartFederationResponse(_message.Message):
    __slots__ = ("redirect_uri",)
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    redirect_uri: str
    def __init__(self, redirect_uri: _Optional[str] = ...) -> None: ...

class FinishFederationRequest(_message.Message):
    __slots__ = ("interaction", "code", "state", "iss", "error", "client_address", "device", "tenant")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ISS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    code: str
    state: str
    iss: str
    error: str
    client_address: str
    device: str
    tenant: str
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ..., code: _Optional[str] = ..., state: _Optional[str] = ..., iss: _Optional[str] = ..., error: _Optional[str] = ..., client_address: _Optional[str] = ..., device: _Optional[str] = ..., tenant: _Optional[str] = ...) -> None: ...

class FinishFederationResponse(_message.Message):
    __slots__ = ("sign_in",)
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    sign_in: _sign_in_pb2.SignIn
    def __init__(self, sign_in: _Optional[_Union[_sign_in_pb2.SignIn, _Mapping]] = ...) -> None: ...

class SubmitConsentRequest(_message.Message):
    __slots__ = ("interaction", "allowed")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    allowed: bool
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ..., allowed: _Optional[bool] = ...) -> None: ...

class SubmitConsentResponse(_message.Message):
    __slots__ = ("sign_in",)
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    sign_in: _sign_in_pb2.SignIn
    def __init__(self, sign_in: _Optional[_Union[_sign_in_pb2.SignIn, _Mapping]] = ...) -> None: ...

class OpenSessionRequest(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: str
    def __init__(self, session: _Optional[str] = ...) -> None: ...

class OpenSessionResponse(_message.Message):
    __slots__ = ("access_token", "expires_in")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    expires_in: _duration_pb2.Duration
    def __init__(self, access_token: _Optional[str] = ..., expires_in: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SignOutRequest(_message.Message):
    __slots__ = ("session", "everywhere")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    EVERYWHERE_FIELD_NUMBER: _ClassVar[int]
    session: str
    everywhere: bool
    def __init__(self, session: _Optional[str] = ..., everywhere: _Optional[bool] = ...) -> None: ...

class SignOutResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLinkRequest(_message.Message):
    __slots__ = ("link",)
    LINK_FIELD_NUMBER: _ClassVar[int]
    link: str
    def __init__(self, link: _Optional[str] = ...) -> None: ...

class GetLinkResponse(_message.Message):
    __slots__ = ("kind", "tenant", "email")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    kind: LinkKind
    tenant: str
    email: str
    def __init__(self, kind: _Optional[_Union[LinkKind, str]] = ..., tenant: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...

class UseLinkRequest(_message.Message):
    __slots__ = ("link", "password", "client_address", "device")
    LINK_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    link: str
    password: str
    client_address: str
    device: str
    def __init__(self, link: _Optional[str] = ..., password: _Optional[str] = ..., client_address: _Optional[str] = ..., device: _Optional[str] = ...) -> None: ...

class UseLinkResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
