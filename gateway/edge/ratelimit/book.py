"""Keeps the limits of a call at hand: those of its token (see `meshkit.limits.plan`), or that of the address."""

from __future__ import annotations

from gateway.edge.ratelimit.headers import policy_field
from meshkit.context import Principal
from meshkit.limits import Limit, limits_of

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
            charges = self._callers[key] = Charges(limits_of(principal, rate_class), principal)
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
