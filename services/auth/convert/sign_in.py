"""Converts attempts to sign in, and what goes on in the name of a member."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.auth.v1 import session_pb2, sign_in_pb2
from rampart.auth.v1 import sign_in_service_pb2 as pb

from services.auth.domain.consents import Consent
from services.auth.domain.grants import Grant
from services.auth.domain.members import SecondFactor
from services.auth.domain.sign_in import AttemptKey, SignInStep, SignInView
from services.auth.domain.sign_in_input import GivenFactor
from services.auth.domain.token_answers import OngoingAccess

__all__ = ["consent_to_proto", "given_from_proto", "key_from_proto", "ongoing_to_proto", "view_to_proto"]

_STEPS = {
    SignInStep.IDENTIFY: sign_in_pb2.SIGN_IN_STEP_IDENTIFY,
    SignInStep.SECOND_FACTOR: sign_in_pb2.SIGN_IN_STEP_SECOND_FACTOR,
    SignInStep.ENROL: sign_in_pb2.SIGN_IN_STEP_ENROL,
    SignInStep.CONSENT: sign_in_pb2.SIGN_IN_STEP_CONSENT,
    SignInStep.DONE: sign_in_pb2.SIGN_IN_STEP_DONE,
}
_FACTORS = {
    SecondFactor.TOTP: sign_in_pb2.FACTOR_TOTP,
    SecondFactor.PASSKEY: sign_in_pb2.FACTOR_PASSKEY,
    SecondFactor.RECOVERY_CODE: sign_in_pb2.FACTOR_RECOVERY_CODE,
}
_GIVEN = {"totp_code": SecondFactor.TOTP, "recovery_code": SecondFactor.RECOVERY_CODE, "passkey": SecondFactor.PASSKEY}
_IDENTITY_WORDS = {
    "openid": "Know who you are.",
    "profile": "Read your display name.",
    "email": "Read your e-mail address.",
    "offline_access": "Go on when you have signed out.",
}


def key_from_proto(message: sign_in_pb2.Interaction) -> AttemptKey:
    return AttemptKey(message.id, message.secret)


def given_from_proto(message: pb.SubmitFactorRequest) -> GivenFactor:
    """Returns what a person gives; nothing given is a code that is wrong."""
    name = message.WhichOneof("given") or "totp_code"
    return GivenFactor(_GIVEN[name], getattr(message, name))


def view_to_proto(view: SignInView, words: Mapping[str, str]) -> sign_in_pb2.SignIn:
    """Returns the attempt; `words` say what scopes let do."""
    described = {**words, **_IDENTITY_WORDS}
    return sign_in_pb2.SignIn(
        step=_STEPS[view.step],
        tenant=view.tenant,
        client_name=view.client_name,
        first_party=view.first_party,
        scopes=[sign_in_pb2.AskedScope(name=name, description=described.get(name, "")) for name in sorted(view.scopes)],
        email=view.email,
        factors=sorted(_FACTORS[factor] for factor in view.factors),
        provider=view.provider,
        redirect_uri=view.redirect_uri,
        session=view.session,
        user_code=view.user_code,
        expire_time=_to_timestamp(view.expires_at),
    )


def ongoing_to_proto(ongoing: OngoingAccess, current: str) -> session_pb2.Session:
    """Returns a session or grant; `current` is the identifier of the one that the call comes from."""
    access = ongoing.access
    message = session_pb2.Session(
        methods=sorted(access.methods),
        use_time=_to_timestamp(access.used_at),
        expire_time=_to_timestamp(access.expires_at),
    )
    if isinstance(access, Grant):
        message.kind = session_pb2.SESSION_KIND_PROGRAM
        message.session_id = access.grant_id
        message.client_id, message.client_name = access.client_id, ongoing.client_name
        message.scopes.extend(sorted(access.scopes))
        message.create_time.FromDatetime(access.created_at)
    else:
        message.kind = session_pb2.SESSION_KIND_BROWSER
        message.session_id = access.session_id
        message.create_time.FromDatetime(access.authenticated_at)
    message.current = message.session_id == current
    return message


def consent_to_proto(consent: Consent) -> session_pb2.Consent:
    return session_pb2.Consent(
        client_id=consent.client_id,
        client_name=consent.client_name,
        scopes=sorted(consent.scopes),
        create_time=_to_timestamp(consent.created_at),
        update_time=_to_timestamp(consent.updated_at),
    )


def _to_timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
