"""Converts requests and answers of the authorization server."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.auth.v1 import oauth_service_pb2 as pb
from rampart.auth.v1 import sign_in_pb2

from services.auth.domain.authorization import AuthorizationParameters, RequestRefusal
from services.auth.domain.devices import NewDevice
from services.auth.domain.sign_in import AttemptKey
from services.auth.domain.token_answers import GrantedTokens, Introspected, PersonClaims
from services.auth.domain.token_requests import ClientProof, GivenProof, TokenRequest

__all__ = [
    "client_from_proto",
    "device_to_proto",
    "granted_to_proto",
    "introspected_to_proto",
    "key_to_proto",
    "parameters_from_proto",
    "person_to_proto",
    "proof_from_proto",
    "started_to_proto",
    "token_request_from_proto",
]


def parameters_from_proto(message: pb.StartAuthorizationRequest) -> AuthorizationParameters:
    return AuthorizationParameters(
        client_id=message.client_id,
        redirect_uri=message.redirect_uri,
        response_type=message.response_type,
        scope=message.scope,
        state=message.state,
        code_challenge=message.code_challenge,
        code_challenge_method=message.code_challenge_method,
        nonce=message.nonce,
        prompt=message.prompt,
        login_hint=message.login_hint,
        max_age=message.max_age.seconds if message.HasField("max_age") else None,
        tenant=message.tenant,
        dpop_jkt=message.dpop_jkt,
        response_mode=message.response_mode,
        refused=tuple(message.refused_parameters),
    )


def started_to_proto(started: AttemptKey | str | RequestRefusal) -> pb.StartAuthorizationResponse:
    if isinstance(started, str):
        return pb.StartAuthorizationResponse(redirect_uri=started)
    if isinstance(started, RequestRefusal):
        error = pb.OAuthError(error=started.error, description=started.description)
        return pb.StartAuthorizationResponse(error=error)
    return pb.StartAuthorizationResponse(interaction=key_to_proto(started))


def key_to_proto(key: AttemptKey) -> sign_in_pb2.Interaction:
    return sign_in_pb2.Interaction(id=key.attempt_id, secret=key.secret)


def client_from_proto(message: pb.ClientAuthentication) -> ClientProof:
    return ClientProof(message.client_id, message.client_secret, message.assertion)


def proof_from_proto(message: pb.Proof) -> GivenProof:
    return GivenProof(message.jwt, message.method, message.url)


def token_request_from_proto(message: pb.GrantTokenRequest) -> TokenRequest:
    return TokenRequest(
        client_from_proto(message.client),
        message.grant_type,
        scope=message.scope,
        code=message.code,
        redirect_uri=message.redirect_uri,
        code_verifier=message.code_verifier,
        refresh_token=message.refresh_token,
        device_code=message.device_code,
        proof=proof_from_proto(message.proof),
        certificate=message.certificate_thumbprint,
    )


def granted_to_proto(granted: GrantedTokens) -> pb.GrantTokenResponse:
    message = pb.GrantTokenResponse(
        access_token=granted.access.token,
        token_type=granted.token_type,
        scope=granted.access.scope,
        refresh_token=granted.refresh_token,
        id_token=granted.identity_token,
    )
    message.expires_in.FromSeconds(granted.access.expires_in)
    return message


def introspected_to_proto(found: Introspected | None) -> pb.IntrospectTokenResponse:
    if found is None:
        return pb.IntrospectTokenResponse(active=False)
    return pb.IntrospectTokenResponse(
        active=True,
        scope=found.scope,
        client_id=found.client_id,
        sub=found.subject,
        tenant_id=found.tenant_id,
        token_type=found.token_type,
        expire_time=_to_timestamp(found.expires_at),
        issue_time=_to_timestamp(found.issued_at),
        aud=found.audience,
        iss=found.issuer,
        jti=found.token_id,
        roles=sorted(found.roles),
        jkt=found.bound.jkt,
        certificate_thumbprint=found.bound.certificate,
    )


def device_to_proto(new: NewDevice) -> pb.AuthorizeDeviceResponse:
    message = pb.AuthorizeDeviceResponse(device_code=new.device_code, user_code=new.user_code)
    message.expires_in.FromSeconds(new.expires_in)
    message.interval.FromSeconds(new.interval)
    return message


def person_to_proto(claims: PersonClaims) -> pb.GetUserInfoResponse:
    return pb.GetUserInfoResponse(
        sub=claims.subject,
        name=claims.name,
        email=claims.email,
        email_verified=claims.email_verified,
        tenant_id=claims.tenant_id,
    )


def _to_timestamp(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMilliseconds(round(seconds * 1000))
    return stamp
