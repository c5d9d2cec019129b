"""Reads what checks are judged by: the state of their tenants, the profiles of their users, their features."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol

from meshkit.apart import TravelsApart
from meshkit.errors import Kind, MeshError
from services.fraud.domain.check import Check, Key
from services.fraud.domain.profile import Profile
from services.fraud.ports import RiskProfiles
from services.fraud.service.checks.calls import CheckCall
from services.fraud.service.checks.waits import Waits
from services.fraud.service.deciding.judging import ReadCheck
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.features.readings import Manner, Reading
from services.fraud.service.tenants.states import TenantState

__all__ = ["CheckInputs", "InputsRead", "StateOf"]


class StateOf(Protocol):
    """What the decisions of a tenant go by."""

    def __call__(self, tenant_id: str, seconds: float = ..., /) -> Awaitable[TenantState]:
        """Returns it within so many seconds. Raises MeshError UNAVAILABLE and DEADLINE_EXCEEDED."""
        ...


class InputsRead(NamedTuple):
    """What reading for some checks has led to."""

    checks: Sequence[Check]
    reading: Reading
    read: Sequence[ReadCheck]
    """Checks with what was read for them."""
    unread: Mapping[Key, MeshError]
    """Why others cannot be judged."""


class CheckInputs:
    """Reads for many checks at once. One that cannot be judged fails for itself."""

    def __init__(self, *, reader: FeatureReader, profiles: RiskProfiles, states: StateOf) -> None:
        self._reader = reader
        self._profiles = profiles
        self._states = states

    async def read(self, calls: Mapping[Key, CheckCall], manner: Manner) -> InputsRead:
        """Reads for calls (see `FeatureReader.read`). Raises MeshError UNAVAILABLE.

        Who has more time than the first of the calls is told to come again, rather than to go without something.
        """
        waits = manner.waits
        known, unread = await self._configured(calls, waits)
        checks = [call.check for call, _ in known]
        profiles, reading = await asyncio.gather(
            self._read_profiles([call for call, _ in known], waits.left),
            self._reader.read(checks, manner),
            return_exceptions=True,
        )
        if isinstance(reading, BaseException):
            raise reading
        if isinstance(profiles, BaseException):
            # What was appended must not meet what is appended for the same checks again.
            self._reader.settle(reading, checks, {check.key for check in checks})
            raise profiles
        read: list[ReadCheck] = []
        over = waits.left == 0
        for (call, state), found, profile in zip(known, reading.features, profiles, strict=True):
            check = call.check
            if isinstance(found, MeshError):
                unread[check.key] = found
            elif over and (state.missing or (profile is None and check.user_id)) and waits.can_wait(check.key):
                unread[check.key] = TravelsApart()
            else:
                read.append(ReadCheck(check, found, profile, state))
        return InputsRead(checks, reading, read, unread)

    async def _read_profiles(self, calls: Sequence[CheckCall], seconds: float) -> Sequence[Profile | None]:
        """Reads the profiles of the users of events; one that is nobody's has none."""
        places = [place for place, call in enumerate(calls) if call.check.user_id]
        asked = [(calls[place].context, calls[place].check.tenant_id, calls[place].check.user_id) for place in places]
        found: list[Profile | None] = [None] * len(calls)
        for place, profile in zip(places, await self._profiles.read(asked, seconds) if asked else (), strict=True):
            found[place] = profile
        return found

    async def _configured(
        self, calls: Mapping[Key, CheckCall], waits: Waits
    ) -> tuple[Sequence[tuple[CheckCall, TenantState]], dict[Key, MeshError]]:
        """Returns the calls with the state of their tenants, and why others have none."""
        tenants: dict[str, TenantState | MeshError] = {}
        for tenant_id in {tenant_id for tenant_id, _ in calls}:
            try:
                tenants[tenant_id] = await self._states(tenant_id, waits.left)
            except MeshError as error:
                tenants[tenant_id] = error
        known: list[tuple[CheckCall, TenantState]] = []
        unread: dict[Key, MeshError] = {}
        for key, call in calls.items():
            found = tenants[key[0]]
            if not isinstance(found, MeshError):
                known.append((call, found))
            elif found.kind is Kind.DEADLINE_EXCEEDED and waits.can_wait(key):
                unread[key] = TravelsApart()
            else:
                unread[key] = found
        return known, unread
