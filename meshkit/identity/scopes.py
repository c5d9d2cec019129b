"""Lists the scopes that the methods of the platform ask for. Their policies are the one place that names scopes."""

from __future__ import annotations

from dataclasses import dataclass

from meshkit.descriptors import read_descriptors
from meshkit.identity.policy import POLICY_OPTION, SCOPE_OPTION

__all__ = ["Scopes"]


@dataclass(frozen=True, slots=True)
class Scopes:
    """Scopes that a token may carry."""

    ordinary: frozenset[str]
    """Those of a client for which none is named."""
    elevated: frozenset[str]
    """Those that are given only to clients for which they are named."""

    @property
    def declared(self) -> frozenset[str]:
        return self.ordinary | self.elevated

    @classmethod
    def declared_by_methods(cls) -> Scopes:
        """Reads the policies of all methods, and what their services say of scopes."""
        services = [service for file in read_descriptors().file for service in file.service]
        policies = [method.options.Extensions[POLICY_OPTION] for service in services for method in service.method]
        described = [scope for service in services for scope in service.options.Extensions[SCOPE_OPTION]]
        elevated = {scope.name for scope in described if scope.elevated}
        elevated |= {policy.elevated_scope for policy in policies} - {""}
        asked = {scope for policy in policies for scope in policy.scopes}
        return cls(frozenset(asked - elevated), frozenset(elevated))
