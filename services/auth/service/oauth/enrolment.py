"""Tells whether a member has to set up a second factor before anything is granted."""

from __future__ import annotations

from services.auth.domain.federation import SEVERAL_FACTORS
from services.auth.service.oauth.sessions import SignedIn
from services.auth.service.people.authentication import Authentication

__all__ = ["Enrolment"]


class Enrolment:
    """Goes by what the tenant asks for and the member has."""

    def __init__(self, authentication: Authentication) -> None:
        self._authentication = authentication

    async def needed(self, who: SignedIn) -> bool:
        """Tells whether the tenant asks for a second factor that the member has not, here or at its provider."""
        if SEVERAL_FACTORS in who.session.methods:
            return False
        if not await self._authentication.second_factor_required(who.member.tenant_id):
            return False
        return not await self._authentication.factors(who.member)
