"""What members have besides a password, and what they see of it."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.domain.members import Member

__all__ = ["AccountView", "MemberFactors"]


@dataclass(frozen=True, slots=True)
class MemberFactors:
    """What a member has to prove a second time who he is."""

    totp: bool
    passkeys: int
    recovery_codes: int

    @property
    def lasting(self) -> int:
        """Factors that are not used up."""
        return self.totp + self.passkeys


@dataclass(frozen=True, slots=True)
class AccountView:
    """What a person sees of the own account."""

    member: Member
    factors: MemberFactors
    second_factor_required: bool
    tenant: str
    """Its name."""
