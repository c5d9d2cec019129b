"""Selects the limits of a caller: those of client, user and tenant. All of it stands in the verified token.

A client's limit is its plan, in each class of calls. A *user* is the subject of a token that is not the client itself:
a client that acts for many people gets a token for each, and one of them cannot use up the client's limit alone. What
a tenant may use, in one class or in all, all of its clients share.
"""

from __future__ import annotations

from collections.abc import Iterator

from meshkit.context import Principal
from meshkit.limits.limiter import Limit

__all__ = ["limits_of"]


def limits_of(principal: Principal, rate_class: str) -> tuple[Limit, ...]:
    """Returns every limit that a call of the class counts towards, the client's own first.

    Where several limits are as close to refusing, callers are shown the first.
    """
    return tuple(_limits(principal, rate_class))


def _limits(principal: Principal, rate_class: str) -> Iterator[Limit]:
    tenant, quota = principal.tenant_id, principal.quota
    yield Limit(rate_class, f"{rate_class} client {principal.client_id}", max(principal.rate_limit, 1))
    if quota.user and principal.subject not in ("", principal.client_id):
        yield Limit(f"{rate_class}-user", f"{rate_class} user {tenant} {principal.subject}", quota.user)
    for name, rate in quota.classes:
        if name == rate_class:
            yield Limit(f"{rate_class}-tenant", f"{rate_class} tenant {tenant}", rate)
    if quota.tenant:
        yield Limit("tenant", f"tenant {tenant}", quota.tenant)
