"""People of a tenant: who they are, what they may do and how they prove who they are."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

__all__ = [
    "OWNER",
    "Member",
    "MemberState",
    "MemberUpdate",
    "Proven",
    "SecondFactor",
    "email_key",
    "is_member_id",
    "key_is_its_own",
]

OWNER = "owner"
"""Role of which every tenant keeps one member at least."""


class MemberState(Enum):
    """Whether a member may sign in."""

    INVITED = "invited"
    """Has not come in yet: the invitation waits to be used."""
    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"
    """Of the person nothing is left but the identifier that the audit log names."""


class SecondFactor(Enum):
    """What proves a second time who someone is."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a tenant."""

    member_id: str
    tenant_id: str
    email: str
    """As it was given, for people to read; empty of a deleted member."""
    display_name: str
    roles: frozenset[str]
    created_at: datetime
    updated_at: datetime
    revision: int = 1
    """Counts the changes, for entity tags."""
    activated_at: datetime | None = None
    """When the member first proved to receive mail at the address."""
    disabled_at: datetime | None = None
    deleted_at: datetime | None = None
    signed_in_at: datetime | None = None
    """When the member last proved who he is."""
    signed_out_at: datetime | None = None
    """Sessions and grants that began before are over, and so are their tokens."""

    @property
    def state(self) -> MemberState:
        if self.deleted_at is not None:
            return MemberState.DELETED
        if self.disabled_at is not None:
            return MemberState.DISABLED
        return MemberState.INVITED if self.activated_at is None else MemberState.ACTIVE

    @property
    def may_sign_in(self) -> bool:
        return self.state is MemberState.ACTIVE

    @property
    def owns(self) -> bool:
        """Tells whether the member answers for the tenant now."""
        return self.may_sign_in and OWNER in self.roles

    def keeps_links(self, after: Member) -> bool:
        """Tells whether links that were made for him count after a change.

        They do not for who is out, nor where a role was added: whoever made one may not have been allowed to then.
        """
        return after.disabled_at is None and after.deleted_at is None and after.roles <= self.roles

    def erased(self, at: datetime) -> Member:
        """Returns the member without anything about the person."""
        return replace(
            self, email="", display_name="", roles=frozenset(), deleted_at=at, signed_in_at=None, signed_out_at=at
        )


def is_member_id(text: str) -> bool:
    """Tells whether a subject may be a member's identifier: programs and operators have others."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def email_key(email: str) -> str:
    """Returns what is equal of addresses of one mailbox: in NFKC, whatever the case of letters (Unicode, section 3.13).

    RFC 5321 lets a mailbox differ by case; where one does, nobody can tell it from the other by reading.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).casefold())


def key_is_its_own(email: str) -> bool:
    """Tells whether an address differs from its key by the case of letters alone.

    Else it may be another mailbox than that which is written as the key: `straße.example` is not `strasse.example`.
    """
    return email_key(email) == unicodedata.normalize("NFC", email).lower()


@dataclass(frozen=True, slots=True)
class MemberUpdate:
    """What is to change of a member; None for what is not."""

    display_name: str | None = None
    roles: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """Who proved to be a member, and how."""

    member: Member
    methods: frozenset[str]
    """Values of `amr` (RFC 8176): "pwd" a password, "otp" a one-time code, "hwk" a passkey; "rc" a recovery code, "fed"
    the tenant's own provider."""
    at: datetime | None = None
    """When, if somebody else says that it was before; None for now."""
