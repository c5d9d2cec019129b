"""Where tenants' own providers and their links are kept, and how providers are talked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from services.auth.domain.identity_providers import IdentityProvider, ProviderLink
from services.auth.domain.members import Member
from services.auth.domain.quotas import QuotaUse
from services.auth.ports.acts import RecordedAct
from services.auth.ports.members import MemberChange

__all__ = ["IdentityProviderStore", "ProviderCalls"]


class IdentityProviderStore(Protocol):
    """Providers, one of a tenant, and links of members to accounts there."""

    async def find_provider(self, tenant_id: str) -> IdentityProvider | None: ...

    async def put_provider(self, provider: IdentityProvider, act: RecordedAct) -> None:
        """Stores a provider in place of one before it. Links go where the accounts are others than before."""
        ...

    async def remove_provider(self, tenant_id: str, act: RecordedAct) -> bool:
        """Removes the provider and all links; False if there is none."""
        ...

    async def find_linked(self, tenant_id: str, issuer: str, subject: str) -> Member | None:
        """Returns the member to whom an account is linked, if the tenant's provider is still of that issuer."""
        ...

    async def link_member(
        self,
        provider: IdentityProvider,
        link: ProviderLink,
        email_key: str,
        decide: Callable[[Member | None], MemberChange | None],
        admit: Callable[[QuotaUse], None],
    ) -> Member | None:
        """Links an account to what `decide` makes of the member with an address, or of None for a new one.

        None if `decide` returns None, if the member or the account is linked already, or if the provider was changed
        meanwhile. Changes of one tenant take turns. An invitation of the member is used up. For a new member `admit`
        may raise what keeps him from being stored.
        """
        ...

    async def unlink_member(self, tenant_id: str, member_id: str, act: RecordedAct) -> bool:
        """Forgets the link of a member; False if there is none."""
        ...


class ProviderCalls(Protocol):
    """Calls to providers, which may be anybody. Every method raises ProviderFault; `whose` is the tenant."""

    async def get_object(self, url: str, whose: str, token: str = "") -> Mapping[str, Any]:
        """Returns the JSON object at an address; `token` is a bearer token."""
        ...

    async def post_form(
        self, url: str, whose: str, fields: Mapping[str, str], authorization: str = ""
    ) -> tuple[int, Mapping[str, Any]]:
        """Sends a form. Returns the status of the answer, and the JSON object that it holds."""
        ...
