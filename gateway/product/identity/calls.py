"""Calls the authorization server for the pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from google.protobuf.message import Message
from rampart.auth.v1 import account_service_pb2 as account
from rampart.auth.v1 import oauth_service_pb2 as oauth
from rampart.auth.v1 import session_service_pb2 as sessions
from rampart.auth.v1 import sign_in_service_pb2 as sign_in

from gateway.calls.upstream import Upstream
from gateway.compile.plan import MethodPlan, Plan
from meshkit.context import CallContext
from meshkit.identity.policy import Policy

__all__ = [
    "BEGIN_PASSKEY", "CHANGE_PASSWORD", "CONFIRM_TOTP", "CREATE_PASSKEY", "CREATE_RECOVERY_CODES", "DELETE_CONSENT",
    "DELETE_PASSKEY", "DELETE_TOTP", "END_SESSION", "FINISH_FEDERATION", "GET_ACCOUNT", "GET_LINK", "GET_SIGN_IN",
    "LIST_CONSENTS", "LIST_PASSKEYS", "LIST_SESSIONS", "OPEN_SESSION", "RENAME_PASSKEY", "SIGN_OUT",
    "START_AUTHORIZATION", "START_FEDERATION", "START_PASSKEY", "START_SIGN_IN", "START_TOTP", "SUBMIT_CONSENT",
    "SUBMIT_FACTOR", "SUBMIT_PASSWORD", "USE_LINK", "AnswerT", "IdentityCalls", "Rpc",
]  # fmt: skip

AnswerT = TypeVar("AnswerT", bound=Message)

_OAUTH = "/rampart.auth.v1.OAuthService/"
_SIGN_IN = "/rampart.auth.v1.SignInService/"
_ACCOUNT = "/rampart.auth.v1.AccountService/"
_SESSIONS = "/rampart.auth.v1.SessionService/"


@dataclass(frozen=True, slots=True)
class Rpc(Generic[AnswerT]):
    """A method of the mesh, and what it answers with."""

    path: str
    answer: type[AnswerT]


START_AUTHORIZATION = Rpc(f"{_OAUTH}StartAuthorization", oauth.StartAuthorizationResponse)
START_SIGN_IN = Rpc(f"{_SIGN_IN}StartSignIn", sign_in.StartSignInResponse)
GET_SIGN_IN = Rpc(f"{_SIGN_IN}GetSignIn", sign_in.GetSignInResponse)
SUBMIT_PASSWORD = Rpc(f"{_SIGN_IN}SubmitPassword", sign_in.SubmitPasswordResponse)
SUBMIT_FACTOR = Rpc(f"{_SIGN_IN}SubmitFactor", sign_in.SubmitFactorResponse)
BEGIN_PASSKEY = Rpc(f"{_SIGN_IN}BeginPasskey", sign_in.BeginPasskeyResponse)
START_FEDERATION = Rpc(f"{_SIGN_IN}StartFederation", sign_in.StartFederationResponse)
FINISH_FEDERATION = Rpc(f"{_SIGN_IN}FinishFederation", sign_in.FinishFederationResponse)
SUBMIT_CONSENT = Rpc(f"{_SIGN_IN}SubmitConsent", sign_in.SubmitConsentResponse)
OPEN_SESSION = Rpc(f"{_SIGN_IN}OpenSession", sign_in.OpenSessionResponse)
SIGN_OUT = Rpc(f"{_SIGN_IN}SignOut", sign_in.SignOutResponse)
GET_LINK = Rpc(f"{_SIGN_IN}GetLink", sign_in.GetLinkResponse)
USE_LINK = Rpc(f"{_SIGN_IN}UseLink", sign_in.UseLinkResponse)
GET_ACCOUNT = Rpc(f"{_ACCOUNT}GetAccount", account.GetAccountResponse)
CHANGE_PASSWORD = Rpc(f"{_ACCOUNT}ChangePassword", account.ChangePasswordResponse)
START_TOTP = Rpc(f"{_ACCOUNT}StartTotp", account.StartTotpResponse)
CONFIRM_TOTP = Rpc(f"{_ACCOUNT}ConfirmTotp", account.ConfirmTotpResponse)
DELETE_TOTP = Rpc(f"{_ACCOUNT}DeleteTotp", account.DeleteTotpResponse)
START_PASSKEY = Rpc(f"{_ACCOUNT}StartPasskey", account.StartPasskeyResponse)
CREATE_PASSKEY = Rpc(f"{_ACCOUNT}CreatePasskey", account.CreatePasskeyResponse)
LIST_PASSKEYS = Rpc(f"{_ACCOUNT}ListPasskeys", account.ListPasskeysResponse)
RENAME_PASSKEY = Rpc(f"{_ACCOUNT}RenamePasskey", account.RenamePasskeyResponse)
DELETE_PASSKEY = Rpc(f"{_ACCOUNT}DeletePasskey", account.DeletePasskeyResponse)
LIST_SESSIONS = Rpc(f"{_SESSIONS}ListSessions", sessions.ListSessionsResponse)
END_SESSION = Rpc(f"{_SESSIONS}EndSession", sessions.EndSessionResponse)
LIST_CONSENTS = Rpc(f"{_SESSIONS}ListConsents", sessions.ListConsentsResponse)
DELETE_CONSENT = Rpc(f"{_SESSIONS}DeleteConsent", sessions.DeleteConsentResponse)
CREATE_RECOVERY_CODES = Rpc(f"{_ACCOUNT}CreateRecoveryCodes", account.CreateRecoveryCodesResponse)


class IdentityCalls:
    """Sends the calls of one page after another, each within the time of its method."""

    def __init__(self, plan: Plan, upstream: Upstream) -> None:
        self._plan = plan
        self._upstream = upstream

    @property
    def policy(self) -> Policy:
        """By which a page is admitted, whatever it calls: that of a method without a token."""
        return self._method(GET_SIGN_IN.path).policy

    async def send(self, rpc: Rpc[AnswerT], request: Message, call: CallContext, token: str = "") -> AnswerT:
        """Returns the answer. `token` is the access token of the person, if the method needs one. Raises MeshError."""
        method = self._method(rpc.path)
        own = replace(call, token=token)
        own.limit(method.policy.deadline)
        return rpc.answer.FromString(await self._upstream.call(method, request.SerializeToString(), own))

    def _method(self, path: str) -> MethodPlan:
        return self._plan.methods[path]
