"""Lists the scopes that the methods of the platform ask for. Their policies are the one place that names scopes."""

from __future__ import annotations

from dataclasses import dataclass

from meshkit.descriptors import read_descriptors
from meshkit.identity.policy import POLICY_OPTION

__all__ = ["Scopes"]


@dataclass(frozen=True, slots=True)
class Scopes:
    """Scopes that a token may carry."""

    ordinary: frozenset[str]
    """Those without which methods cannot be called."""
    elevated: frozenset[str]
    """Those that allow more than the call itself, and are given only to clients for which they are named."""

    @property
    def declared(self) -> frozenset[str]:
        return self.ordinary | self.elevated

    @classmethod
    def declared_by_methods(cls) -> Scopes:
        """Reads the policies of all methods."""
        policies = [
            method.options.Extensions[POLICY_OPTION]
            for file in read_descriptors().file
            for service in file.service
            for method in service.method
        ]
        elevated = {policy.elevated_scope for policy in policies} - {""}
        return cls(frozenset(scope for policy in policies for scope in policy.scopes), frozenset(elevated))
