"""Keeps people from guessing, without keeping others out (see `services.auth.domain.throttling`)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from services.auth import errors
from services.auth.domain.origins import OriginKeys, SignInOrigin
from services.auth.domain.throttling import ACCOUNT, ADDRESS, TENANT, FailureCharge
from services.auth.ports import FailureCounts

__all__ = ["AttemptAdmission", "AttemptGuard"]


@dataclass(frozen=True, slots=True)
class AttemptAdmission:
    """An attempt that may be made, and where it is counted as failed until it was right."""

    charges: tuple[FailureCharge, ...]
    own: frozenset[bytes]
    """Counts of devices and addresses of the person's own, which forget all once he was right."""


class AttemptGuard:
    """Admits attempts."""

    def __init__(self, counts: FailureCounts, keys: OriginKeys, clock: Callable[[], datetime]) -> None:
        self._counts = counts
        self._keys = keys
        self._clock = clock

    def origin(self, address: str, device: str = "") -> SignInOrigin:
        """Returns where an attempt comes from."""
        return self._keys.origin(address, device)

    async def enter(
        self, account: str, tenant: str, origin: SignInOrigin, known: Collection[bytes]
    ) -> AttemptAdmission:
        """Counts an attempt at an account, from an origin of which some marks are known to be its owner's.

        Raises SIGN_IN_THROTTLED.
        """
        for name, mark in (("device", origin.device), ("address", origin.address)):
            if mark is not None and mark in known:
                key = self._keys.count(f"account of {name}", account)
                return await self._admit(AttemptAdmission((FailureCharge(key, ACCOUNT),), frozenset({key})))
        strangers = FailureCharge(self._keys.count("account", account), ACCOUNT)
        everyone = FailureCharge(self._keys.count("tenant", tenant), TENANT)
        return await self._admit(AttemptAdmission((strangers, everyone, *_address(origin)), frozenset()))

    async def enter_unnamed(self, origin: SignInOrigin) -> AttemptAdmission:
        """Counts an attempt that does not say at which account. Raises SIGN_IN_THROTTLED."""
        return await self._admit(AttemptAdmission(_address(origin), frozenset()))

    async def passed(self, admission: AttemptAdmission) -> None:
        """Takes back what was counted: the attempt was right."""
        await self._counts.refund(admission.charges, admission.own, self._clock())

    async def _admit(self, admission: AttemptAdmission) -> AttemptAdmission:
        wait = await self._counts.charge(admission.charges, self._clock()) if admission.charges else 0.0
        if wait > 0:
            raise errors.sign_in_throttled(wait)
        return admission


def _address(origin: SignInOrigin) -> tuple[FailureCharge, ...]:
    return (FailureCharge(origin.address, ADDRESS),) if origin.address is not None else ()
