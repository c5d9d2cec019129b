"""Selects the limits of a call: those of client, user and tenant; or that of the address.

A client's limit is its plan, in each class of calls. A *user* is the subject of a token that is not the client itself:
a client that acts for many people gets a token for each, and one of them cannot use up the client's limit alone. What
a tenant may use, in one class or in all, all of its clients share. All of it stands in the verified token.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.edge.ratelimit.headers import policy_field
from gateway.edge.ratelimit.limiter import Limit
from meshkit.context import Principal

__all__ = ["ADDRESS_RATE", "FAILURES_BURST_SECONDS", "FAILURE_RATE", "Charges", "LimitBook"]

ADDRESS_RATE = 50
"""Units per second and address for methods without a token."""
FAILURE_RATE = 10
"""Tokens per second and address that may turn out not to be good."""
FAILURES_BURST_SECONDS = 5
MAX_ENTRIES = 20_000


class Charges:
    """The limits of a call and the header that names them."""

    __slots__ = ("header", "limits", "principal")

    def __init__(self, limits: tuple[Limit, ...], principal: Principal | None = None) -> None:
        self.limits = limits
        self.header = policy_field(limits)
        self.principal = principal


class LimitBook:
    """Keeps the limits of recent callers at hand. `address_rate` and `failure_rate` are units per second."""

    def __init__(self, *, address_rate: int = ADDRESS_RATE, failure_rate: int = FAILURE_RATE) -> None:
        self._address_rate = address_rate
        self._failure_rate = failure_rate
        self._callers: dict[tuple[str, str, str], Charges] = {}
        self._addresses: dict[tuple[str, str], Charges] = {}

    def of(self, principal: Principal, rate_class: str) -> Charges:
        """Returns the limits of a verified caller."""
        key = (principal.client_id, principal.subject, rate_class)
        charges = self._callers.get(key)
        if charges is None or (charges.principal is not principal and charges.principal != principal):
            if len(self._callers) >= MAX_ENTRIES:
                self._callers.clear()
            charges = self._callers[key] = Charges(tuple(_limits(principal, rate_class)), principal)
        return charges

    def of_address(self, address: str, rate_class: str) -> Charges:
        """Returns the limit of calls without a token."""
        return self._of_address(address, rate_class, self._address_rate, self._address_rate)

    def of_failures(self, address: str) -> Charges:
        """Returns the limit of tokens that were not good."""
        return self._of_address(address, "failures", self._failure_rate, self._failure_rate * FAILURES_BURST_SECONDS)

    def _of_address(self, address: str, name: str, rate: float, burst: float) -> Charges:
        charges = self._addresses.get((address, name))
        if charges is None:
            if len(self._addresses) >= MAX_ENTRIES:
                self._addresses.clear()
            charges = Charges((Limit(name, f"{name} address {address}", rate, burst),))
            self._addresses[(address, name)] = charges
        return charges


def _limits(principal: Principal, rate_class: str) -> Iterator[Limit]:
    tenant, quota = principal.tenant_id, principal.quota
    # The client goes first: where several limits are as close to refusing, callers are shown their own.
    yield Limit(rate_class, f"{rate_class} client {principal.client_id}", max(principal.rate_limit, 1))
    if quota.user and principal.subject not in ("", principal.client_id):
        yield Limit(f"{rate_class}-user", f"{rate_class} user {tenant} {principal.subject}", quota.user)
    for name, rate in quota.classes:
        if name == rate_class:
            yield Limit(f"{rate_class}-tenant", f"{rate_class} tenant {tenant}", rate)
    if quota.tenant:
        yield Limit("tenant", f"tenant {tenant}", quota.tenant)
