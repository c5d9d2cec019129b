"""Features are declared whole or not at all, stay as they are, and go when nothing uses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from meshkit.errors import MeshError
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes, MemoryEventTypeWriter
from services.fraud.adapters.memory_features import MemoryFeatureHeads, MemoryFeatures, MemoryFeatureWriter
from services.fraud.adapters.memory_lists import MemoryLists
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows
from services.fraud.domain.declared.checking import MOST_BY_DAY, MOST_FEATURES
from services.fraud.domain.declared.declaration import Definition, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate, Boundary
from services.fraud.domain.declared.known import KnownFeature
from services.fraud.domain.declared.starter import STARTER_FEATURES
from services.fraud.domain.event_types import EventType, Field, FieldType
from services.fraud.expressions.rules import CelRules
from services.fraud.ports import FeatureHead
from services.fraud.service.declaring.event_types import EventTypeService
from services.fraud.service.declaring.features import DEEPEST, FeatureService
from services.fraud.service.scenarios.vocabularies import DeclaredVocabularies
from tests.support.features import DAY_MS, HOUR_MS, counting
from tests.support.scenarios import ScenarioBench, rule

TENANT = "t"
QUOTE = EventType(
    "quote",
    (
        Field("user_id", FieldType.STRING, key=True),
        Field("premium", FieldType.MONEY),
        Field("age", FieldType.NUMBER),
        Field("amount", FieldType.NUMBER),
        Field("broker", FieldType.STRING, key=True, retired=True),
        Field("old", FieldType.NUMBER, retired=True),
    ),
)


def ratio(name: str = "ratio", expression: str = "amount / 2.0", event_type: str = "payment") -> DerivedFeature:
    return DerivedFeature(name=name, event_type=event_type, expression=expression)


@dataclass
class Bench:
    rows: MemoryScenarioRows = field(default_factory=MemoryScenarioRows)

    def __post_init__(self) -> None:
        self.declarations = MemoryDeclarations()
        self.reads, self.types = MemoryFeatures(self.declarations), MemoryEventTypes(self.declarations)
        self.writer = MemoryFeatureWriter(self.reads, self.rows)
        self.service = FeatureService(self.reads, self.types, CelRules())

    async def create(self, definition: Definition, words: str = "", tenant: str = TENANT) -> KnownFeature:
        async with self.writer.begin(tenant) as changes:
            return await self.service.create(changes, definition, words)

    async def faults(self, definition: Definition) -> Sequence[tuple[str, str]]:
        before = await self.reads.declared(TENANT)
        with pytest.raises(MeshError) as caught:
            await self.create(definition)
        assert caught.value.reason == "VALIDATION_FAILED"
        assert await self.reads.declared(TENANT) == before, "nothing is half-stored"
        return [(each.field, each.message) for each in caught.value.violations]

    async def describe(self, name: str, words: str | None, revision: int | None = None) -> KnownFeature:
        async with self.writer.begin(TENANT) as changes:
            return await self.service.describe(
                changes, name, words, admits=lambda each: revision in (None, each), check=lambda _: None
            )

    async def delete(self, name: str, revision: int | None = None, tenant: str = TENANT) -> None:
        async with self.writer.begin(tenant) as changes:
            await self.service.delete(changes, name, admits=lambda each: revision in (None, each))

    async def declare_type(self, event_type: EventType) -> None:
        async with MemoryEventTypeWriter(self.declarations).begin(TENANT) as changes:
            await EventTypeService(self.types).create(changes, event_type)

    async def names(self) -> list[str]:
        found, more = await self.service.page(TENANT, "", 1_000)
        assert not more
        return [each.declared.name for each in found if not each.built_in]


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_feature_is_declared_read_and_listed_with_those_of_all(bench: Bench) -> None:
    made = await bench.create(counting("mine"), "words")
    assert (made.declared.description, made.declared.revision, made.built_in, made.is_read) == ("words", 1, False, True)
    assert await bench.service.get(TENANT, "mine") == made
    listed, _ = await bench.service.page(TENANT, "", 1_000)
    names = [each.declared.name for each in listed]
    assert names == sorted(["mine", *(each.name for each in STARTER_FEATURES if not each.converted)])
    assert (await bench.service.get(TENANT, "user_count_1h")).built_in
    page, more = await bench.service.page(TENANT, "mine", 2)
    assert ([each.declared.name for each in page], more) == (["user_count_1h", "user_count_1m"], True) or page
    other, _ = await bench.service.page("other", "", 1_000)
    assert "mine" not in [each.declared.name for each in other]


async def test_one_whose_columns_are_not_there_is_filled_first(bench: Bench) -> None:
    made = await bench.create(counting("cards", aggregate=Aggregate.DISTINCT, field="card_fingerprint"))
    half = await bench.create(ratio("half", "double(cards) / 2.0"))
    assert (made.is_read, half.is_read) == (False, False)
    heads = MemoryFeatureHeads(bench.reads)
    await heads.move(TENANT, FeatureHead(2, 0), FeatureHead(2, 2, 0))
    for name in ("cards", "half"):
        assert (await bench.service.get(TENANT, name)).is_read


@pytest.mark.parametrize("name", ["mine", "user_count_1h", "user_spent_24h"])
async def test_a_name_is_taken_once(bench: Bench, name: str) -> None:
    await bench.create(counting("mine"))
    for definition in (counting(name), ratio(name)):
        with pytest.raises(MeshError) as caught:
            await bench.create(definition)
        assert caught.value.reason == "RESOURCE_EXISTS"


async def test_everything_that_is_wrong_is_said_at_once(bench: Bench) -> None:
    wrong = replace(
        counting("amount", key="channel"),
        counts=("payment", "nothing"),
        aggregate=Aggregate.SUM,
        field="channel",
        window_ms=401 * DAY_MS,
        delay_ms=-1,
        boundary=Boundary.FROM_START,
        include_current=True,
        where="amout > 1 && ",
    )
    found = [field for field, _ in await bench.faults(wrong)]
    assert list(dict.fromkeys(found)) == [
        "feature.name",
        "feature.key",
        "feature.counts",
        "feature.window",
        "feature.delay",
        "feature.field",
        "feature.include_current",
    ]
    faults = await bench.faults(replace(wrong, counts=()))
    assert faults[-1][0] == "feature.where" and faults[-1][1].startswith("line 1, column ")


@pytest.mark.parametrize(
    ("definition", "fault", "words"),
    [
        (counting("n", window_ms=400 * DAY_MS + 1), "feature.window", "1 second to 400 days"),
        (counting("n", where="amount"), "feature.where", "line 1, column 1: expected"),
        (counting("n", where="amount > 1.0 &&\n user_count_1h > 2"), "feature.where", "line 2, column 2"),
        (counting("n", where="profile.tier == 'x'"), "feature.where", "line 1, column 1"),
        (counting("n", counts=("payment", "login"), where="channel == 'x'"), "feature.where", "line 1, column 1"),
        (counting("n", counts=("payment", "quote"), where="amount > 1.0"), "", ""),
        (counting("n", counts=("quote",), where="premium > 1.0"), "", ""),
        (counting("n", event_type="quote", aggregate=Aggregate.MAX, field="old"), "feature.field", "no field"),
        (counting("n", key="broker", event_type="quote"), "feature.key", "no key"),
        (counting("n", aggregate=Aggregate.SUM, field="amount", counts=("quote",)), "feature.field", "a number in"),
        (ratio(expression="amount > 1.0"), "feature.expression", "expected number"),
        (ratio(expression="amount / profile.base_risk"), "feature.expression", "line 1, column 10"),
        (ratio(expression="ratio + 1.0"), "feature.expression", "line 1, column 1"),
        (ratio(expression="premium"), "feature.expression", "line 1, column 1"),
        (ratio(expression="user_spent_24h"), "feature.expression", "line 1, column 1"),
        (ratio(event_type="nothing"), "feature.event_type", "does not exist"),
        (ratio(event_type="quote", expression="double(user_count_1h)"), "feature.expression", "line 1, column 8"),
        (ratio("currency"), "feature.name", "rules know"),
        (ratio("while"), "feature.name", "expressions use otherwise"),
        (ratio("channel"), "feature.name", "field of the event type payment"),
        (ratio(expression="user_count_1h"), "", ""),
        (ratio(event_type="quote", expression="age * 2.0 + premium"), "", ""),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_of_its_place(bench: Bench, definition: Definition, fault: str, words: str) -> None:
    await bench.declare_type(QUOTE)
    if not fault:
        assert (await bench.create(definition)).declared.name == definition.name
        return
    faults = await bench.faults(definition)
    assert [(field, words in said) for field, said in faults] == [(fault, True)], faults


async def test_so_many_features_over_more_than_30_days_and_no_more(bench: Bench) -> None:
    for number in range(MOST_BY_DAY):
        key = ("user_id", "merchant_id")[number % 2]
        await bench.create(counting(f"n{number}", key=key, window_ms=400 * DAY_MS))
    ((field, words),) = await bench.faults(counting("more", window_ms=31 * DAY_MS))
    assert (field, "has 20 features" in words) == ("feature.window", True)
    await bench.create(counting("month", window_ms=30 * DAY_MS))


@pytest.mark.parametrize(
    "expression",
    [
        "amount.__class__", "has(amount)", "[1.0].map(x, x)[0]", "аmount", "1e400", "(" * 40 + "1.0" + ")" * 40,
        "amount" * 999,
    ],
)  # fmt: skip
async def test_hostile_expressions_are_refused_with_a_place(bench: Bench, expression: str) -> None:
    for definition in (ratio(expression=expression), counting("n", where=f"{expression} > 1.0")):
        assert all(words.startswith("line 1, column ") for _, words in await bench.faults(definition))


async def test_derived_features_hang_on_each_other_to_a_bound(bench: Bench) -> None:
    await bench.create(ratio("d1"))
    for number in range(2, DEEPEST + 1):
        await bench.create(ratio(f"d{number}", f"d{number - 1} + d{number - 1}"))
    ((field, words),) = await bench.faults(ratio("more", f"d{DEEPEST}"))
    assert (field, "7 derived features" in words) == ("feature.expression", True)
    await bench.create(ratio("beside", f"d{DEEPEST - 1} + d1"))


async def test_expressions_that_would_hold_up_other_tenants_together_are_refused(bench: Bench) -> None:
    searching = " || ".join(["channel.matches('x')"] * 8)
    for number in range(10):
        await bench.create(ratio(f"d{number}", f"{searching} ? 1.0 : amount"))
    for one_more in (ratio("more", f"{searching} ? 2.0 : amount"), counting("more", where=searching)):
        ((field, words),) = await bench.faults(one_more)
        assert (field, "more than 10 ms" in words) == ("feature", True)
    await bench.create(ratio("d", "amount * 2.0"))


async def test_a_tenant_declares_two_hundred_at_most(bench: Bench) -> None:
    for number in range(MOST_FEATURES):
        await bench.create(counting(f"n{number}", window_ms=HOUR_MS + number))
    assert await bench.faults(counting("more")) == [("feature", "is one more than 200, a tenant's most")]
    await bench.delete("n0")
    await bench.create(counting("more"))


async def test_only_words_change_and_only_of_own_features(bench: Bench) -> None:
    made = await bench.create(counting("mine"), "before")
    said = await bench.describe("mine", "after", revision=1)
    assert (said.declared.description, said.declared.revision, said.declared.definition) == (
        "after",
        2,
        made.declared.definition,
    )
    assert await bench.describe("mine", "after") == await bench.describe("mine", None) == said
    assert (await bench.reads.declared(TENANT)).current.number == 2
    for name, revision, reason in (
        ("mine", 1, "ETAG_MISMATCH"),
        ("nothing", None, "RESOURCE_NOT_FOUND"),
        ("user_count_1h", None, "STATE_NOT_ALLOWED"),
    ):
        with pytest.raises(MeshError) as caught:
            await bench.describe(name, "words", revision)
        assert caught.value.reason == reason


async def test_a_feature_goes_when_nothing_uses_it(bench: Bench) -> None:
    await bench.create(counting("mine"))
    await bench.create(ratio("half", "double(mine) / 2.0"))
    with pytest.raises(MeshError) as caught:
        await bench.delete("mine")
    assert (caught.value.reason, "the derived feature half" in caught.value.message) == ("STATE_NOT_ALLOWED", True)
    with pytest.raises(MeshError) as caught:
        await bench.delete("half", revision=1)
    assert caught.value.reason == "ETAG_MISMATCH"
    await bench.delete("half", revision=2)
    await bench.delete("mine")
    assert await bench.names() == []
    for name, tenant, reason in (
        ("mine", TENANT, "RESOURCE_NOT_FOUND"),
        ("user_count_1h", TENANT, "STATE_NOT_ALLOWED"),
        ("mine", "other", "RESOURCE_NOT_FOUND"),
    ):
        with pytest.raises(MeshError) as caught:
            await bench.delete(name, tenant=tenant)
        assert caught.value.reason == reason
    await bench.create(counting("mine"))
    assert await bench.names() == ["mine"]


@pytest.mark.parametrize(
    ("changed", "used"),
    [
        ({"expression": "mine > 3"}, True),
        ({"expression": "lists.mine > 3"}, False),
        ({"expression": "mine_too > 3 && amount > mine2"}, False),
        ({"expression": "email == 'mine'"}, True),
        ({"words": "Made {mine} payments."}, True),
        ({"words": "Not mineable."}, False),
    ],
)
async def test_a_feature_that_a_draft_uses_stays(changed: dict[str, Any], used: bool) -> None:
    scenarios = ScenarioBench()
    bench = Bench(scenarios.rows)
    await bench.create(counting("mine"))
    await scenarios.version(TENANT, "jane", "RULE")
    draft = scenarios.rows.scenarios[TENANT, "cards"]
    rules = (replace(rule("RULE"), **changed),)
    scenarios.rows.scenarios[TENANT, "cards"] = replace(draft, draft=replace(draft.draft, rules=rules))
    if not used:
        await bench.delete("mine")
        return
    with pytest.raises(MeshError) as caught:
        await bench.delete("mine")
    assert "the draft of scenario cards" in caught.value.message


async def test_rules_know_features_of_their_event_type_by_name_and_kind(bench: Bench) -> None:
    await bench.create(counting("n"))
    await bench.create(counting("mean", aggregate=Aggregate.MEAN, field="amount"))
    await bench.create(counting("fresh", aggregate=Aggregate.IS_NEW, field="ip_address"))
    await bench.create(counting("logins", event_type="login", counts=("login",)))
    await bench.create(ratio())
    vocabularies = DeclaredVocabularies(bench.types, bench.reads, MemoryLists())
    payment, login = [await vocabularies.variables(TENANT, each) for each in ("payment", "login")]
    assert payment is not None and login is not None
    kinds = {name: payment[name].value for name in ("n", "mean", "fresh", "ratio", "user_count_1h")}
    assert kinds == {"n": "int", "mean": "double", "fresh": "bool", "ratio": "double", "user_count_1h": "int"}
    assert ("logins" in login, "n" in login, "logins" in payment) == (True, False, False)
    other = await vocabularies.variables("other", "payment")
    assert other is not None and "n" not in other


async def test_no_field_gets_the_name_of_a_feature(bench: Bench) -> None:
    await bench.create(counting("mine"))
    for name in ("mine", "user_count_1h"):
        with pytest.raises(MeshError) as caught:
            await bench.declare_type(EventType("other", (Field(name, FieldType.STRING),)))
        assert [each.field for each in caught.value.violations] == ["event_type.fields[0].name"]
