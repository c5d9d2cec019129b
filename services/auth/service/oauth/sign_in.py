"""Signs a person in, step by step: who it is, a second factor, and what it allows."""

from __future__ import annotations

from dataclasses import replace

from meshkit.errors import Kind, MeshError
from services.auth import errors
from services.auth.domain.federation import FEDERATED, ProviderAnswer
from services.auth.domain.members import Proven, SecondFactor
from services.auth.domain.sign_in import AttemptKey, SignInAttempt, SignInStep, SignInView
from services.auth.domain.sign_in_input import Browser, GivenFactor, GivenPassword
from services.auth.ports.sign_in import TenantReader
from services.auth.service.federation.signing_in import Federation
from services.auth.service.oauth.attempts import SignInAttempts
from services.auth.service.oauth.consents import Consents
from services.auth.service.oauth.enrolment import Enrolment
from services.auth.service.oauth.sessions import SessionKeeper, SignedIn
from services.auth.service.oauth.views import SignInViews
from services.auth.service.people.authentication import Authentication
from services.auth.service.people.guard import AttemptGuard

__all__ = ["SignIn"]

_ALONE = (frozenset({"pwd"}), frozenset({FEDERATED}))
"""What is not enough for a member who has a second factor."""


class SignIn:
    """Takes the steps of attempts. Every method raises INTERACTION_INVALID for one that is over or another browser's.

    Those that are given something to check raise SIGN_IN_REFUSED and SIGN_IN_THROTTLED.
    """

    def __init__(
        self,
        *,
        authentication: Authentication,
        guard: AttemptGuard,
        tenants: TenantReader,
        sessions: SessionKeeper,
        attempts: SignInAttempts,
        consents: Consents,
        enrolment: Enrolment,
        views: SignInViews,
        federation: Federation,
    ) -> None:
        self._authentication = authentication
        self._guard = guard
        self._tenants = tenants
        self._sessions = sessions
        self._attempts = attempts
        self._consents = consents
        self._enrolment = enrolment
        self._views = views
        self._federation = federation

    async def begin(
        self, session: str, user_code: str, tenant: str, again: bool, address: str = ""
    ) -> tuple[AttemptKey, SignInView]:
        """Begins to sign in to the account page, or to let in a device.

        Raises RESOURCE_NOT_FOUND for no device, and SIGN_IN_THROTTLED for an address that has guessed codes.
        """
        if user_code:
            await self._check_code(user_code, address)
        had = await self._sessions.find(session)
        found = await self._tenants.find_tenant(tenant) if tenant else None
        named = (found.tenant_id, found.name) if found is not None else None
        key = await self._attempts.begin(user_code=user_code, tenant=named, who=None if again else had, had=had)
        return key, await self.get(key)

    async def _check_code(self, user_code: str, address: str) -> None:
        """Checks that a device waits with a code, of which a failure is counted (RFC 8628, section 5.1)."""
        admission = await self._guard.enter_unnamed(self._guard.origin(address))
        await self._consents.waiting_device(user_code)
        await self._guard.passed(admission)

    async def get(self, key: AttemptKey) -> SignInView:
        """Returns where an attempt stands."""
        attempt = await self._attempts.find(key)
        return await self._views.of(attempt, await self._step(attempt))

    async def password(self, key: AttemptKey, given: GivenPassword, browser: Browser) -> SignInView:
        """Checks a password."""
        attempt = await self._attempts.find(key)
        if attempt.session:
            raise errors.interaction_invalid()
        named = attempt.tenant or given.tenant
        try:
            proven = await self._authentication.check_password(
                named, given.email, given.password, browser.address, browser.device
            )
        except MeshError as error:
            if error.kind is Kind.UNAUTHENTICATED:
                await self._federation.check_address(named, given.email)
            raise
        return await self._proven(attempt, proven, frozenset())

    async def factor(self, key: AttemptKey, given: GivenFactor, browser: Browser) -> SignInView:
        """Checks a second factor, or a passkey as the first."""
        attempt = await self._attempts.find(key)
        if attempt.session:
            raise errors.interaction_invalid()
        if given.factor is SecondFactor.PASSKEY:
            return await self._passkey(attempt, given.given, browser)
        if not attempt.member_id:
            raise errors.interaction_invalid()
        check = self._authentication.check_totp
        if given.factor is SecondFactor.RECOVERY_CODE:
            check = self._authentication.check_recovery_code
        proven = await check(attempt.member_id, given.given, browser.address, browser.device)
        return await self._proven(attempt, proven, attempt.methods)

    async def begin_passkey(self, key: AttemptKey) -> str:
        """Returns what a browser needs to be asked for a passkey, as JSON."""
        attempt = await self._attempts.find(key)
        options, state = await self._authentication.begin_passkey(attempt.tenant_id or None, attempt.member_id or None)
        await self._attempts.step(attempt, passkey=state)
        return options

    async def consent(self, key: AttemptKey, allowed: bool) -> SignInView:
        """Says whether the client or the device gets what it asks for."""
        attempt = await self._attempts.find(key)
        who = await self._who(attempt)
        if attempt.request is None and not attempt.user_code:
            raise errors.interaction_invalid()
        if allowed and await self._enrolment.needed(who):
            return await self._views.of(attempt, SignInStep.ENROL)
        if allowed and attempt.request is not None:
            await self._consents.remember(attempt.request, await self._views.client(attempt), who)
        return await self._answered(attempt, who, allowed)

    async def start_federation(self, key: AttemptKey, tenant: str) -> str:
        """Returns where the browser goes to sign in at the tenant's own provider.

        Raises RESOURCE_NOT_FOUND and DEPENDENCY_UNAVAILABLE.
        """
        attempt = await self._attempts.find(key)
        if attempt.session:
            raise errors.interaction_invalid()
        address, under_way = await self._federation.start(attempt, tenant)
        await self._attempts.step(attempt, federation=under_way)
        return address

    async def finish_federation(self, key: AttemptKey, answer: ProviderAnswer, browser: Browser) -> SignInView:
        """Takes the answer of the tenant's own provider, which counts once. Raises DEPENDENCY_UNAVAILABLE."""
        attempt = await self._attempts.find(key)
        if attempt.session or not attempt.federation:
            raise errors.interaction_invalid()
        under_way = self._federation.opened(attempt, answer)
        vouched = await self._authentication.admit(browser.address, browser.device)
        attempt = await self._attempts.step(attempt, federation="")
        try:
            proven = await self._federation.finish(under_way, answer)
        except MeshError as error:
            if error.kind is Kind.UNAVAILABLE:
                await self._authentication.release(vouched)
            raise
        view = await self._proven(attempt, proven, frozenset())
        await self._authentication.accept(vouched, proven.member, fully=view.step is not SignInStep.SECOND_FACTOR)
        return view

    async def _passkey(self, attempt: SignInAttempt, given: str, browser: Browser) -> SignInView:
        if not attempt.passkey:
            raise errors.interaction_invalid()
        state, attempt = attempt.passkey, await self._attempts.step(attempt, passkey=b"")
        proven = await self._authentication.finish_passkey(state, given, browser.address, browser.device)
        return await self._proven(attempt, proven, attempt.methods if attempt.member_id else frozenset())

    async def _proven(self, attempt: SignInAttempt, proven: Proven, before: frozenset[str]) -> SignInView:
        """Goes on with who was proven: of the tenant that the attempt is for, and the same as before."""
        member, methods = proven.member, proven.methods | before
        if attempt.tenant_id and member.tenant_id != attempt.tenant_id:
            raise errors.sign_in_refused()
        if before and member.member_id != attempt.member_id:
            raise errors.sign_in_refused()
        if not before and FEDERATED not in methods:
            await self._federation.check_own_way(member)
        if methods in _ALONE and await self._authentication.factors(member):
            after = await self._attempts.step(
                attempt, tenant_id=member.tenant_id, member_id=member.member_id, methods=methods
            )
            return await self._views.of(after, SignInStep.SECOND_FACTOR)
        return await self._signed_in(attempt, replace(proven, methods=methods))

    async def _signed_in(self, attempt: SignInAttempt, proven: Proven) -> SignInView:
        """Opens the session. It is the last step if nothing is left to ask."""
        member = proven.member
        former = await self._sessions.peek(bytes.fromhex(attempt.former)) if attempt.former else None
        # The step comes first, so that of two answers at once one opens a session.
        attempt = await self._attempts.step(
            attempt, tenant_id=member.tenant_id, member_id=member.member_id, methods=proven.methods
        )
        opened = await self._sessions.open(proven, former)
        attempt = await self._attempts.step(attempt, session=opened.session.secret_hash.hex())
        who = SignedIn(opened.session, member)
        if await self._enrolment.needed(who):
            return await self._views.of(attempt, SignInStep.ENROL, opened.secret)
        if await self._asks(attempt, who):
            return await self._views.of(attempt, SignInStep.CONSENT, opened.secret)
        return await self._answered(attempt, who, True, opened.secret)

    async def _asks(self, attempt: SignInAttempt, who: SignedIn) -> bool:
        """Tells whether the person has to be asked. Whoever lets in a device sees which, always (RFC 8628, 5.4)."""
        if attempt.request is None:
            return bool(attempt.user_code)
        return await self._consents.needed(attempt.request, await self._views.client(attempt), who)

    async def _answered(self, attempt: SignInAttempt, who: SignedIn, allowed: bool, secret: str = "") -> SignInView:
        view = await self._views.of(attempt, SignInStep.DONE, secret)
        await self._attempts.finish(attempt)
        redirect_uri = ""
        if (request := attempt.request) is not None and allowed:
            redirect_uri = await self._consents.code_answer(request, await self._views.client(attempt), who)
        elif request is not None:
            redirect_uri = self._consents.refused_answer(request)
        elif attempt.user_code:
            await self._consents.answer_device(attempt.user_code, who, allowed)
        return replace(view, redirect_uri=redirect_uri)

    async def _step(self, attempt: SignInAttempt) -> SignInStep:
        if not attempt.session:
            return SignInStep.SECOND_FACTOR if attempt.member_id else SignInStep.IDENTIFY
        who = await self._who(attempt)
        if await self._enrolment.needed(who):
            return SignInStep.ENROL
        return SignInStep.CONSENT if attempt.request is not None or attempt.user_code else SignInStep.DONE

    async def _who(self, attempt: SignInAttempt) -> SignedIn:
        """Returns who has signed in. Raises INTERACTION_INVALID if nobody has, or the session is over."""
        found = await self._sessions.peek(bytes.fromhex(attempt.session)) if attempt.session else None
        if found is None:
            raise errors.interaction_invalid()
        return found
