"""Checks what people give to prove who they are."""

from __future__ import annotations

from services.auth.domain.members import Factor, Member, Proven

__all__ = ["Authentication"]


class Authentication:
    """Proves members. Whatever is wrong, the refusal is the same and takes the same time.

    Every method that is given something to check raises SIGN_IN_REFUSED, or SIGN_IN_THROTTLED with a delay.
    """

    async def check_password(self, tenant: str, email: str, password: str, address: str, device: str = "") -> Proven:
        """Proves the member of the tenant of that name. `device` is a secret that only the browser has, if any."""
        raise NotImplementedError

    async def check_totp(self, member_id: str, code: str, address: str) -> Proven:
        """Proves by a time-based one-time code (RFC 6238)."""
        raise NotImplementedError

    async def check_recovery_code(self, member_id: str, code: str, address: str) -> Proven:
        """Proves by a recovery code, which is used up."""
        raise NotImplementedError

    async def begin_passkey(self, tenant_id: str | None, member_id: str | None) -> tuple[str, bytes]:
        """Returns the options for the browser as JSON, and the state to finish with; without a member any passkey."""
        raise NotImplementedError

    async def finish_passkey(self, state: bytes, response_json: str, address: str) -> Proven:
        """Proves by a passkey; the state is good once, for five minutes."""
        raise NotImplementedError

    async def factors(self, member: Member) -> frozenset[Factor]:
        """Returns the second factors that the member has."""
        raise NotImplementedError

    async def second_factor_required(self, tenant_id: str) -> bool:
        """Tells whether members of the tenant must have a second factor."""
        raise NotImplementedError
