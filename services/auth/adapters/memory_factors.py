"""Keeps second factors, and counts of failures, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from services.auth.adapters.memory_people import PeopleInMemory
from services.auth.domain.factors import MemberFactors
from services.auth.domain.passkeys import Ceremony, Passkey
from services.auth.domain.throttling import FailureCharge, FailureCount, longest_wait
from services.auth.domain.totp import Totp
from services.auth.ports import FactorRemoval, RecordedAct

__all__ = ["MemoryCodes", "MemoryFailureCounts", "MemoryPasskeys"]


class MemoryCodes:
    """Implements `CodeStore`."""

    def __init__(self, people: PeopleInMemory) -> None:
        self._people = people

    async def factors(self, tenant_id: str, member_id: str) -> MemberFactors:
        totp = self._people.totp.get(member_id)
        passkeys = sum(each.member_id == member_id for each in self._people.passkeys.values())
        has_totp = totp is not None and totp.sealed_secret is not None
        return MemberFactors(has_totp, passkeys, len(self._people.codes.get(member_id, ())))

    async def find_totp(self, tenant_id: str, member_id: str) -> Totp | None:
        return self._people.totp.get(member_id) if self._people.member(tenant_id, member_id) else None

    async def begin_totp(self, tenant_id: str, member_id: str, sealed: bytes, act: RecordedAct) -> None:
        present = self._people.totp.get(member_id, Totp())
        self._people.totp[member_id] = replace(present, pending_secret=sealed)
        self._people.record(act)

    async def confirm_totp(self, tenant_id: str, member_id: str, sealed: bytes, step: int, act: RecordedAct) -> bool:
        present = self._people.totp.get(member_id)
        if present is None or present.pending_secret != sealed:
            return False
        self._people.totp[member_id] = Totp(sealed, None, step)
        self._people.record(act)
        return True

    async def use_step(self, tenant_id: str, member_id: str, step: int) -> bool:
        present = self._people.totp.get(member_id)
        if present is None or present.sealed_secret is None or present.last_step >= step:
            return False
        self._people.totp[member_id] = replace(present, last_step=step)
        return True

    async def remove_totp(self, tenant_id: str, member_id: str, keep_one: bool, act: RecordedAct) -> FactorRemoval:
        present = self._people.totp.get(member_id)
        if present is None or present.sealed_secret is None:
            return FactorRemoval.ABSENT
        if keep_one and self._people.lasting_factors(member_id) == 1:
            return FactorRemoval.LAST
        del self._people.totp[member_id]
        self._people.record(act)
        return FactorRemoval.DONE

    async def replace_codes(self, tenant_id: str, member_id: str, hashes: Collection[bytes], act: RecordedAct) -> None:
        self._people.codes[member_id] = set(hashes)
        self._people.record(act)

    async def use_code(self, tenant_id: str, member_id: str, code_hash: bytes, act: RecordedAct) -> bool:
        codes = self._people.codes.get(member_id, set())
        if code_hash not in codes:
            return False
        codes.remove(code_hash)
        self._people.record(act)
        return True


class MemoryPasskeys:
    """Implements `PasskeyStore`."""

    def __init__(self, people: PeopleInMemory) -> None:
        self._people = people

    async def begin_ceremony(self, ceremony: Ceremony) -> None:
        self._people.ceremonies[ceremony.state_hash] = ceremony

    async def end_ceremony(self, state_hash: bytes, now: datetime) -> Ceremony | None:
        ceremony = self._people.ceremonies.pop(state_hash, None)
        return ceremony if ceremony is not None and ceremony.expires_at > now else None

    async def add_passkey(self, passkey: Passkey, most: int, act: RecordedAct) -> bool | None:
        if len(await self.passkeys_of(passkey.tenant_id, passkey.member_id)) >= most:
            return None
        if passkey.credential_id in self._people.passkeys:
            return False
        self._people.passkeys[passkey.credential_id] = passkey
        self._people.record(act)
        return True

    async def find_passkey(self, credential_id: bytes) -> Passkey | None:
        return self._people.passkeys.get(credential_id)

    async def passkeys_of(self, tenant_id: str, member_id: str) -> list[Passkey]:
        found = [each for each in self._people.passkeys.values() if self._own(each, tenant_id, member_id)]
        return sorted(found, key=lambda each: (each.created_at, each.credential_id))

    async def use_passkey(self, passkey: Passkey, sign_count: int, at: datetime) -> bool:
        present = self._people.passkeys.get(passkey.credential_id)
        if present is None or not (present.sign_count < sign_count or present.sign_count == sign_count == 0):
            return False
        self._people.passkeys[passkey.credential_id] = replace(present, sign_count=sign_count, used_at=at)
        return True

    async def rename_passkey(
        self, tenant_id: str, member_id: str, credential_id: bytes, name: str, act: RecordedAct
    ) -> Passkey | None:
        present = self._people.passkeys.get(credential_id)
        if present is None or not self._own(present, tenant_id, member_id):
            return None
        self._people.passkeys[credential_id] = replace(present, display_name=name)
        self._people.record(act)
        return self._people.passkeys[credential_id]

    async def remove_passkey(
        self, tenant_id: str, member_id: str, credential_id: bytes, keep_one: bool, act: RecordedAct
    ) -> FactorRemoval:
        present = self._people.passkeys.get(credential_id)
        if present is None or not self._own(present, tenant_id, member_id):
            return FactorRemoval.ABSENT
        if keep_one and self._people.lasting_factors(member_id) == 1:
            return FactorRemoval.LAST
        del self._people.passkeys[credential_id]
        self._people.record(act)
        return FactorRemoval.DONE

    def _own(self, passkey: Passkey, tenant_id: str, member_id: str) -> bool:
        return (passkey.tenant_id, passkey.member_id) == (tenant_id, member_id)


class MemoryFailureCounts:
    """Implements `FailureCounts`."""

    def __init__(self) -> None:
        self.counts: dict[bytes, FailureCount] = {}

    async def charge(self, charges: Sequence[FailureCharge], now: datetime) -> float:
        fresh = FailureCount(0, now, datetime.min.replace(tzinfo=UTC))
        present = {charge.key: self.counts.get(charge.key, fresh) for charge in charges}
        charged = {charge.key: present[charge.key].charged(charge.limit, now) for charge in charges}
        if None in charged.values():
            return longest_wait(list(present.values()), now)
        self.counts |= {key: count for key, count in charged.items() if count is not None}
        return 0.0

    async def refund(self, charges: Sequence[FailureCharge], forgotten: Collection[bytes], now: datetime) -> None:
        for charge in charges:
            if charge.key in forgotten:
                self.counts.pop(charge.key, None)
            elif charge.key in self.counts:
                self.counts[charge.key] = self.counts[charge.key].refunded(now)
