"""Begins and ends the ceremonies of passkeys: a challenge is answered once, within five minutes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from services.auth.domain.members import Member
from services.auth.domain.passkeys import Ceremony, CeremonyKind, Passkey
from services.auth.domain.secrets import secret_hash
from services.auth.ports import PasskeyReader, PasskeyStore

__all__ = ["PasskeyCeremonies"]

_LIFE = timedelta(minutes=5)
_CHALLENGE_BYTES = 32


class PasskeyCeremonies:
    """Makes passkeys and proves by them."""

    def __init__(self, store: PasskeyStore, reader: PasskeyReader, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._reader = reader
        self._clock = clock

    async def begin_registration(self, member: Member) -> tuple[str, str]:
        """Returns what the browser of a member is asked for, and the state to end the ceremony with."""
        present = await self._store.passkeys_of(member.tenant_id, member.member_id)
        state, ceremony = self._ceremony(CeremonyKind.REGISTRATION, member.tenant_id, member.member_id)
        await self._store.begin_ceremony(ceremony)
        known = [passkey.credential_id for passkey in present]
        return self._reader.registration_options(member, ceremony.challenge, known), state

    async def end_registration(self, member: Member, state: str, response: str) -> Passkey | None:
        """Returns the passkey that a member has made, without a name; None if anything is wrong with it."""
        ceremony = await self._end(state, CeremonyKind.REGISTRATION)
        if ceremony is None or (ceremony.tenant_id, ceremony.member_id) != (member.tenant_id, member.member_id):
            return None
        return self._reader.read_registration(response, ceremony)

    async def begin_authentication(self, tenant_id: str | None, member_id: str | None) -> tuple[str, str]:
        """Returns what a browser is asked for, and the state; without a member any passkey may answer."""
        own = await self._store.passkeys_of(tenant_id, member_id) if tenant_id and member_id else []
        state, ceremony = self._ceremony(CeremonyKind.AUTHENTICATION, tenant_id, member_id)
        await self._store.begin_ceremony(ceremony)
        return self._reader.request_options(ceremony.challenge, [each.credential_id for each in own]), state

    async def end_authentication(self, state: str, response: str) -> Passkey | None:
        """Returns the passkey that has answered; None if it does not prove anything."""
        ceremony = await self._end(state, CeremonyKind.AUTHENTICATION)
        credential = self._reader.credential_id(response)
        passkey = await self._store.find_passkey(credential) if ceremony and credential else None
        if ceremony is None or passkey is None or not _meant(ceremony, passkey):
            return None
        use = self._reader.read_use(response, ceremony.challenge, passkey)
        if use is None or not await self._store.use_passkey(passkey, use.sign_count, self._clock()):
            return None
        return passkey

    def _ceremony(self, kind: CeremonyKind, tenant_id: str | None, member_id: str | None) -> tuple[str, Ceremony]:
        state, challenge = secrets.token_urlsafe(32), secrets.token_bytes(_CHALLENGE_BYTES)
        return state, Ceremony(secret_hash(state), kind, challenge, tenant_id, member_id, self._clock() + _LIFE)

    async def _end(self, state: str, kind: CeremonyKind) -> Ceremony | None:
        ceremony = await self._store.end_ceremony(secret_hash(state), self._clock())
        return ceremony if ceremony is not None and ceremony.kind is kind else None


def _meant(ceremony: Ceremony, passkey: Passkey) -> bool:
    return ceremony.tenant_id in (None, passkey.tenant_id) and ceremony.member_id in (None, passkey.member_id)
