"""A mesh in memory that signs people in as the protos say it, for the pages of the edge."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from rampart.auth.v1 import account_service_pb2 as account
from rampart.auth.v1 import oauth_service_pb2 as oauth
from rampart.auth.v1 import session_service_pb2 as sessions
from rampart.auth.v1 import sign_in_pb2 as pb
from rampart.auth.v1 import sign_in_service_pb2 as service

from gateway.calls.upstream import CacheUse
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from tests.support.account_twin import AccountAnswers, challenge_of, refused, totp

__all__ = ["PASSWORD", "REDIRECT", "Person", "SignInTwin", "TwinUpstream", "totp"]

PASSWORD = "four words of hers"
_WORDS = re.compile(r"([A-Z])")
REDIRECT = "https://shop.example/back"


_MODULES: dict[str, Any] = {
    "rampart.auth.v1.AccountService": account,
    "rampart.auth.v1.OAuthService": oauth,
    "rampart.auth.v1.SessionService": sessions,
    "rampart.auth.v1.SignInService": service,
}


@dataclass
class Person:
    email: str
    tenant: str = "acme"
    password: str = PASSWORD
    totp_secret: str = ""
    recovery_codes: list[str] = field(default_factory=list)
    passkey: bool = False
    passkeys: dict[str, str] = field(default_factory=dict)
    """Names by identifier."""
    name: str = "Ada"
    new_secret: str = ""
    programs: dict[str, str] = field(default_factory=dict)
    """Names of programs that act for the person, by the identifier of their grant."""
    consents: dict[str, str] = field(default_factory=dict)
    """Names of clients that the person has allowed something, by identifier."""

    @property
    def factors(self) -> list[pb.Factor]:
        return [
            *([pb.FACTOR_PASSKEY] if self.passkey or self.passkeys else []),
            *([pb.FACTOR_TOTP] if self.totp_secret else []),
            *([pb.FACTOR_RECOVERY_CODE] if self.recovery_codes else []),
        ]


@dataclass
class Attempt:
    secret: str
    state: pb.SignIn
    person: Person | None = None
    challenge: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    consents: bool = True
    enrolled: bool = True


@dataclass
class SignInTwin(AccountAnswers):
    """Answers the methods of the pages. `error` is raised once instead, if it is set."""

    people: list[Person] = field(default_factory=lambda: [Person("ada@acme.example")])
    client_name: str = "Shop"
    redirect_uri: str = REDIRECT
    first_party: bool = False
    provider: str = ""
    scopes: list[tuple[str, str]] = field(default_factory=lambda: [("decision:read", "See `decisions`")])
    links: dict[str, tuple[int, Person]] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    """By user code, "pending" or how they ended."""
    attempts: dict[str, Attempt] = field(default_factory=dict)
    sessions: dict[str, Person] = field(default_factory=dict)
    error: MeshError | None = None
    refuse: dict[str, MeshError] = field(default_factory=dict)
    """What a method raises, by its name."""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    here: Person = field(default_factory=lambda: Person("nobody@acme.example"))
    """Whose token the call that is answered has."""
    again: bool = False
    """True asks for a proof that is more recent, before anything of an account is changed."""
    needs_second: bool = False
    """True asks everybody to have a second factor."""
    tells_where: bool = True
    """False leaves out where the browser will go, until all is done."""

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        name = method.full_name.rpartition("/")[2]
        asked = getattr(_MODULES[method.full_name.split("/")[1]], f"{name}Request").FromString(request)
        self.calls.append((name, asked))
        if self.error is not None and name not in ("GetSignIn", "GetLink"):
            error, self.error = self.error, None
            raise error
        if name in self.refuse:
            raise self.refuse[name]
        if method.policy.public:
            assert not call.token, "the token is for methods that need one"
        else:
            self._here(call.token)
        answer: bytes = getattr(self, _WORDS.sub(r"_\1", f"on{name}").lower())(asked).SerializeToString()
        return answer

    def forget(self) -> None:
        """Forgets everybody who has signed in, or has begun to."""
        for kept in (self.attempts, self.sessions, self.links, self.devices):
            kept.clear()

    def asked(self, name: str) -> Any:
        """Returns the last request of a method."""
        return next(request for each, request in reversed(self.calls) if each == name)

    def on_start_authorization(self, asked: Any) -> Any:
        if asked.client_id != "shop" or asked.redirect_uri != self.redirect_uri:
            error = oauth.OAuthError(error="invalid_request", description="the client has no such redirect URI")
            return oauth.StartAuthorizationResponse(error=error)
        if asked.refused_parameters or asked.code_challenge_method != "S256":
            answer = {"error": "invalid_request", "state": asked.state, "iss": "https://issuer.example"}
            return oauth.StartAuthorizationResponse(redirect_uri=f"{self.redirect_uri}?{urlencode(answer)}")
        state = pb.SignIn(client_name=self.client_name, first_party=self.first_party, email=asked.login_hint)
        state.tenant, state.provider = asked.tenant, self.provider
        if self.tells_where:
            state.redirect_uri = self.redirect_uri
        for name, description in self.scopes:
            state.scopes.add(name=name, description=description)
        interaction, attempt = self._begin(state, asked.session if asked.prompt != "login" else "")
        attempt.parameters = {"state": asked.state}
        attempt.consents = self.first_party
        self._go_on(attempt)
        if attempt.state.step == pb.SIGN_IN_STEP_DONE:
            return oauth.StartAuthorizationResponse(redirect_uri=attempt.state.redirect_uri)
        return oauth.StartAuthorizationResponse(interaction=interaction)

    def on_start_sign_in(self, asked: Any) -> Any:
        state = pb.SignIn(tenant=asked.tenant, user_code=asked.user_code)
        if asked.user_code:
            if asked.user_code not in self.devices:
                raise refused("SIGN_IN_REFUSED")
            state.client_name = self.client_name
            state.scopes.add(name="decision:read", description="See decisions")
        interaction, attempt = self._begin(state, "" if asked.again else asked.session)
        attempt.consents = not asked.user_code
        self._go_on(attempt)
        return service.StartSignInResponse(interaction=interaction, sign_in=attempt.state)

    def on_get_sign_in(self, asked: Any) -> Any:
        attempt = self._attempt(asked)
        if not attempt.enrolled and attempt.person is not None and attempt.person.factors:
            attempt.enrolled = True
            self._go_on(attempt)
        return service.GetSignInResponse(sign_in=attempt.state)

    def on_submit_password(self, asked: Any) -> Any:
        attempt = self._attempt(asked)
        tenant = attempt.state.tenant or asked.tenant
        for person in self.people:
            if (person.tenant, person.email, person.password) == (tenant, asked.email, asked.password):
                self._prove(attempt, person, second=not person.factors)
                return service.SubmitPasswordResponse(sign_in=attempt.state)
        raise refused("SIGN_IN_REFUSED")

    def on_submit_factor(self, asked: Any) -> Any:
        attempt, given = self._attempt(asked), asked.WhichOneof("given")
        person = attempt.person or next((each for each in self.people if each.passkey or each.passkeys), None)
        assert person is not None
        good = {
            "totp_code": lambda: asked.totp_code in [totp(person.totp_secret, step) for step in (-1, 0, 1)],
            "recovery_code": lambda: asked.recovery_code in person.recovery_codes,
            "passkey": lambda: challenge_of(asked.passkey) == attempt.challenge != "",
        }
        if given is None or not good[given]():
            raise refused("SIGN_IN_REFUSED")
        self._prove(attempt, person, second=True)
        return service.SubmitFactorResponse(sign_in=attempt.state)

    def on_begin_passkey(self, asked: Any) -> Any:
        attempt = self._attempt(asked)
        attempt.challenge = secrets.token_urlsafe(32)
        options = {"challenge": attempt.challenge, "rpId": "localhost", "userVerification": "required"}
        return service.BeginPasskeyResponse(options=json.dumps(options))

    def on_start_federation(self, asked: Any) -> Any:
        attempt = self._attempt(asked)
        if not self.provider:
            raise MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "the tenant has no provider")
        attempt.parameters["federation"] = state = f"{asked.interaction.id}.other-state"
        return service.StartFederationResponse(redirect_uri=f"https://provider.example/authorize?state={state}")

    def on_finish_federation(self, asked: Any) -> Any:
        attempt = self._attempt(asked)
        if asked.error or asked.state != attempt.parameters.get("federation"):
            raise refused("SIGN_IN_REFUSED")
        self._prove(attempt, self.people[0], second=True)
        return service.FinishFederationResponse(sign_in=attempt.state)

    def on_submit_consent(self, asked: Any) -> Any:
        attempt = self._attempt(asked)
        if attempt.state.user_code:
            self.devices[attempt.state.user_code] = "allowed" if asked.allowed else "refused"
        attempt.consents = True
        if not asked.allowed:
            attempt.parameters["error"] = "access_denied"
        self._go_on(attempt)
        return service.SubmitConsentResponse(sign_in=attempt.state)

    def on_sign_out(self, asked: Any) -> Any:
        person = self.sessions.pop(asked.session, None)
        if asked.everywhere:
            self.sessions = {secret: each for secret, each in self.sessions.items() if each is not person}
        return service.SignOutResponse()

    def on_open_session(self, asked: Any) -> Any:
        if asked.session not in self.sessions:
            raise MeshError(Kind.UNAUTHENTICATED, "SESSION_INVALID", "the session is over")
        return service.OpenSessionResponse(access_token=f"token-of-{self.sessions[asked.session].email}")

    def on_get_link(self, asked: Any) -> Any:
        kind, person = self._link(asked.link)
        return service.GetLinkResponse(kind=kind, tenant=person.tenant, email=person.email)

    def on_use_link(self, asked: Any) -> Any:
        _, person = self._link(asked.link)
        if len(asked.password) < 8:
            raise MeshError(Kind.INVALID_ARGUMENT, "PASSWORD_REFUSED", "the password has fewer than 8 characters")
        person.password = asked.password
        del self.links[asked.link]
        return service.UseLinkResponse()

    def _link(self, secret: str) -> tuple[Any, Person]:
        if secret not in self.links:
            raise MeshError(Kind.NOT_FOUND, "LINK_INVALID", "the link is of no use")
        return self.links[secret]

    def _begin(self, state: pb.SignIn, session: str) -> tuple[pb.Interaction, Attempt]:
        attempt = Attempt(secrets.token_urlsafe(32), state, self.sessions.get(session))
        identifier = secrets.token_urlsafe(12)
        self.attempts[identifier] = attempt
        state.step = pb.SIGN_IN_STEP_CONSENT if attempt.person else pb.SIGN_IN_STEP_IDENTIFY
        return pb.Interaction(id=identifier, secret=attempt.secret), attempt

    def _attempt(self, asked: Any) -> Attempt:
        found = self.attempts.get(asked.interaction.id)
        if found is None or found.secret != asked.interaction.secret:
            raise MeshError(Kind.NOT_FOUND, "INTERACTION_INVALID", "there is no such attempt")
        return found

    def _prove(self, attempt: Attempt, person: Person, *, second: bool) -> None:
        attempt.person, state = person, attempt.state
        state.email, state.tenant = person.email, person.tenant
        del state.factors[:]
        if not second:
            state.step = pb.SIGN_IN_STEP_SECOND_FACTOR
            state.factors.extend(person.factors)
            return
        attempt.enrolled = not self.needs_second or bool(person.factors)
        state.session = f"rss_{secrets.token_urlsafe(32)}"
        self.sessions[state.session] = person
        self._go_on(attempt)

    def _go_on(self, attempt: Attempt) -> None:
        state = attempt.state
        if attempt.person is None:
            return
        state.email, state.tenant = attempt.person.email, attempt.person.tenant
        state.step = pb.SIGN_IN_STEP_DONE if attempt.consents else pb.SIGN_IN_STEP_CONSENT
        if not attempt.enrolled:
            state.step = pb.SIGN_IN_STEP_ENROL
            return
        if attempt.consents and "state" in attempt.parameters:
            answer = {name: value for name, value in attempt.parameters.items() if name in ("state", "error")}
            code = {} if "error" in answer else {"code": f"rac_{secrets.token_urlsafe(16)}"}
            state.redirect_uri = f"{self.redirect_uri}?{urlencode(code | answer | {'iss': 'https://issuer.example'})}"


class TwinUpstream:
    """Hands calls to a twin that can be put in place of another, under a gateway that stays."""

    def __init__(self) -> None:
        self.twin = SignInTwin()

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        return await self.twin.call(method, request, call, use)
