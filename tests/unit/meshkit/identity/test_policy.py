"""Policies come from the descriptors, and a method without a sound one is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from rampart.fraud.v1 import fraud_service_pb2

from meshkit.identity.policy import PolicyError, policies, policy_of
from tests.support.protos import compile_proto

CLASS = "rate_limit: {class: RATE_CLASS_READ}"
KEYED = f"option (rampart.mesh.v1.policy) = {{idempotency_key: true, {CLASS}, deadline: {{seconds: 1}}"
HELD = f"option (rampart.mesh.v1.policy) = {{approval: APPROVAL_RULE_TENANT, {CLASS}, deadline: {{seconds: 1}}"
CHECK = policies([fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]])[
    "/rampart.fraud.v1.FraudService/CheckFraud"
]


def method(options: str) -> MethodDescriptor:
    text = f"service S {{ rpc Do(M) returns (M) {{ {options} }} }} message M {{}}"
    pool = DescriptorPool()
    for file in compile_proto(text).file:
        pool.Add(file)
    return pool.FindMethodByName("test.lib.v1.S.Do")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", "has no (rampart.mesh.v1.policy)"),
        (f'option (rampart.mesh.v1.policy) = {{scopes: ["a:b"], {CLASS}}};', "has no deadline"),
        ('option (rampart.mesh.v1.policy) = {scopes: ["a:b"], deadline: {seconds: 1}};', "names no rate class"),
        (
            f'option (rampart.mesh.v1.policy) = {{public: true, scopes: ["a:b"], {CLASS}, deadline: {{seconds: 1}}}};',
            "is public and asks for scopes",
        ),
        (
            f"option (rampart.mesh.v1.policy) = {{collapsible: true, {CLASS}, deadline: {{seconds: 1}}}};",
            "not NO_SIDE_EFFECTS",
        ),
        (
            f"option (rampart.mesh.v1.policy) = {{cache: {{seconds: 1}}, {CLASS}, deadline: {{seconds: 1}}}};",
            "not NO_SIDE_EFFECTS",
        ),
        (
            f"option idempotency_level = NO_SIDE_EFFECTS; option (rampart.mesh.v1.policy) = "
            f'{{scopes: ["a:b"], max_age: {{seconds: 1}}, {CLASS}, deadline: {{seconds: 1}}}};',
            "has a max_age but is not public",
        ),
        (f"{KEYED}, public: true}};", "takes an idempotency_key but is public, NO_SIDE_EFFECTS or streams"),
        (f"option idempotency_level = NO_SIDE_EFFECTS; {KEYED}}};", "is public, NO_SIDE_EFFECTS or streams"),
        (f"{KEYED}}};", "has no request_id or assign_id field"),
        (f"{HELD}}};", "needs an approval but is NO_SIDE_EFFECTS, streams or is not audited"),
        (f"option idempotency_level = NO_SIDE_EFFECTS; {HELD}, audited: true}};", "needs an approval but is"),
        (f"{HELD}, audited: true, retryable: true}};", "needs an approval, which is good once, but is retryable"),
        (f"{HELD}, audited: true, idempotency_key: true}};", "with an idempotency_key stays refused"),
    ],
)
def test_method_without_a_sound_policy_is_refused(options: str, words: str) -> None:
    with pytest.raises(PolicyError, match=r"test\.lib\.v1\.S\.Do") as caught:
        policy_of(method(options))
    assert words in str(caught.value)


@pytest.mark.parametrize("option", ["request_id", "assign_id"])
@pytest.mark.parametrize("message", ["M { %s }", "M { M above = 2; repeated N items = 3; } message N { %s }"])
def test_key_needs_a_field_at_any_depth_that_the_service_knows_the_request_by(option: str, message: str) -> None:
    field = f"string name = 1 [(rampart.mesh.v1.field).{option} = true];"
    text = f"service S {{ rpc Do(M) returns (M) {{ {KEYED}}}; }} }} message {message % field}"
    pool = DescriptorPool()
    for file in compile_proto(text).file:
        pool.Add(file)
    assert policy_of(pool.FindMethodByName("test.lib.v1.S.Do")).idempotency_key


def test_policy_is_read_in_full() -> None:
    assert (CHECK.scopes, CHECK.elevated_scope) == (frozenset({"decision:create"}), "fraud:backfill")
    assert (CHECK.rate_class, CHECK.cost, CHECK.deadline, CHECK.retryable) == ("decision", 1, 2.0, True)
    assert CHECK.coalesce is not None
    assert CHECK.coalesce.method == "/rampart.fraud.v1.FraudService/CoalesceCheckFraud"


@pytest.mark.parametrize(
    ("callers", "peer", "admitted"),
    [
        (("service/gateway",), "service/gateway", True),
        (("service/gateway",), "service/gateway2", False),
        (("service/gateway",), "service", False),
        (("client/*",), "client/orders", True),
        (("client/*",), "client", False),
        (("client/*",), "clients/orders", False),
        (("service/gateway", "client/*"), "service/data", False),
        (("service/gateway",), "", False),
        ((), "service/gateway", False),
    ],
)
def test_only_listed_peers_are_admitted(callers: tuple[str, ...], peer: str, admitted: bool) -> None:
    assert replace(CHECK, callers=callers).admits(peer) is admitted
