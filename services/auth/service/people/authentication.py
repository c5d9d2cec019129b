"""Checks what people give to prove who they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from meshkit.context import SYSTEM_TENANT
from meshkit.errors import MeshError
from services.auth import errors
from services.auth.domain.members import Member, Proven, SecondFactor, email_key, is_member_id
from services.auth.domain.origins import SignInOrigin
from services.auth.domain.passwords import normalized_password
from services.auth.domain.recovery import recovery_code_hash
from services.auth.domain.throttling import KNOWN_FOR
from services.auth.domain.totp import matching_step
from services.auth.ports import AuditTrail, Directory, PasswordAccount, PasswordHasher, Sealer
from services.auth.service.acts import act, act_on
from services.auth.service.people.ceremonies import PasskeyCeremonies
from services.auth.service.people.guard import AttemptAdmission, AttemptGuard
from services.auth.service.people.stores import PeopleStores

__all__ = ["Authentication", "VouchedAttempt", "totp_sealing_name"]

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class VouchedAttempt:
    """An attempt for which somebody else is to vouch, and where it comes from."""

    admission: AttemptAdmission
    origin: SignInOrigin


class Authentication:
    """Proves members. Whatever is wrong, the refusal is the same and takes the same time.

    Every method that is given something to check raises SIGN_IN_REFUSED, or SIGN_IN_THROTTLED with a delay. `address`
    is the client's as the edge sees it; `device` is a secret that only the browser has, by which it is known again.
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
        trail: AuditTrail,
        clock: Callable[[], datetime],
    ) -> None:
        self._directory = directory
        self._stores = stores
        self._guard = guard
        self._hasher = hasher
        self._ceremonies = ceremonies
        self._sealer = sealer
        self._trail = trail
        self._clock = clock

    async def check_password(self, tenant: str, email: str, password: str, address: str, device: str = "") -> Proven:
        """Proves the member of the tenant of that name. Raises OVERLOADED if too many passwords wait to be checked."""
        text = normalized_password(password)
        if text is None:
            raise errors.sign_in_refused()
        # Before anything is counted or written: who is sent away has not failed, and costs next to nothing.
        self._hasher.check_room()
        name, key = tenant if _TENANT.fullmatch(tenant) else "", email_key(email) if email.isprintable() else ""
        owner = await self._directory.find_tenant(name)
        origin, since = self._guard.origin(address, device), self._clock() - KNOWN_FOR
        # For a tenant that does not exist the same is looked up, in vain.
        tenant_id = owner.tenant_id if owner else SYSTEM_TENANT
        account = await self._stores.passwords.find_account(tenant_id, key, origin.marks, since)
        known = account.known if account else frozenset()
        admission = await self._guard.enter(f"{name}/{key}", name, origin, known)
        right = await self._hasher.verify(account.password_hash if account else None, text)
        if account is None or not right or not account.member.may_sign_in:
            await self._refuse("password", tenant_id, account.member if account else None, origin)
        await self._guard.passed(admission)
        await self._renew(account, text)
        if not account.has_factor:
            await self._note(account.member, origin)
        return Proven(account.member, frozenset({"pwd"}))

    async def check_totp(self, member_id: str, code: str, address: str, device: str = "") -> Proven:
        """Proves by a time-based one-time code (RFC 6238)."""
        member, admission, origin = await self._enter(member_id, address, device, "totp")
        totp = await self._stores.codes.find_totp(member.tenant_id, member_id)
        step = None
        if totp is not None and totp.sealed_secret is not None:
            secret = self._sealer.open(totp.sealed_secret, totp_sealing_name(member_id))
            step = matching_step(secret, code, self._clock().timestamp())
        if step is None or not await self._stores.codes.use_step(member.tenant_id, member_id, step):
            await self._refuse("totp", member.tenant_id, member, origin)
        return await self._prove(member, admission, origin, "otp")

    async def check_recovery_code(self, member_id: str, code: str, address: str, device: str = "") -> Proven:
        """Proves by a recovery code, which is used up."""
        member, admission, origin = await self._enter(member_id, address, device, "recovery_code")
        used = act_on(member, "recovery_code.use", self._clock(), actor=member_id)
        given = recovery_code_hash(member_id, code)
        if not await self._stores.codes.use_code(member.tenant_id, member_id, given, used):
            await self._refuse("recovery_code", member.tenant_id, member, origin)
        return await self._prove(member, admission, origin, "rc")

    async def begin_passkey(self, tenant_id: str | None, member_id: str | None) -> tuple[str, bytes]:
        """Returns the options for the browser as JSON, and the state to finish with; without a member any passkey."""
        options, state = await self._ceremonies.begin_authentication(tenant_id, member_id)
        return options, state.encode()

    async def finish_passkey(self, state: bytes, response_json: str, address: str, device: str = "") -> Proven:
        """Proves by a passkey; the state is good once, for five minutes."""
        origin = self._guard.origin(address, device)
        admission = await self._guard.enter_unnamed(origin)
        passkey = await self._ceremonies.end_authentication(state.decode(errors="replace"), response_json)
        member = await self._stores.members.find_member(passkey.tenant_id, passkey.member_id) if passkey else None
        if member is None or not member.may_sign_in:
            await self._refuse("passkey", member.tenant_id if member else SYSTEM_TENANT, member, origin)
        return await self._prove(member, admission, origin, "hwk")

    async def factors(self, member: Member) -> frozenset[SecondFactor]:
        """Returns the second factors that the member has."""
        found = await self._stores.codes.factors(member.tenant_id, member.member_id)
        present = {
            SecondFactor.TOTP: found.totp,
            SecondFactor.PASSKEY: found.passkeys > 0,
            # Codes stand in for a factor, and are none by themselves.
            SecondFactor.RECOVERY_CODE: found.recovery_codes > 0 and found.lasting > 0,
        }
        return frozenset(factor for factor, there in present.items() if there)

    async def second_factor_required(self, tenant_id: str) -> bool:
        """Tells whether members of the tenant must have a second factor."""
        return await self._stores.members.second_factor_required(tenant_id)

    async def admit(self, address: str, device: str) -> VouchedAttempt:
        """Counts an attempt to be proven by somebody else's word. Raises SIGN_IN_THROTTLED."""
        origin = self._guard.origin(address, device)
        return VouchedAttempt(await self._guard.enter_unnamed(origin), origin)

    async def release(self, attempt: VouchedAttempt) -> None:
        """Takes back what was counted: nothing was said that could be wrong."""
        await self._guard.passed(attempt.admission)

    async def accept(self, attempt: VouchedAttempt, member: Member, *, fully: bool) -> None:
        """Notes who was vouched for, and where, unless a second factor is still to come, which notes it itself."""
        await self.release(attempt)
        if fully:
            await self._note(member, attempt.origin)

    async def _enter(
        self, member_id: str, address: str, device: str, what: str
    ) -> tuple[Member, AttemptAdmission, SignInOrigin]:
        """Returns the member who gives a second factor, and where from."""
        origin = self._guard.origin(address, device)
        member = await self._stores.members.find_member_of_any_tenant(member_id) if is_member_id(member_id) else None
        if member is None or not member.may_sign_in:
            await self._refuse(what, member.tenant_id if member else SYSTEM_TENANT, member, origin)
        since = self._clock() - KNOWN_FOR
        known = await self._stores.passwords.known_marks(member.tenant_id, member_id, origin.marks, since)
        admission = await self._guard.enter(f"factor/{member_id}", member.tenant_id, origin, known)
        return member, admission, origin

    async def _prove(self, member: Member, admission: AttemptAdmission, origin: SignInOrigin, method: str) -> Proven:
        await self._guard.passed(admission)
        await self._note(member, origin)
        return Proven(member, frozenset({method}))

    async def _note(self, member: Member, origin: SignInOrigin) -> None:
        await self._stores.passwords.note_sign_in(member.tenant_id, member.member_id, origin.marks, self._clock())

    async def _renew(self, account: PasswordAccount, password: str) -> None:
        """Hashes a password again whose hash has other parameters than are in use; if too many wait, another time."""
        old, member = account.password_hash, account.member
        if old is None or not self._hasher.outdated(old):
            return
        with suppress(MeshError):
            new = await self._hasher.hash(password)
            await self._stores.passwords.replace_hash(member.tenant_id, member.member_id, old, new)

    async def _refuse(self, what: str, tenant_id: str, member: Member | None, origin: SignInOrigin) -> NoReturn:
        event = act(
            f"sign_in.{what}",
            f"members/{member.member_id}" if member else "",
            self._clock(),
            tenant_id=tenant_id,
            reason="SIGN_IN_REFUSED",
            address=origin.address.hex()[:16] if origin.address else "",
        )
        await self._trail.record(event)
        raise errors.sign_in_refused()


def totp_sealing_name(member_id: str) -> str:
    """Returns the name under which the secret of a member's one-time password is sealed."""
    return f"totp/{member_id}"
