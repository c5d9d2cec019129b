"""Says upon whom somebody may act."""

from __future__ import annotations

from collections.abc import Collection

from meshkit.context import Principal
from meshkit.identity.roles import Roles
from services.auth import errors
from services.auth.domain.members import OWNER

__all__ = ["check_reach"]


def check_reach(declared: Roles, caller: Principal, roles: Collection[str]) -> None:
    """Raises ROLE_NOT_GRANTED if roles may do what the caller may not, or make an owner and the caller is none."""
    if missing := declared.permitted(roles) - caller.scopes:
        raise errors.role_not_granted(missing)
    if OWNER in roles and OWNER not in caller.roles:
        raise errors.owners_alone()
