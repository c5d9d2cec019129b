"""Lets people keep their own account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from meshkit.context import Principal
from services.auth import errors
from services.auth.domain.factors import AccountView
from services.auth.domain.members import Member, is_member_id
from services.auth.domain.passkeys import MOST_PASSKEYS, Passkey
from services.auth.domain.passwords import normalized_password, own_words
from services.auth.domain.recovery import new_recovery_codes, recovery_code_hash
from services.auth.domain.revocations import Revocation
from services.auth.domain.totp import base32, matching_step, new_totp_secret, otpauth_uri
from services.auth.ports import Directory, FactorRemoval, PasswordHasher, Sealer
from services.auth.service.acts import act_on
from services.auth.service.names import check_name
from services.auth.service.people.authentication import totp_sealing_name
from services.auth.service.people.ceremonies import PasskeyCeremonies
from services.auth.service.people.guard import AttemptGuard
from services.auth.service.people.links import hash_of_new_password
from services.auth.service.people.stores import PeopleStores

__all__ = ["RECENT_SECONDS", "OwnAccount"]

RECENT_SECONDS = 300
"""How long ago a person may have signed in who changes how he signs in."""
_ISSUER = "Rampart"


class OwnAccount:
    """The account of the caller. Raises RESOURCE_NOT_FOUND for a caller who is no member: a program, an operator.

    What changes how a person signs in raises REAUTHENTICATION_REQUIRED unless he did so lately.
    """

    def __init__(
        self,
        directory: Directory,
        stores: PeopleStores,
        *,
        guard: AttemptGuard,
        hasher: PasswordHasher,
        ceremonies: PasskeyCeremonies,
        sealer: Sealer,
        clock: Callable[[], datetime],
    ) -> None:
        self._directory = directory
        self._stores = stores
        self._guard = guard
        self._hasher = hasher
        self._ceremonies = ceremonies
        self._sealer = sealer
        self._clock = clock

    async def get(self, caller: Principal) -> AccountView:
        member = await self._member(caller)
        factors = await self._stores.codes.factors(member.tenant_id, member.member_id)
        required = await self._stores.members.second_factor_required(member.tenant_id)
        return AccountView(member, factors, required, await self._tenant_name(member))

    async def change_password(self, caller: Principal, old: str, new: str) -> None:
        """Ends all sessions, grants and tokens. Raises SIGN_IN_REFUSED, SIGN_IN_THROTTLED, PASSWORD_REFUSED."""
        member = await self._recent(caller)
        present = await self._stores.passwords.find_password(member.tenant_id, member.member_id)
        admission = await self._guard.enter(
            f"change/{member.member_id}", member.tenant_id, self._guard.origin(""), frozenset()
        )
        given = normalized_password(old)
        if given is None or not await self._hasher.verify(present, given):
            raise errors.sign_in_refused()
        await self._guard.passed(admission)
        words = own_words(member.display_name, member.email, await self._tenant_name(member))
        hashed, now = await hash_of_new_password(self._hasher, new, words), self._clock()
        ended = Revocation.of_subject(member.tenant_id, member.member_id).up_to(now)
        act = act_on(member, "password.change", now, revocation=ended)
        await self._stores.passwords.set_password(member.tenant_id, member.member_id, hashed, now, act)

    async def start_totp(self, caller: Principal) -> tuple[str, str]:
        """Returns a new secret in base32 and as an `otpauth` URI."""
        member = await self._recent(caller)
        secret = new_totp_secret()
        sealed = self._sealer.seal(secret, totp_sealing_name(member.member_id))
        act = act_on(member, "totp.start", self._clock())
        await self._stores.codes.begin_totp(member.tenant_id, member.member_id, sealed, act)
        return base32(secret), otpauth_uri(secret, member.email, _ISSUER)

    async def confirm_totp(self, caller: Principal, code: str) -> None:
        """Makes the secret count that was made last. Raises STATE_NOT_ALLOWED, SIGN_IN_REFUSED, SIGN_IN_THROTTLED."""
        member = await self._recent(caller)
        totp = await self._stores.codes.find_totp(member.tenant_id, member.member_id)
        if totp is None or totp.pending_secret is None:
            raise errors.no_pending_totp()
        origin = self._guard.origin("")
        admission = await self._guard.enter(f"confirm/{member.member_id}", member.tenant_id, origin, frozenset())
        secret = self._sealer.open(totp.pending_secret, totp_sealing_name(member.member_id))
        step = matching_step(secret, code, self._clock().timestamp())
        if step is None:
            raise errors.sign_in_refused()
        await self._guard.passed(admission)
        act = act_on(member, "totp.confirm", self._clock())
        sealed = totp.pending_secret
        if not await self._stores.codes.confirm_totp(member.tenant_id, member.member_id, sealed, step, act):
            raise errors.no_pending_totp()

    async def remove_totp(self, caller: Principal) -> None:
        """Raises RESOURCE_NOT_FOUND, and STATE_NOT_ALLOWED for the last factor where one is required."""
        member = await self._recent(caller)
        keep = await self._stores.members.second_factor_required(member.tenant_id)
        act = act_on(member, "totp.delete", self._clock())
        _check(await self._stores.codes.remove_totp(member.tenant_id, member.member_id, keep, act), "totp")

    async def start_passkey(self, caller: Principal) -> tuple[str, str]:
        """Returns what the browser is asked for, as JSON, and the state to finish with."""
        return await self._ceremonies.begin_registration(await self._recent(caller))

    async def create_passkey(self, caller: Principal, state: str, response: str, name: str) -> Passkey:
        """Raises VALIDATION_FAILED, SIGN_IN_REFUSED, RESOURCE_EXISTS, and STATE_NOT_ALLOWED for one too many."""
        check_name(name)
        member = await self._recent(caller)
        made = await self._ceremonies.end_registration(member, state, response)
        if made is None:
            raise errors.sign_in_refused()
        now = self._clock()
        passkey = replace(made, display_name=name, created_at=now)
        added = await self._stores.passkeys.add_passkey(passkey, MOST_PASSKEYS, act_on(member, "passkey.create", now))
        if added is None:
            raise errors.too_many_passkeys()
        if not added:
            raise errors.passkey_exists()
        return passkey

    async def passkeys(self, caller: Principal) -> list[Passkey]:
        member = await self._member(caller)
        return await self._stores.passkeys.passkeys_of(member.tenant_id, member.member_id)

    async def rename_passkey(self, caller: Principal, credential_id: bytes, name: str) -> Passkey:
        """Raises VALIDATION_FAILED and RESOURCE_NOT_FOUND."""
        check_name(name)
        member = await self._member(caller)
        act = act_on(member, "passkey.rename", self._clock())
        renamed = await self._stores.passkeys.rename_passkey(
            member.tenant_id, member.member_id, credential_id, name, act
        )
        if renamed is None:
            raise errors.no_factor("passkey")
        return renamed

    async def remove_passkey(self, caller: Principal, credential_id: bytes) -> None:
        """Raises RESOURCE_NOT_FOUND, and STATE_NOT_ALLOWED for the last factor where one is required."""
        member = await self._recent(caller)
        keep = await self._stores.members.second_factor_required(member.tenant_id)
        act = act_on(member, "passkey.delete", self._clock())
        removed = await self._stores.passkeys.remove_passkey(
            member.tenant_id, member.member_id, credential_id, keep, act
        )
        _check(removed, "passkey")

    async def create_recovery_codes(self, caller: Principal) -> list[str]:
        """Returns new codes, in place of all before them."""
        member = await self._recent(caller)
        codes = new_recovery_codes()
        hashes = [recovery_code_hash(member.member_id, code) for code in codes]
        act = act_on(member, "recovery_code.create", self._clock())
        await self._stores.codes.replace_codes(member.tenant_id, member.member_id, hashes, act)
        return codes

    async def _member(self, caller: Principal) -> Member:
        member = None
        if is_member_id(caller.subject):
            member = await self._stores.members.find_member(caller.tenant_id, caller.subject)
        if member is None or not member.may_sign_in:
            raise errors.no_account()
        return member

    async def _tenant_name(self, member: Member) -> str:
        tenant = await self._directory.get_tenant(member.tenant_id)
        return tenant.name if tenant is not None else ""

    async def _recent(self, caller: Principal) -> Member:
        """Returns the member, who has proven lately who he is."""
        member = await self._member(caller)
        if self._clock().timestamp() - caller.authenticated_at > RECENT_SECONDS:
            raise errors.reauthentication_required(RECENT_SECONDS)
        return member


def _check(removal: FactorRemoval, resource: str) -> None:
    if removal is FactorRemoval.ABSENT:
        raise errors.no_factor(resource)
    if removal is FactorRemoval.LAST:
        raise errors.last_factor()
