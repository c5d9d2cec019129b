"""Keeps in memory what members have consented to."""

from __future__ import annotations

from dataclasses import replace

from services.auth.adapters.memory_sign_in import SignInMemory
from services.auth.domain.audit import AuditEvent
from services.auth.domain.consents import MOST_CONSENTS, Consent
from services.auth.domain.endings import AccessEnding

__all__ = ["MemoryConsents"]


class MemoryConsents:
    """Implements `ConsentStore`."""

    def __init__(self, memory: SignInMemory) -> None:
        self._memory = memory

    async def consented(self, tenant_id: str, member_id: str, client_id: str) -> frozenset[str]:
        found = self._memory.consents.get((tenant_id, member_id, client_id))
        return found.scopes if found is not None else frozenset()

    async def consent(
        self, tenant_id: str, member_id: str, client_id: str, scopes: frozenset[str], event: AuditEvent
    ) -> None:
        name = (tenant_id, member_id, client_id)
        before = self._memory.consents.get(name, Consent(client_id, frozenset(), event.at, event.at))
        self._memory.consents[name] = replace(before, scopes=before.scopes | scopes, updated_at=event.at)
        self._memory.events.append(event)

    async def of_member(self, tenant_id: str, member_id: str) -> list[Consent]:
        own = [each for name, each in self._memory.consents.items() if name[:2] == (tenant_id, member_id)]
        return sorted(own, key=lambda each: (-each.updated_at.timestamp(), each.client_id))[:MOST_CONSENTS]

    async def withdraw(self, tenant_id: str, member_id: str, client_id: str, ending: AccessEnding) -> bool:
        whose = (tenant_id, member_id, client_id)
        if self._memory.consents.pop(whose, None) is None:
            return False
        self._memory.drop_begun(tenant_id, member_id, client_id)
        for grant in list(self._memory.grants.values()):
            if (grant.tenant_id, grant.member_id, grant.client_id) == whose:
                self._memory.end_grant(grant.grant_id, ending)
        self._memory.events.append(ending.event)
        return True
