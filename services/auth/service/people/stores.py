"""What the use cases of people store in."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.ports import CodeStore, LinkStore, MemberStore, PasskeyStore, PasswordStore

__all__ = ["PeopleStores"]


@dataclass(frozen=True, slots=True)
class PeopleStores:
    """The stores of people, which are one database."""

    members: MemberStore
    passwords: PasswordStore
    links: LinkStore
    codes: CodeStore
    passkeys: PasskeyStore
