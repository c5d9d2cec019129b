"""What every method of every service states about itself."""

from __future__ import annotations

import re

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from rampart.mesh.v1 import batch_pb2

from meshkit.identity.policy import ApprovalRule, Policy, field_policy, policies, policy_of, scope_words
from meshkit.identity.scopes import Scopes
from meshkit.tenants.serving import TENANT_DATA_SERVICE
from meshkit.topology import load
from tests.support.protos import descriptors_of

SERVICES = [*descriptors_of(load().services), TENANT_DATA_SERVICE]
POLICIES = policies(SERVICES)
METHODS = {policy_of(method).path: method for service in SERVICES for method in service.methods}
SCOPES = Scopes.declared_by_methods()
PEERS = {f"service/{name}" for name in load().process_names} | {"operator", "operator/*", "client/*"}
every_method = pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.path)


@every_method
def test_callers_are_listed_and_known(policy: Policy) -> None:
    assert policy.callers
    named = {caller for caller in policy.callers if re.fullmatch(r"client/[a-z0-9-]+", caller)}
    assert set(policy.callers) - named <= PEERS | {"service/*"}
    assert ("operator" in policy.callers) == ("operator/*" in policy.callers)


@every_method
def test_scopes_are_told_on_the_service_that_asks_for_them(policy: Policy) -> None:
    # Services of one process share what one of them tells.
    package = METHODS[policy.path].containing_service.file.package
    own = [service for service in SERVICES if service.file.package == package]
    told = {name: words for service in own for name, words in scope_words(service).items()}
    needed = {*policy.scopes, policy.elevated_scope} - {""}
    # What a service carries for another asks for the scopes of that one.
    assert policy.rate_class == "internal" or needed <= told.keys()
    assert all(told.values())


@every_method
def test_deadline_is_set_and_short(policy: Policy) -> None:
    streams = METHODS[policy.path].server_streaming
    assert 0 < policy.deadline <= (3600 if streams else 10)


@every_method
def test_stream_can_go_on_where_it_ended(policy: Policy) -> None:
    method = METHODS[policy.path]
    assert not method.client_streaming
    # What services stream to each other begins with all that holds now; what is not to be sent again has an end.
    if method.server_streaming and policy.rate_class != "internal" and policy.retryable:
        assert [field.name for field in method.input_type.fields if field_policy(field).resume_after]
        assert [field.name for field in method.output_type.fields if field_policy(field).event_id]


@every_method
def test_clients_need_a_token_for_what_is_not_public(policy: Policy) -> None:
    if any(caller.startswith("client/") for caller in policy.callers):
        assert policy.scopes or policy.public
        assert policy.rate_class != "internal"


@every_method
def test_batch_method_is_internal_and_trusts_no_token_more_than_the_unary_one_does(policy: Policy) -> None:
    if policy.coalesce is None:
        return
    batch = POLICIES[policy.coalesce.method]
    assert batch.rate_class == "internal"
    assert all(caller.startswith("service/") for caller in batch.callers)
    assert policy.scopes <= batch.scopes
    assert min(policy.coalesce.max_items, policy.coalesce.max_bytes, policy.coalesce.max_in_flight) > 0
    assert _first_field(METHODS[batch.path], "request") == batch_pb2.Batch.DESCRIPTOR.full_name
    assert _first_field(METHODS[batch.path], "reply") == batch_pb2.BatchReply.DESCRIPTOR.full_name


def _first_field(method: MethodDescriptor, side: str) -> str:
    message = method.input_type if side == "request" else method.output_type
    found = message.fields_by_number[1].message_type
    assert found is not None
    return str(found.full_name)


@every_method
def test_what_may_be_sent_again_is_idempotent(policy: Policy) -> None:
    options = METHODS[policy.path].GetOptions()
    # Asking for a token twice makes two, and either is good.
    if policy.retryable and not policy.public:
        assert options.idempotency_level in (options.NO_SIDE_EFFECTS, options.IDEMPOTENT)


CHANGES_WHAT_DECIDES = {
    "AlertService/UpdateAlertSettings",
    "EventTypeService/UpdateEventType",
    "FeatureService/UpdateFeature",
    "FeatureService/DeleteFeature",
    "FraudService/ReplaceExchangeRates",
    "ListService/UpdateList",
    "ListService/DeleteList",
    "ListService/CommitImport",
    "ModelService/UpdateModelVersion",
    "ModelService/DeleteModel",
    "ScenarioService/SnoozeRule",
    "ScenarioService/EndSnooze",
}
"""Changes of what holds in production that need no elevated scope. Drafts hold nowhere; entries of lists, labels and
users are data, which programs write at any rate and which say themselves who did."""


@every_method
def test_changes_that_need_special_powers_are_audited(policy: Policy) -> None:
    elevated = SCOPES.declared - SCOPES.ordinary
    special = bool(policy.scopes & elevated) or "operator" in policy.callers
    if not policy.reads and policy.rate_class != "decision" and special:
        assert policy.audited


SECOND_PERSON = {
    ApprovalRule.TENANT: {
        "ApprovalService/SetApprovalPolicy",
        "IdentityProviderService/SetIdentityProvider",
        "IdentityProviderService/UnlinkMember",
        "MemberService/EnableMember",
        "MemberService/InviteMember",
        "MemberService/ResetMember",
        "MemberService/UpdateMember",
    },
    ApprovalRule.PLATFORM: {"AuthService/SetTenantPlan", "TenantService/AllowTenantErasure"},
    ApprovalRule.SERVICE: {"ScenarioService/DeployScenario"},
}
"""What takes a second person, by who asks for one."""


@pytest.mark.parametrize("rule", SECOND_PERSON)
def test_methods_that_take_a_second_person_are_those_that_are_known(rule: ApprovalRule) -> None:
    found = {policy.path.rpartition(".")[2] for policy in POLICIES.values() if policy.approval is rule}
    assert found == SECOND_PERSON[rule]


@every_method
def test_only_auth_holds_calls_back_for_only_it_can_ask_for_an_approval(policy: Policy) -> None:
    assert not policy.approval.is_enforced or policy.path.startswith("/rampart.auth.v1.")


@every_method
def test_methods_that_change_what_decides_are_audited_and_no_read_is(policy: Policy) -> None:
    name = policy.path.rpartition(".")[2]
    if name in CHANGES_WHAT_DECIDES:
        assert policy.audited
    assert not (policy.audited and policy.reads)
    # A stream has no end that its event could wait for, but an export has.
    assert not (policy.audited and METHODS[policy.path].server_streaming) or name == "TenantDataService/ExportTenant"


def test_changes_of_what_decides_are_methods() -> None:
    assert {path.rpartition(".")[2] for path in POLICIES} >= CHANGES_WHAT_DECIDES


@every_method
def test_target_of_an_audited_call_names_no_person(policy: Policy) -> None:
    binding = METHODS[policy.path].GetOptions().Extensions[annotations_pb2.http]
    assert not policy.audited or "user_id" not in str(binding)
