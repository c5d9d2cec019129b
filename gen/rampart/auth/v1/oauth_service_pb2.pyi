import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rampart.auth.v1 import sign_in_pb2 as _sign_in_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartAuthorizationRequest(_message.Message):
    __slots__ = ("client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "nonce", "prompt", "login_hint", "max_age", "tenant", "session", "dpop_jkt", "response_mode", "refused_parameters")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TYPE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    CODE_CHALLENGE_METHOD_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    LOGIN_HINT_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    DPOP_JKT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_MODE_FIELD_NUMBER: _ClassVar[int]
    REFUSED_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    redirect_uri: str
    response_type: str
    scope: str
    state: str
    code_challenge: str
    code_challenge_method: str
    nonce: str
    prompt: str
    login_hint: str
    max_age: _duration_pb2.Duration
    tenant: str
    session: str
    dpop_jkt: str
    response_mode: str
    refused_parameters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client_id: _Optional[str] = ..., redirect_uri: _Optional[str] = ..., response_type: _Optional[str] = ..., scope: _Optional[str] = ..., state: _Optional[str] = ..., code_challenge: _Optional[str] = ..., code_challenge_method: _Optional[str] = ..., nonce: _Optional[str] = ..., prompt: _Optional[str] = ..., login_hint: _Optional[str] = ..., max_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tenant: _Optional[str] = ..., session: _Optional[str] = ..., dpop_jkt: _Optional[str] = ..., response_mode: _Optional[str] = ..., refused_parameters: _Optional[_Iterable[str]] = ...) -> None: ...

class StartAuthorizationResponse(_message.Message):
    __slots__ = ("interaction", "redirect_uri", "error")
    INTERACTION_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    interaction: _sign_in_pb2.Interaction
    redirect_uri: str
    error: OAuthError
    def __init__(self, interaction: _Optional[_Union[_sign_in_pb2.Interaction, _Mapping]] = ..., redirect_uri: _Optional[str] = ..., error: _Optional[_Union[OAuthError, _Mapping]] = ...) -> None: ...

class OAuthError(_message.Message):
    __slots__ = ("error", "description")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    error: str
    description: str
    def __init__(self, error: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ClientAuthentication(_message.Message):
    __slots__ = ("client_id", "client_secret", "assertion")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_SECRET_FIELD_NUMBER: _ClassVar[int]
    ASSERTION_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    client_secret: str
    assertion: str
    def __init__(self, client_id: _Optional[str] = ..., client_secret: _Optional[str] = ..., assertion: _Optional[str] = ...) -> None: ...

class Proof(_message.Message):
    __slots__ = ("jwt", "method", "url")
    JWT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    jwt: str
    method: str
    url: str
    def __init__(self, jwt: _Optional[str] = ..., method: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class GrantTokenRequest(_message.Message):
    __slots__ = ("client", "grant_type", "scope", "code", "redirect_uri", "code_verifier", "refresh_token", "device_code", "proof", "client_address", "certificate_thumbprint")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    GRANT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    CODE_VERIFIER_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_CODE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_THUMBPRINT_FIELD_NUMBER: _ClassVar[int]
    client: ClientAuthentication
    grant_type: str
    scope: str
    code: str
    redirect_uri: str
    code_verifier: str
    refresh_token: str
    device_code: str
    proof: Proof
    client_address: str
    certificate_thumbprint: str
    def __init__(self, client: _Optional[_Union[ClientAuthentication, _Mapping]] = ..., grant_type: _Optional[str] = ..., scope: _Optional[str] = ..., code: _Optional[str] = ..., redirect_uri: _Optional[str] = ..., code_verifier: _Optional[str] = ..., refresh_token: _Optional[str] = ..., device_code: _Optional[str] = ..., proof: _Optional[_Union[Proof, _Mapping]] = ..., client_address: _Optional[str] = ..., certificate_thumbprint: _Optional[str] = ...) -> None: ...

class GrantTokenResponse(_message.Message):
    __slots__ = ("access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ID_TOKEN_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    token_type: str
    expires_in: _duration_pb2.Duration
    scope: str
    refresh_token: str
    id_token: str
    def __init__(self, access_token: _Optional[str] = ..., token_type: _Optional[str] = ..., expires_in: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., scope: _Optional[str] = ..., refresh_token: _Optional[str] = ..., id_token: _Optional[str] = ...) -> None: ...

class RevokeTokenRequest(_message.Message):
    __slots__ = ("client", "token")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    client: ClientAuthentication
    token: str
    def __init__(self, client: _Optional[_Union[ClientAuthentication, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class RevokeTokenResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class IntrospectTokenRequest(_message.Message):
    __slots__ = ("client", "token")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    client: ClientAuthentication
    token: str
    def __init__(self, client: _Optional[_Union[ClientAuthentication, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class IntrospectTokenResponse(_message.Message):
    __slots__ = ("active", "scope", "client_id", "sub", "tenant_id", "token_type", "expire_time", "issue_time", "aud", "iss", "jti", "roles", "jkt", "certificate_thumbprint")
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SUB_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    AUD_FIELD_NUMBER: _ClassVar[int]
    ISS_FIELD_NUMBER: _ClassVar[int]
    JTI_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    JKT_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_THUMBPRINT_FIELD_NUMBER: _ClassVar[int]
    active: bool
    scope: str
    client_id: str
    sub: str
    tenant_id: str
    token_type: str
    expire_time: _timestamp_pb2.Timestamp
    issue_time: _timestamp_pb2.Timestamp
    aud: str
    iss: str
    jti: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    jkt: str
    certificate_thumbprint: str
    def __init__(self, active: _Optional[bool] = ..., scope: _Optional[str] = ..., client_id: _Optional[str] = ..., sub: _Optional[str] = ..., tenant_id: _Optional[str] = ..., token_type: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., aud: _Optional[str] = ..., iss: _Optional[str] = ..., jti: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., jkt: _Optional[str] = ..., certificate_thumbprint: _Optional[str] = ...) -> None: ...

class AuthorizeDeviceRequest(_message.Message):
    __slots__ = ("client", "scope", "client_address")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    client: ClientAuthentication
    scope: str
    client_address: str
    def __init__(self, client: _Optional[_Union[ClientAuthentication, _Mapping]] = ..., scope: _Optional[str] = ..., client_address: _Optional[str] = ...) -> None: ...

class AuthorizeDeviceResponse(_message.Message):
    __slots__ = ("device_code", "user_code", "expires_in", "interval")
    DEVICE_CODE_FIELD_NUMBER: _ClassVar[int]
    USER_CODE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    device_code: str
    user_code: str
    expires_in: _duration_pb2.Duration
    interval: _duration_pb2.Duration
    def __init__(self, device_code: _Optional[str] = ..., user_code: _Optional[str] = ..., expires_in: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetUserInfoRequest(_message.Message):
    __slots__ = ("access_token", "proof", "certificate_thumbprint")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_THUMBPRINT_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    proof: Proof
    certificate_thumbprint: str
    def __init__(self, access_token: _Optional[str] = ..., proof: _Optional[_Union[Proof, _Mapping]] = ..., certificate_thumbprint: _Optional[str] = ...) -> None: ...

class GetUserInfoResponse(_message.Message):
    __slots__ = ("sub", "name", "email", "email_verified", "tenant_id")
    SUB_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    sub: str
    name: str
    email: str
    email_verified: bool
    tenant_id: str
    def __init__(self, sub: _Optional[str] = ..., name: _Optional[str] = ..., email: _Optional[str] = ..., email_verified: _Optional[bool] = ..., tenant_id: _Optional[str] = ...) -> None: ...
