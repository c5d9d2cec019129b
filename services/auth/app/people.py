"""Composes what people need: members, how they prove who they are, and their own accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from meshkit.continuations import Continuations
from meshkit.host import Host
from meshkit.identity.roles import Roles
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.storage.postgres import Pool
from meshkit.timestamps import utc_now
from services.auth.adapters.answered_links import AnsweredLinks
from services.auth.adapters.argon2_hasher import Argon2Hasher
from services.auth.adapters.child_argon2id import ChildArgon2id
from services.auth.adapters.postgres_codes import PostgresCodes
from services.auth.adapters.postgres_failures import PostgresFailureCounts, PostgresSignInSweep
from services.auth.adapters.postgres_links import PostgresLinks
from services.auth.adapters.postgres_members import PostgresMembers
from services.auth.adapters.postgres_passkeys import PostgresPasskeys
from services.auth.adapters.postgres_passwords import PostgresPasswords
from services.auth.adapters.sealing import AesSealer
from services.auth.adapters.webauthn_passkeys import WebauthnPasskeys
from services.auth.domain.origins import OriginKeys
from services.auth.ports import AuditTrail, Directory
from services.auth.service.people.account import OwnAccount
from services.auth.service.people.authentication import Authentication
from services.auth.service.people.ceremonies import PasskeyCeremonies
from services.auth.service.people.guard import AttemptGuard
from services.auth.service.people.links import Links
from services.auth.service.people.members import MemberKeeper
from services.auth.service.people.stores import PeopleStores
from services.auth.servicer.account_service import AccountServicer
from services.auth.servicer.member_service import MemberServicer
from services.auth.settings import AuthSettings

__all__ = ["People"]


@dataclass(frozen=True, slots=True)
class People:
    """The use cases about people."""

    authentication: Authentication
    guard: AttemptGuard
    links: Links
    members: MemberServicer
    account: AccountServicer

    @classmethod
    async def compose(
        cls, host: Host, settings: AuthSettings, pool: Pool, directory: Directory, trail: AuditTrail
    ) -> People:
        """Puts them together. Their background work is the host's."""
        stores = _stores(pool)
        sealer = AesSealer(settings.sealing_key)
        guard = AttemptGuard(PostgresFailureCounts(pool), OriginKeys(settings.derived_key("origins")), utc_now)
        hasher = await host.open(_hasher(settings))
        reader = WebauthnPasskeys(settings.passkey_domain, settings.passkey_origins)
        ceremonies = PasskeyCeremonies(stores.passkeys, reader, utc_now)
        links = Links(directory, stores, hasher=hasher, guard=guard, delivery=AnsweredLinks(), clock=utc_now)
        authentication = Authentication(
            directory,
            stores,
            guard=guard,
            hasher=hasher,
            ceremonies=ceremonies,
            sealer=sealer,
            trail=trail,
            clock=utc_now,
        )
        account = OwnAccount(
            directory, stores, guard=guard, hasher=hasher, ceremonies=ceremonies, sealer=sealer, clock=utc_now
        )
        members = MemberKeeper(stores, links, Roles.declared(), utc_now)
        pages = Pages(Continuations([settings.derived_key("page tokens")]))
        host.background("sign-in sweep", Periodic("the sweep after sign-ins", PostgresSignInSweep(pool).delete).run)
        return cls(authentication, guard, links, MemberServicer(members, pages), AccountServicer(account))


@asynccontextmanager
async def _hasher(settings: AuthSettings) -> AsyncIterator[Argon2Hasher]:
    argon2id = ChildArgon2id(settings.password_memory_kib, settings.password_passes)
    hasher = Argon2Hasher(argon2id, threads=settings.password_threads)
    try:
        yield hasher
    finally:
        hasher.close()
        argon2id.close()


def _stores(pool: Pool) -> PeopleStores:
    return PeopleStores(
        PostgresMembers(pool), PostgresPasswords(pool), PostgresLinks(pool), PostgresCodes(pool), PostgresPasskeys(pool)
    )
