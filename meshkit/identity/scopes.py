"""Lists the scopes that the methods of the platform ask for. Their policies are the one place that names scopes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import rampart
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from meshkit.identity.policy import POLICY_OPTION

__all__ = ["Scopes"]

# The descriptors of all services, generated beside their code.
DESCRIPTORS = Path(next(iter(rampart.__path__))) / "descriptors.binpb"


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
    def declared_by_methods(cls, descriptors: Path = DESCRIPTORS) -> Scopes:
        """Reads the policies of all methods."""
        files = FileDescriptorSet.FromString(descriptors.read_bytes()).file
        policies = [
            method.options.Extensions[POLICY_OPTION]
            for file in files
            for service in file.service
            for method in service.method
        ]
        elevated = {policy.elevated_scope for policy in policies} - {""}
        return cls(frozenset(scope for policy in policies for scope in policy.scopes), frozenset(elevated))
