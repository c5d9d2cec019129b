"""Drafts are edited, versions are made of them and stay as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meshkit.errors import MeshError
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.drafting import with_rule, with_settings, without_rule
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioModel, VersionRef
from services.fraud.domain.scenarios.starter import STARTER, STARTER_ID, STARTER_REF
from services.fraud.expressions.rules import CelRules
from tests.support.scenarios import ScenarioBench, rule
from tests.support.scorers import FRAUD

CONTENT = ScenarioContent(event_type="payment", rules=(rule("HIGH"),))


@pytest.fixture
def bench() -> ScenarioBench:
    return ScenarioBench()


async def refusal(coroutine: object) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await coroutine  # type: ignore[misc]
    return caught.value


async def test_a_scenario_is_created_once(bench: ScenarioBench) -> None:
    made = await bench.scenarios.create("t", "alice", "cards", CONTENT)
    assert await bench.scenarios.create("t", "bob", "cards", CONTENT) == made
    assert (made.revision, made.latest, made.editors) == (1, 0, frozenset({"alice"}))
    for name, content in (("cards", replace(CONTENT, rules=())), (STARTER_ID, STARTER)):
        assert (await refusal(bench.scenarios.create("t", "bob", name, content))).reason == "RESOURCE_EXISTS"


async def test_what_is_wrong_is_told_with_line_and_column(bench: ScenarioBench) -> None:
    wrong = replace(CONTENT, rules=(rule("HIGH"), rule("LOW", expression="amuont > 1.0")))
    error = await refusal(bench.scenarios.create("t", "alice", "cards", wrong))
    (violation,) = error.violations
    assert (violation.field, violation.reason) == ("rules[1].expression", "expression.type")
    assert violation.message == "line 1, column 1: expected a known name, such as amount, found amuont"
    unknown = await refusal(bench.scenarios.create("t", "alice", "cards", replace(CONTENT, event_type="nothing")))
    assert [each.field for each in unknown.violations] == ["event_type"]
    many = replace(CONTENT, rules=tuple(rule(f"R{place}", expression="x > 1") for place in range(1_000)))
    assert len((await refusal(bench.scenarios.create("t", "alice", "cards", many))).violations) == 100


async def test_rules_ask_for_the_score_of_a_model_only_where_there_is_one(bench: ScenarioBench) -> None:
    asking = replace(CONTENT, rules=(rule("SURE", expression="model.score > 0.5"),))
    error = await refusal(bench.scenarios.create("t", "alice", "cards", asking))
    assert [each.field for each in error.violations] == ["rules[0].expression"]
    scored = replace(asking, model=ScenarioModel(name=FRAUD.name, version=FRAUD.number))
    await bench.scenarios.create("t", "alice", "cards", scored)
    error = await refusal(bench.scenarios.edit("t", "alice", "cards", lambda draft: replace(draft, model=None)))
    assert [each.field for each in error.violations] == ["rules[0].expression"]


async def test_rules_that_would_hold_up_other_tenants_together_make_no_version(bench: ScenarioBench) -> None:
    searching = tuple(rule(f"R{place}", expression=f"user_id.matches('x{place}')") for place in range(251))
    error = await refusal(bench.scenarios.create("t", "alice", "cards", replace(CONTENT, rules=searching)))
    (violation,) = error.violations
    assert (violation.field, violation.reason) == ("rules", "rules.cost")
    assert "at most 30 ms with the longest texts, and may take 31" in violation.message
    await bench.scenarios.create("t", "alice", "cards", replace(CONTENT, rules=searching[:240]))
    await bench.scenarios.make_version("t", "alice", "cards")
    for added in searching[240:]:
        await bench.scenarios.edit("t", "alice", "cards", lambda draft, added=added: with_rule(draft, added))
    error = await refusal(bench.scenarios.make_version("t", "alice", "cards"))
    assert [each.reason for each in error.violations] == ["rules.cost"]


async def test_a_draft_is_edited_rule_by_rule(bench: ScenarioBench) -> None:
    await bench.scenarios.create("t", "alice", "cards", CONTENT)
    heavier = rule("HIGH", 0.75)
    edited = await bench.scenarios.edit("t", "bob", "cards", lambda draft: with_rule(draft, heavier))
    assert edited.draft.rules == (heavier,)
    edited = await bench.scenarios.edit("t", "bob", "cards", lambda draft: with_rule(draft, rule("LOW")))
    assert [each.code for each in edited.draft.rules] == ["HIGH", "LOW"]
    edited = await bench.scenarios.edit("t", "carol", "cards", lambda draft: without_rule(draft, "high"))
    strict = replace(CONTENT, decline_at=0.6)
    edited = await bench.scenarios.edit("t", "carol", "cards", lambda draft: with_settings(draft, strict))
    assert (edited.draft.decline_at, [each.code for each in edited.draft.rules]) == (0.6, ["LOW"])
    assert (edited.revision, edited.editors) == (5, frozenset({"alice", "bob", "carol"}))


async def test_an_edit_of_nothing_makes_no_state_and_a_bad_one_leaves_none(bench: ScenarioBench) -> None:
    made = await bench.scenarios.create("t", "alice", "cards", CONTENT)
    assert await bench.scenarios.edit("t", "bob", "cards", lambda draft: with_rule(draft, rule("HIGH"))) == made
    for reason, edit in (
        ("VALIDATION_FAILED", lambda draft: with_rule(draft, rule("LOW", 2.0))),
        ("VALIDATION_FAILED", lambda draft: replace(draft, event_type="login", rules=())),
        ("RESOURCE_NOT_FOUND", lambda draft: without_rule(draft, "low")),
    ):
        assert (await refusal(bench.scenarios.edit("t", "bob", "cards", edit))).reason == reason
    assert await bench.scenarios.get("t", "cards") == made


async def test_of_two_who_edit_one_draft_the_second_is_told(bench: ScenarioBench) -> None:
    await bench.scenarios.create("t", "alice", "cards", CONTENT)
    await bench.scenarios.edit("t", "alice", "cards", lambda draft: with_rule(draft, rule("LOW")), lambda at: at == 1)
    late = bench.scenarios.edit("t", "bob", "cards", lambda draft: without_rule(draft, "low"), lambda at: at == 1)
    assert (await refusal(late)).reason == "ETAG_MISMATCH"
    assert (await refusal(bench.scenarios.make_version("t", "bob", "cards", "", lambda at: at == 1))).reason == (
        "ETAG_MISMATCH"
    )


async def test_a_version_is_made_once_of_each_draft(bench: ScenarioBench) -> None:
    await bench.scenarios.create("t", "alice", "cards", CONTENT)
    first = await bench.scenarios.make_version("t", "bob", "cards", "the first")
    assert (first.number, first.content, first.authors) == (1, CONTENT, frozenset({"alice", "bob"}))
    assert first.trees == (CelRules().check("amount > 100.0", {"amount": ValueKind.DOUBLE}),)
    assert await bench.scenarios.make_version("t", "carol", "cards", "again") == first
    await bench.scenarios.edit("t", "carol", "cards", lambda draft: with_rule(draft, rule("LOW")))
    second = await bench.scenarios.make_version("t", "carol", "cards")
    assert (second.number, second.authors) == (2, frozenset({"carol"}))
    assert await bench.scenarios.version("t", first.ref) == first
    found, more = await bench.scenarios.versions("t", "cards", 1 << 30, 1)
    assert (list(found), more) == ([second], True)


async def test_versions_and_drafts_are_compared(bench: ScenarioBench) -> None:
    await bench.scenarios.create("t", "alice", "cards", CONTENT)
    await bench.scenarios.make_version("t", "alice", "cards")
    await bench.scenarios.edit("t", "alice", "cards", lambda draft: with_rule(draft, rule("LOW")))
    difference = await bench.scenarios.diff("t", VersionRef("cards", 1), VersionRef("cards", 0))
    assert [each.code for each in difference.added] == ["LOW"]
    whole = await bench.scenarios.diff("t", STARTER_REF, VersionRef("cards", 1))
    assert len(whole.removed) == len(STARTER.rules)


async def test_the_starter_can_be_read_like_any_other(bench: ScenarioBench) -> None:
    assert (await bench.scenarios.version("t", STARTER_REF)).content == STARTER
    found, more = await bench.scenarios.versions("t", STARTER_ID, 1 << 30, 9)
    assert ([each.ref for each in found], more) == ([STARTER_REF], False)
    assert (await bench.checks.content("t", STARTER)).faults == []


@pytest.mark.parametrize("tenant", ["t", "other"])
async def test_what_is_not_there_or_anothers_is_not_found(bench: ScenarioBench, tenant: str) -> None:
    await bench.version("t", "alice", "HIGH")
    name = "cards" if tenant == "other" else "nothing"
    service = bench.scenarios
    for asked in (
        service.get(tenant, name),
        service.version(tenant, VersionRef(name, 1)),
        service.versions(tenant, name, 9, 9),
        service.edit(tenant, "bob", name, lambda draft: draft),
        service.make_version(tenant, "bob", name),
        service.content(tenant, name),
        service.diff(tenant, STARTER_REF, VersionRef(name, 1)),
    ):
        assert (await refusal(asked)).reason == "RESOURCE_NOT_FOUND"
