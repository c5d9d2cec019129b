"""Keeps the OpenID providers of tenants' own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from meshkit.context import Principal
from meshkit.identity.roles import Roles
from services.auth import errors
from services.auth.domain.federation import redirect_uri
from services.auth.domain.identity_providers import GivenProvider, IdentityProvider
from services.auth.domain.members import OWNER
from services.auth.domain.provider_metadata import ProviderFault
from services.auth.ports import MemberStore, RecordedAct
from services.auth.ports.identity_providers import IdentityProviderStore
from services.auth.ports.sign_in import TenantReader
from services.auth.service.acts import act, act_on
from services.auth.service.federation.catalogue import ProviderCatalogue
from services.auth.service.federation.sealing import FederationSeals
from services.auth.service.names import check_name
from services.auth.service.people.reach import check_reach

__all__ = ["IdentityProviders"]

_TARGET = "identity-provider"


class IdentityProviders:
    """The provider of a tenant. Whoever sets it can come in as anybody: owners alone do."""

    def __init__(
        self,
        store: IdentityProviderStore,
        members: MemberStore,
        tenants: TenantReader,
        catalogue: ProviderCatalogue,
        seals: FederationSeals,
        *,
        roles: Roles,
        callback: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._members = members
        self._tenants = tenants
        self._catalogue = catalogue
        self._seals = seals
        self._roles = roles
        self._callback = callback
        self._clock = clock

    async def redirect_uri(self, tenant_id: str) -> str:
        """Returns where the provider of a tenant answers. Raises RESOURCE_NOT_FOUND for a tenant that is gone."""
        tenant = await self._tenants.get_tenant(tenant_id)
        if tenant is None:
            raise errors.provider_not_found()
        return redirect_uri(self._callback, tenant.name)

    async def get(self, tenant_id: str) -> IdentityProvider:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._store.find_provider(tenant_id)
        if found is None:
            raise errors.provider_not_found()
        return found

    async def set(self, caller: Principal, given: GivenProvider) -> IdentityProvider:
        """Sets the provider, once it says of itself that it is what is given.

        Raises VALIDATION_FAILED, ROLE_NOT_GRANTED and PROVIDER_UNUSABLE.
        """
        check_name(given.display_name)
        check_reach(self._roles, caller, [OWNER])
        before, now = await self._store.find_provider(caller.tenant_id), self._clock()
        sealed = self._sealed(caller.tenant_id, given, before)
        try:
            metadata = await self._catalogue.metadata(given.issuer, caller.tenant_id, anew=True)
        except ProviderFault as fault:
            raise errors.provider_unusable(fault.why) from None
        if given.method.value not in metadata.secret_methods:
            raise errors.provider_unusable("methods")
        provider = IdentityProvider(
            caller.tenant_id,
            given.issuer,
            given.client_id,
            sealed,
            given.method,
            given.display_name,
            given.domains,
            given.roles,
            given.email_trusted,
            given.second_factor_trusted,
            given.required,
            before.created_at if before is not None else now,
            now,
        )
        await self._store.put_provider(provider, _done("set", now, **_told(provider)))
        return provider

    async def remove(self, caller: Principal) -> None:
        """Removes the provider and all links. Raises ROLE_NOT_GRANTED and RESOURCE_NOT_FOUND."""
        check_reach(self._roles, caller, [OWNER])
        done = _done("remove", self._clock())
        if not await self._store.remove_provider(caller.tenant_id, done):
            raise errors.provider_not_found()

    async def unlink(self, caller: Principal, member_id: str) -> None:
        """Forgets which account is a member's. Raises RESOURCE_NOT_FOUND and ROLE_NOT_GRANTED."""
        member = await self._members.find_member(caller.tenant_id, member_id)
        if member is None:
            raise errors.member_not_found()
        check_reach(self._roles, caller, member.roles)
        done = act_on(member, "member.unlink", self._clock())
        await self._store.unlink_member(caller.tenant_id, member_id, done)

    def _sealed(self, tenant_id: str, given: GivenProvider, before: IdentityProvider | None) -> bytes:
        """Returns the secret to store. The one that there is goes to nobody but whom it was given for."""
        if given.client_secret:
            return self._seals.seal_secret(tenant_id, given.issuer, given.client_id, given.client_secret)
        if before is None or not before.same_accounts(given.issuer, given.client_id):
            raise errors.provider_unusable("secret")
        return before.sealed_secret


def _done(what: str, at: datetime, **details: str) -> RecordedAct:
    return RecordedAct(act(f"identity_provider.{what}", _TARGET, at, **details))


def _told(provider: IdentityProvider) -> dict[str, str]:
    """Returns what the audit log says of a provider."""
    switches = ("email_trusted", "second_factor_trusted", "required")
    return {
        "issuer": provider.issuer,
        "domains": " ".join(sorted(provider.domains)),
        "roles": " ".join(sorted(provider.roles)),
        **{name: str(getattr(provider, name)).lower() for name in switches},
    }
