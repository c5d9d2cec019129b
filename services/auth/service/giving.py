"""Decides what a caller may give a program: nothing that it does not have itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from meshkit.context import Principal
from meshkit.identity.roles import SERVICE, Roles
from meshkit.identity.scopes import Scopes
from services.auth import errors
from services.auth.domain.clients import unknown_scopes

__all__ = ["GivenScopes", "check_held"]


@dataclass(frozen=True, slots=True)
class GivenScopes:
    """The scopes of programs."""

    declared: frozenset[str]
    usual: frozenset[str]
    """Those of a program for which none are named, as far as its maker has them."""

    @classmethod
    def of_platform(cls) -> GivenScopes:
        """Reads them from the policies of all methods, and from what the role of programs permits."""
        scopes = Scopes.declared_by_methods()
        return cls(scopes.declared, scopes.ordinary & Roles.declared().permitted([SERVICE]))

    def given(self, asked: Sequence[str], caller: Principal, field: str) -> frozenset[str]:
        """Returns the scopes that the caller gives. Raises VALIDATION_FAILED for unknown ones, and SCOPE_NOT_HELD."""
        unknown = unknown_scopes(asked, self.declared)
        if unknown:
            raise errors.scopes_unknown(unknown, field)
        if not asked:
            return self.usual & caller.scopes
        check_held(asked, caller)
        return frozenset(asked)


def check_held(scopes: Iterable[str], caller: Principal) -> None:
    """Raises SCOPE_NOT_HELD: whoever learns a program's secret, or says how it proves itself, can do what it can."""
    lacking = frozenset(scopes) - caller.scopes
    if lacking:
        raise errors.scope_not_held(lacking)
