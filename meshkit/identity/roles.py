"""Reads which scopes each role has, from the enum whose values say so. A scope that no role has counts for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from rampart.mesh.v1 import policy_pb2

from meshkit.descriptors import read_descriptors

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import EnumValueOptions
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor

__all__ = ["SERVICE", "Roles"]

SERVICE: Final = "service"
"""The role of a client that acts for itself."""


# The generated type stub calls every extension a FieldDescriptor.
_OPTION = cast("_ExtensionFieldDescriptor[EnumValueOptions, policy_pb2.RoleGrant]", policy_pb2.role)


@dataclass(frozen=True, slots=True)
class Roles:
    """Scopes of each role, by its name in lower case without the name of the enum: "owner", "viewer"."""

    grants: Mapping[str, frozenset[str]]

    def permitted(self, roles: Iterable[str]) -> frozenset[str]:
        """Returns the scopes that the roles have together; a role that does not exist has none."""
        return frozenset[str]().union(*(self.grants.get(role, ()) for role in roles))

    @classmethod
    def declared(cls) -> Roles:
        """Reads the enums of all protos of the platform."""
        enums = [enum for file in read_descriptors().file for enum in file.enum_type]
        return cls(
            {
                value.name.removeprefix(f"{enum.name.upper()}_").lower(): frozenset(
                    value.options.Extensions[_OPTION].scopes
                )
                for enum in enums
                for value in enum.value
                if value.options.HasExtension(_OPTION)
            }
        )
