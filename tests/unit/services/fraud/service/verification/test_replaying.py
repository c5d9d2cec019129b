"""A decision comes out as it was answered, whatever has changed since; and what was changed in it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import Kind, MeshError
from services.fraud import convert
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarios
from services.fraud.convert.seals import sealed_to_record
from services.fraud.domain.check import Decided
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER, STARTER_FEATURES
from services.fraud.domain.event_types import BUILT_IN, PAYMENT, Field, FieldType
from services.fraud.domain.recorded import Explanation, RecordedDecision
from services.fraud.domain.scenarios.explaining import RuleState, StepKind
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioVersion, VersionRef
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports import StoredDecision
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.verification.replaying import Replays
from tests.support.fraud import check, decided, new_tenant, record
from tests.support.past import PastTenant, checked_version
from tests.support.scorers import FakeModels


@dataclass
class Sets:
    """The feature sets of before, by version."""

    sets: dict[str, FeatureSet] = field(default_factory=lambda: {STARTER.version: STARTER})

    async def version(self, tenant_id: str, version: str) -> FeatureSet | None:
        return self.sets.get(version)


@dataclass
class Archive:
    """What is stored of tenants, and what computes their decisions again."""

    rows: MemoryScenarioRows = field(default_factory=MemoryScenarioRows)
    declarations: MemoryDeclarations = field(default_factory=MemoryDeclarations)
    sets: Sets = field(default_factory=Sets)
    most: int = 16

    def __post_init__(self) -> None:
        types = MemoryEventTypes(self.declarations)
        self.replays = Replays(
            MemoryScenarios(self.rows), types, self.sets, ModelCatalog(FakeModels()), compile_pattern, most=self.most
        )

    def keep(self, tenant: PastTenant) -> None:
        for version in tenant.versions.values():
            self.rows.versions[tenant.tenant_id, version.ref] = version
        for each in tenant.types.values():
            if each is not BUILT_IN.get(each.name):
                self.declarations.versions[tenant.tenant_id, each.name, each.version] = each
        self.sets.sets[tenant.features.version] = tenant.features


def stored(made: Decided) -> StoredDecision:
    kept = record(made)
    return StoredDecision(kept.answer, kept.inputs, kept.fields)


def recorded(made: Decided) -> RecordedDecision:
    return convert.recorded_from_record(stored(made))


@pytest.mark.parametrize("seed", range(8))
async def test_every_decision_comes_out_identical_after_everything_has_changed(seed: int) -> None:
    archive, tenants = Archive(), [PastTenant(3 * seed + place) for place in range(3)]
    made = []
    for tenant in tenants:
        archive.keep(tenant)
        made.append(await tenant.decide(60))
        tenant.change()
        archive.keep(tenant)
        made[-1] = [*made[-1], *await tenant.decide(20)]
    for tenant, decisions in zip(tenants, made, strict=True):
        for each in decisions:
            found = recorded(each)
            assert found.intact and await archive.replays.replay(tenant.tenant_id, found) == []
            explained = await archive.replays.explain(tenant.tenant_id, found)
            assert (explained.judgement, explained.differences) == (each.judgement, [])
            assert explained.steps[-1].outcome == each.verdict.outcome


async def test_the_decisions_of_these_tests_meet_with_everything() -> None:
    """So that the test above means something."""
    archive, states, steps, outcomes = Archive(), Counter[RuleState](), Counter[StepKind](), Counter[str]()
    for seed in range(12):
        tenant = PastTenant(seed)
        archive.keep(tenant)
        for each in await tenant.decide(60):
            explained = await archive.replays.explain(tenant.tenant_id, recorded(each))
            states.update(rule.state for rule in explained.rules)
            steps.update(step.kind for step in explained.steps)
            outcomes[each.verdict.outcome] += 1
    assert min(states[state] for state in RuleState) >= 20, states
    assert min(steps[kind] for kind in StepKind) >= 20, steps
    assert min(outcomes[name] for name in ("approve", "review", "decline")) >= 20, outcomes


async def test_values_are_read_by_the_features_of_that_time() -> None:
    mean = Feature(name="user_mean", event_type="payment", key=("user_id",), aggregate=Aggregate.MEAN, window_ms=1000,
                   field="amount")  # fmt: skip
    former = FeatureSet("t1", (*STARTER_FEATURES[::-1], mean), BUILT_IN)
    tenant, archive = PastTenant(1, features=former), Archive()
    archive.keep(tenant)
    for each in await tenant.decide(40):
        assert await archive.replays.replay(tenant.tenant_id, recorded(each)) == []
    archive.sets.sets["t1"] = STARTER
    with pytest.raises(MeshError) as caught:
        for each in await tenant.decide(1):
            await archive.replays.replay(tenant.tenant_id, recorded(each))
    assert caught.value.metadata == {"why": "record"}


async def test_names_mean_what_they_meant_in_the_event_type_of_that_time() -> None:
    """Of a version with one more field, and of one before it, when a feature had the name of that field."""
    late = Field("velocity", FieldType.STRING)
    second = replace(PAYMENT, fields=(*PAYMENT.fields, late), version=2)
    velocity = Feature(name="velocity", event_type="payment", key=("user_id",), aggregate=Aggregate.COUNT,
                       window_ms=1000)  # fmt: skip
    former = FeatureSet("t1", (*STARTER_FEATURES, velocity), BUILT_IN)
    archive = Archive()
    for tenant, event_type, expression in (
        (PastTenant(11, features=former), PAYMENT, "velocity >= 0"),
        (PastTenant(12), second, 'velocity == "fast"'),
    ):
        tenant.members = {}
        tenant.types["payment"] = event_type
        content = ScenarioContent(event_type="payment", rules=(rule("FAST", expression, 0.3),))
        tenant.versions = {"payment": checked_version(content, event_type, features=tenant.features.features)}
        archive.keep(tenant)
        fired = [each for each in await tenant.decide(60) if each.verdict.factors]
        assert {each.type_version for each in fired} == {event_type.version}
        tenant.types["payment"] = second
        archive.keep(tenant)
        for each in fired:
            assert await archive.replays.replay(tenant.tenant_id, recorded(each)) == []


def changed(made: Decided, change: Mapping[str, Any]) -> StoredDecision:
    """Returns the record of a decision with other inputs, not sealed again."""
    found = stored(made)
    inputs = decision_pb2.DecisionInputs.FromString(found.inputs)
    digest = inputs.digest
    inputs.ClearField("digest")
    for name, value in change.items():
        if name == "vector":
            inputs.vector.values[value] += 1_000
        else:
            setattr(inputs, name, value)
    body = inputs.SerializeToString()
    assert body != found.inputs[:-19]
    return found._replace(inputs=body + found.inputs[-19:-16] + digest)


@pytest.mark.parametrize(
    "change",
    [{"user_chargeback_count": 3}, {"user_base_risk": 0.7}, {"amount_minor": 9}, {"user_profile_read": False},
     {"vector": STARTER.names.index("user_count_1m")}, {"channel": "x"}],
    ids=["profile", "risk", "amount", "unread", "feature", "channel"],
)  # fmt: skip
async def test_input_that_was_changed_is_told(change: Mapping[str, Any]) -> None:
    """Those that rules see by what they make of the decision, and every one by the digest."""
    tenant = new_tenant()
    made = decided(check(tenant))
    tampered = changed(made, change)
    found = convert.recorded_from_record(tampered)
    differences = await Archive().replays.replay(tenant, found)
    replay = convert.replay_to_proto(found, differences)
    assert (replay.intact, replay.identical) == (False, False)
    blind = {"amount_minor", "channel", "user_profile_read"} & change.keys()
    assert bool(replay.differences) is not bool(blind)
    # Who seals what he has changed is found out by what it makes of the decision alone.
    again = tampered._replace(inputs=sealed_to_record(tampered.answer, tampered.fields, tampered.inputs[:-19]))
    found = convert.recorded_from_record(again)
    replay = convert.replay_to_proto(found, await Archive().replays.replay(tenant, found))
    assert (replay.intact, replay.identical) == (True, bool(blind))


async def test_answer_and_event_that_were_changed_are_told() -> None:
    tenant = new_tenant()
    made = decided(check(tenant))
    whole = stored(made)
    answer = decision_pb2.Decision.FromString(whole.answer)
    answer.outcome, answer.confidence_score = "review", 0.25
    explanation = answer.explanations.add()
    explanation.reason_code = "MADE_UP"
    for tampered, fields in (
        (whole._replace(answer=answer.SerializeToString()),
         {"outcome", "confidence_score", "explanations[0].reason_code", "explanations[0].message",
          "explanations[0].contribution"}),
        (whole._replace(fields=whole.fields.replace(b"[1250,", b"[9999999,")),
         {"outcome", "confidence_score", "risk_factors", "explanations[0].reason_code", "explanations[0].message",
          "explanations[0].contribution"}),
    ):  # fmt: skip
        found = convert.recorded_from_record(tampered)
        differences = await Archive().replays.replay(tenant, found)
        assert {each.field for each in differences} == fields
        assert not convert.replay_to_proto(found, differences).intact
    (outcome, *_) = differences
    assert (outcome.field, outcome.stored, outcome.computed) == ("outcome", '"approve"', '"review"')


async def test_rules_that_are_told_and_did_nothing_are_told() -> None:
    tenant = new_tenant()
    whole = stored(decided(check(tenant)))
    answer = decision_pb2.Decision.FromString(whole.answer)
    answer.snoozed_rules.append("burst")
    answer.failed_rules.append("high")
    answer.is_fraudulent = True
    found = convert.recorded_from_record(whole._replace(answer=answer.SerializeToString()))
    assert await Archive().replays.replay(tenant, found) == [
        ("is_fraudulent", "true", "false"), ("snoozed_rules", '["burst"]', "[]"), ("failed_rules", '["high"]', "[]"),
    ]  # fmt: skip


async def not_computable(archive: Archive, tenant: str, found: RecordedDecision) -> str:
    for compute in (archive.replays.replay, archive.replays.explain):
        with pytest.raises(MeshError) as caught:
            await compute(tenant, found)
        assert (caught.value.kind, caught.value.reason) == (Kind.FAILED_PRECONDITION, "NOT_COMPUTABLE")
    return caught.value.metadata["why"]


async def test_what_cannot_be_computed_again_says_why() -> None:
    tenant = PastTenant(4)
    made = next(each for each in await tenant.decide(50) if each.check.event_type == "transfer")
    found, archive = recorded(made), Archive()
    assert await not_computable(archive, tenant.tenant_id, found) == "scenario"
    archive.keep(tenant)
    assert await archive.replays.replay(tenant.tenant_id, found) == []
    other = new_tenant()
    assert await not_computable(archive, other, found) == "scenario", "versions are their tenant's"
    assert await not_computable(archive, tenant.tenant_id, found._replace(type_version=9)) == "event_type"
    assert await not_computable(archive, tenant.tenant_id, found._replace(features="t9")) == "features"
    assert await not_computable(archive, tenant.tenant_id, found._replace(complete=False)) == "format"
    starter = found._replace(scenario=VersionRef("starter", 1))
    assert await not_computable(archive, tenant.tenant_id, starter) == "scenario", "nor do others of the built-in one"


@pytest.mark.parametrize("version", ["1", "2"])
async def test_decision_of_the_rules_of_before_says_that_it_cannot_be_computed_again(version: str) -> None:
    answer = decision_pb2.Decision(outcome="approve", rules_version="starter-2", decision_id="d-1")
    inputs = decision_pb2.DecisionInputs(
        user_tier="standard", vector=decision_pb2.FeatureVector(version=version, values=range(37))
    )
    found = convert.recorded_from_record(
        StoredDecision(answer.SerializeToString(), inputs.SerializeToString(), b'{"amount":[1,"USD"]}')
    )
    assert await not_computable(Archive(), new_tenant(), found) == "format"


@pytest.mark.parametrize(
    ("answer", "inputs", "fields"),
    [(b"\xff", b"", b"{}"), (b"", b"\xff\xff", b"{}"), (b"", b"", b"{"), (b"", b"", b"[]"), (b"", b"", b'{"a":null}'),
     (b"", b"", b'{"a":[1]}'), (b"", b"", b'{"a":{"time":"never"}}'), (b"", b"", b'{"a":{}}'), (b"", b"", b"\xff")],
)  # fmt: skip
def test_record_that_cannot_be_read_says_so(answer: bytes, inputs: bytes, fields: bytes) -> None:
    with pytest.raises(MeshError) as caught:
        convert.recorded_from_record(StoredDecision(answer, inputs, fields))
    assert (caught.value.reason, caught.value.metadata) == ("NOT_COMPUTABLE", {"why": "record"})


async def test_versions_are_compiled_once_and_kept_within_the_bound() -> None:
    archive, tenant = Archive(most=2), PastTenant(5)
    versions = []
    for number in range(1, 4):
        tenant.versions = {name: replace(each, number=number) for name, each in tenant.versions.items()}
        archive.keep(tenant)
        made = next(each for each in await tenant.decide(50) if each.check.event_type == "payment")
        versions.append(recorded(made))
    for found in versions:
        for _ in range(2):
            assert await archive.replays.replay(tenant.tenant_id, found) == []
    assert len(archive.replays._versions) == 2
    # Those that are kept are not read again.
    archive.rows.versions.clear()
    assert await archive.replays.replay(tenant.tenant_id, versions[2]) == []
    assert await not_computable(archive, tenant.tenant_id, versions[0]) == "scenario"


def version_of(*rules: ScenarioRule) -> ScenarioVersion:
    return checked_version(ScenarioContent(event_type="payment", rules=rules), PAYMENT)


def rule(code: str, expression: str, contribution: float = 0.0, outcome: str = "", words: str = "") -> ScenarioRule:
    return ScenarioRule(
        rule_id=code.lower(), code=code, words=words or f"{code} applies.", expression=expression,
        contribution=contribution, outcome=RuleOutcome(outcome),
    )  # fmt: skip


async def explained(tenant: PastTenant, version: ScenarioVersion) -> tuple[Decided, Explanation]:
    """Returns a payment of u1 from 192.0.2.1, decided by a version, and its explanation."""
    tenant.versions = {"payment": version}
    archive = Archive()
    archive.keep(tenant)
    wanted = {"user_id": "u1", "ip_address": "192.0.2.1", "channel": "online"}
    for each in await tenant.decide(2_000):
        if each.check.event_type == "payment" and wanted.items() <= each.check.fields.items() and each.facts.profile:
            return each, await archive.replays.explain(tenant.tenant_id, recorded(each))
    raise AssertionError("no such payment")


async def test_explanation_shows_every_rule_with_what_it_saw() -> None:
    tenant = PastTenant(6)
    tenant.snoozes = [replace(tenant.snoozes[0], rule_id="asleep", value="u1")]
    made, found = await explained(tenant, version_of(
        rule("FIRED", 'ip_address in lists.watched && channel == "online"', 0.4, "review", "From {ip_address}."),
        rule("SILENT", 'user_id == "u9"', 0.9),
        rule("ASLEEP", 'user_id == "u1"', 0.9, "decline", "By {user_id}, {ip.country}."),
        rule("BROKEN", "int(user_id) > 3", 0.1),
        rule("BLIND", 'card_fingerprint == "x"', 0.1),
    ))  # fmt: skip
    states = {each.rule.code: (each.state.value, each.message) for each in found.rules}
    assert states == {
        "FIRED": ("fired", "From 192.0.2.1."),
        "SILENT": ("not_fired", ""),
        "ASLEEP": ("snoozed", "By u1, DE."),
        "BROKEN": ("error", ""),
        "BLIND": ("not_enough_data", ""),
    }
    assert found.names == [["channel", "ip_address", "lists.watched"], ["user_id"], ["user_id"], ["user_id"],
                           ["card_fingerprint"]]  # fmt: skip
    assert found.values == {
        "channel": "online", "ip_address": "192.0.2.1", "user_id": "u1", "card_fingerprint": None, "ip.country": "DE",
        "lists.watched": ("192.0.2.1",),
    }  # fmt: skip
    message = convert.explanation_to_proto(recorded(made), found)
    assert message.values["card_fingerprint"].HasField("null_value")
    assert [each.string_value for each in message.values["lists.watched"].list_value.values] == ["192.0.2.1"]
    assert message.rules[0].contribution == made.verdict.factors[0].contribution > 0


async def test_explanation_of_a_ruling_of_a_list_asks_no_rule() -> None:
    tenant = PastTenant(7)
    tenant.members["allowed"] = {"u1"}
    _, found = await explained(tenant, version_of(rule("ANY", "amount >= 0", 0.9, "decline")))
    assert [each.state for each in found.rules] == [RuleState.NOT_ASKED]
    (step,) = found.steps
    assert (step.kind, step.outcome, step.message) == (
        StepKind.LIST,
        "approve",
        "The list allowed allows this user_id.",
    )


@pytest.mark.parametrize(
    ("rules", "steps"),
    [
        ((rule("A", "amount >= 0", 0.0, "approve_at_once"),), ["approve_at_once approve"]),
        (
            (rule("A", "amount >= 0", 0.0, "approve_at_once"), rule("D", "amount >= 0", 0.0, "decline")),
            ["approve_at_once ", "score approve", "rule decline"],
        ),
        ((rule("R", "amount >= 0", 0.0, "review"),), ["score approve", "rule review"]),
        ((rule("H", "amount >= 0", 0.99), rule("R", "amount >= 0", 0.0, "review")), ["score decline", "rule decline"]),
        ((), ["score approve"]),
    ],
)  # fmt: skip
async def test_steps_lead_to_the_outcome(rules: Sequence[ScenarioRule], steps: Sequence[str]) -> None:
    tenant = PastTenant(8)
    tenant.members, tenant.policy = {}, replace(tenant.policy, review_without=frozenset())
    made, found = await explained(tenant, version_of(*rules, rule("NEVER", "amount < 0")))
    assert [f"{each.kind.value} {each.outcome}" for each in found.steps] == steps
    assert found.steps[-1].outcome == made.verdict.outcome


async def test_review_floor_names_what_was_missing() -> None:
    tenant = PastTenant(9)
    tenant.members, tenant.policy = {}, replace(tenant.policy, review_without=frozenset({"features_slow_path"}))
    archive = Archive()
    tenant.versions = {"payment": version_of(rule("NEVER", "amount < 0"))}
    archive.keep(tenant)
    made = next(each for each in await tenant.decide(50) if each.required and each.scenario)
    found = await archive.replays.explain(tenant.tenant_id, recorded(made))
    assert [each.kind for each in found.steps] == [StepKind.SCORE, StepKind.REVIEW_FLOOR]
    assert found.steps[-1].message == "Nothing is approved without features_slow_path."
