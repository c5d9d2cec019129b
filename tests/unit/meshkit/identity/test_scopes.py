"""The scopes of the platform."""

from __future__ import annotations

from rampart.fraud.v1 import fraud_service_pb2
from rampart.user.v1 import user_service_pb2

from meshkit.identity.policy import policies
from meshkit.identity.scopes import Scopes


def test_every_scope_that_a_method_asks_for_is_declared() -> None:
    found = Scopes.declared_by_methods()
    services = [fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"],
                user_service_pb2.DESCRIPTOR.services_by_name["UserService"]]  # fmt: skip
    for policy in policies(services).values():
        assert policy.scopes <= found.ordinary
        assert not policy.elevated_scope or policy.elevated_scope in found.elevated
    assert found.elevated == {
        "account:write",
        "approval:read",
        "approval:write",
        "audit:read",
        "client:write",
        "fraud:backfill",
        "member:write",
        "pii:read",
        "scenario:policy",
        "scenario:publish",
    }
    assert found.ordinary.isdisjoint(found.elevated)
    assert found.declared == found.ordinary | found.elevated
