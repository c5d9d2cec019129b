"""What roles may do: every scope is somebody's, and every scope of a role exists."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import ServiceDescriptor

from meshkit.identity.policy import policies
from meshkit.identity.roles import Roles
from meshkit.identity.scopes import Scopes
from meshkit.topology import load
from tests.support.protos import descriptors_of

SERVICES: list[ServiceDescriptor] = list(descriptors_of(load().services))
SCOPES = Scopes.declared_by_methods()
ROLES = Roles.declared()
GRANTS = ROLES.grants
READS_PEOPLE = {"pii:read", "audit:read", "client:read", "member:read"}


def test_roles_are_those_that_people_and_programs_have() -> None:
    assert set(GRANTS) == {"owner", "admin", "analyst", "developer", "viewer", "service"}


@pytest.mark.parametrize("role", GRANTS)
def test_scopes_of_a_role_exist(role: str) -> None:
    assert GRANTS[role] <= SCOPES.declared


def test_owner_has_every_scope() -> None:
    assert ROLES.permitted(["owner"]) == SCOPES.declared


def test_viewer_changes_nothing_and_sees_no_people() -> None:
    written = {scope for policy in policies(SERVICES).values() if not policy.reads for scope in policy.scopes}
    read = {scope for policy in policies(SERVICES).values() if policy.reads for scope in policy.scopes}
    assert GRANTS["viewer"] - {"account:write"} <= read - (written - read)
    assert not GRANTS["viewer"] & READS_PEOPLE


def test_role_that_does_not_exist_permits_nothing() -> None:
    assert ROLES.permitted(["root", ""]) == frozenset()


def test_roles_together_permit_what_each_does() -> None:
    assert ROLES.permitted(["analyst", "developer"]) == GRANTS["analyst"] | GRANTS["developer"]
