"""Tenants that decide at random, and change everything that decisions go by afterwards."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from meshkit.currencies import DIGITS
from meshkit.ids import uuid7_text
from services.fraud.adapters.memory import MemoryRates
from services.fraud.adapters.memory_ip import MemoryIpIntelligence
from services.fraud.domain.check import Check, Decided, Features
from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER, STARTER_FEATURES
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.declaring import DeclaredType
from services.fraud.domain.event import Fields, FieldValue, Money
from services.fraud.domain.event_types import BUILT_IN, PAYMENT, EventType, Field, FieldType
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import DatedRate
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.publication import DeploymentState
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioVersion
from services.fraud.domain.scenarios.snoozes import Snooze
from services.fraud.domain.scenarios.vocabulary import variables_of
from services.fraud.domain.value_lists.lists import ListKind
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.expressions.rules import CelRules
from services.fraud.ports import Declarations
from services.fraud.ports.scenarios import DeclaredScenarios
from services.fraud.service.deciding.judging import DecisionPolicy, Judge, ReadCheck
from services.fraud.service.tenants.configuration import compiled
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantState
from services.fraud.service.value_lists.catalog import LoadedList, TenantLists
from tests.support.fraud import check, new_tenant
from tests.support.value_lists import value_list

__all__ = ["TRANSFER", "PastTenant", "checked_version"]

NOW = datetime(2026, 11, 21, 4, 10, 37, 123456, tzinfo=UTC)
TRANSFER = EventType(
    "transfer",
    (
        Field("user_id", FieldType.STRING, key=True),
        Field("amount", FieldType.MONEY),
        Field("fee", FieldType.MONEY),
        Field("ip_address", FieldType.IP, key=True),
        Field("ordered_at", FieldType.TIME),
        Field("strength", FieldType.NUMBER),
        Field("urgent", FieldType.BOOL),
    ),
)
LISTS = ("allowed", "blocked", "watched")
OF_ALL = (
    "amount > 250.5", "amount_usd >= 1000.0", 'profile.tier == "elevated"', "profile.base_risk > 0.5",
    "profile.chargeback_count > 0 || profile.known", 'ip.country in ["DE", "FR"]', "!ip.tor", "ip.datacenter",
    "ip.private || ip.reserved", "user_id in lists.watched", '!(ip_address in lists.watched) && currency != "EUR"',
    'user_id.matches("^u[0-4]$")', 'in_network(ip_address, "198.51.100.0/24")', 'int(user_id) > 3',
)  # fmt: skip
OF_PAYMENTS = (
    "user_count_1h >= 3", "10 / user_count_1m > 2", "user_sum_24h / double(user_count_24h) > 40.0", "user_new_device",
    "spent_usd_24h > 500.0", 'present(email) && email_domain(email) in lists.watched', 'channel == "card_present"',
    "device_distinct_24h >= 2 && amount > user_sum_1h",
)  # fmt: skip
OF_TRANSFERS = (
    "fee * 10 > amount", "urgent", "present(strength) ? strength > 0.25 : false",
    'hour(ordered_at, "Europe/Berlin") < 7',
)  # fmt: skip
WORDS = ("{amount:.2f} by {user_id}.", "From {ip.country}, {{sic}}.", "{amount_text} of {profile.tier}.", "Plain.")
ADDRESSES = ("192.0.2.1", "198.51.100.7", "10.1.2.3", "2001:db8::7", "8.8.8.8")


def checked_version(
    content: ScenarioContent,
    event_type: EventType,
    *,
    number: int = 1,
    scenario_id: str = "cards",
    features: Sequence[Feature] | None = None,
) -> ScenarioVersion:
    """Returns a version whose expressions the checker has passed."""
    if features is None:
        features = STARTER_FEATURES if event_type.name == PAYMENT.name else ()
    names = variables_of(event_type, features, LISTS)
    trees = [CelRules().check(rule.expression, names) for rule in content.rules]
    wrong = [(rule.expression, tree) for rule, tree in zip(content.rules, trees, strict=True) if type(tree) is not str]
    assert not wrong, wrong
    return ScenarioVersion(
        scenario_id=scenario_id, number=number, content=content, note="", authors=frozenset(),
        trees=cast("tuple[str, ...]", tuple(trees)), created_at=NOW,
    )  # fmt: skip


@dataclass
class PastTenant:
    """A tenant with scenarios of random rules, and everything else that they ask for."""

    seed: int
    tenant_id: str = field(default_factory=new_tenant)
    features: FeatureSet = STARTER

    def __post_init__(self) -> None:
        self.choice = random.Random(self.seed)
        self.types = {**BUILT_IN, TRANSFER.name: TRANSFER}
        self.versions = {name: self._version(name) for name in (PAYMENT.name, TRANSFER.name)}
        self.snoozes = [
            Snooze(rule_id=f"rule-{place}", field="user_id", value=f"u{self.choice.randrange(5)}",
                   until=NOW + timedelta(hours=1), created_at=NOW)
            for place in range(0, 20, 3)
        ]  # fmt: skip
        self.rates = MemoryRates()
        self.rates.rates[self.tenant_id] = [
            DatedRate("EUR", 1.08, date(2026, 1, 1)),
            DatedRate("JPY", 0.0066, date(2026, 1, 1)),
        ]
        self.members: dict[str, set[str]] = {
            "allowed": {"u8"}, "blocked": {"10.1.2.3"}, "watched": {"u1", "u2", "192.0.2.1", "example.org"},
        }  # fmt: skip
        self.ip = MemoryIpIntelligence(
            {"country": {"192.0.2.0/24": "DE", "2001:db8::/32": "FR"}, "tor": {"198.51.100.0/24": True},
             "datacenter": {"8.8.8.0/24": True}}
        )  # fmt: skip
        self.policy = DecisionPolicy(frozenset({"user_profile", "exchange_rate"}))

    async def decide(self, count: int) -> Sequence[Decided]:
        """Makes decisions about random events."""
        state = TenantState(self._configuration(), self._lists())
        judge = Judge(ExchangeRates(self.rates), self.ip, self.policy, lambda: NOW)
        return await judge.judge_all([ReadCheck(*self._read(), state) for _ in range(count)])

    def change(self) -> None:
        """Changes all that can change: what decisions are made by, and what is known of everybody."""
        self.versions = {name: self._version(name, number=2) for name in self.versions}
        late = Field("lately_added", FieldType.STRING)
        for name in (PAYMENT.name, TRANSFER.name):
            old = self.types[name]
            fields = [replace(each, retired=each.name == "ip_address") for each in old.fields]
            self.types[name] = replace(old, fields=(*fields, late), version=old.version + 1)
        self.snoozes, self.members, self.ip = [], {}, MemoryIpIntelligence({})
        self.rates.rates[self.tenant_id] = [DatedRate("EUR", 2.0, date(2026, 1, 1))]
        self.policy = DecisionPolicy(frozenset())

    def _configuration(self) -> Any:
        versions = list(self.versions.values())
        deployments = [
            DeploymentState(each.content.event_type, Deployment(live=each.ref))
            for each in versions
            if each.content.rules
        ]
        types = [DeclaredType(each) for each in self.types.values()]
        scenarios = DeclaredScenarios(deployments=deployments, versions=versions, snoozes=self.snoozes)
        return compiled(Declarations(1, types, scenarios), compile_pattern)

    def _lists(self) -> TenantLists:
        kinds = {"allowed": (ListKind.ALLOW, "user_id"), "blocked": (ListKind.BLOCK, "ip_address")}
        found = {}
        for name, members in self.members.items():
            kind, about = kinds.get(name, (ListKind.CUSTOM, ""))
            found[name] = LoadedList(value_list(name, kind=kind, field=about), cast("Any", members), 1)
        return TenantLists(1, found)

    def _version(self, event_type: str, number: int = 1) -> ScenarioVersion:
        texts = (*OF_ALL, *(OF_PAYMENTS if event_type == PAYMENT.name else OF_TRANSFERS))
        outcomes = ("", "", "", "", "approve_at_once", "review", "decline")
        rules = tuple(
            ScenarioRule(
                rule_id=f"rule-{place}", code=f"CODE_{place}", words=self.choice.choice(WORDS), expression=text,
                contribution=round(self.choice.random() ** 3, 3), outcome=RuleOutcome(self.choice.choice(outcomes)),
                habit=self.choice.random() < 0.3,
            )
            for place, text in enumerate(self.choice.sample(texts, self.choice.randrange(4, len(texts))))
        )  # fmt: skip
        content = ScenarioContent(event_type=event_type, rules=rules, review_at=0.4, prior_share=self.choice.random())
        return checked_version(content, self.types[event_type], number=number, scenario_id=event_type)

    def _read(self) -> tuple[Check, Features, Profile | None]:
        """Returns a check about an event of some type, and what was read for it."""
        pick = self.choice.choice
        name = pick([PAYMENT.name, PAYMENT.name, TRANSFER.name, "login"])
        currency = pick(["USD", "EUR", "JPY", "KWD"])
        user = pick(["", *(f"u{number}" for number in range(10))]) if name != PAYMENT.name else pick(["u1", "u8", "u3"])
        money = Money(int(self.choice.expovariate(0.00003)), currency)
        fields = self._fields(name, user, money)
        made = replace(
            check(self.tenant_id, uuid7_text(), user_id=user, amount_minor=money.minor, currency=currency,
                  currency_digits=DIGITS[currency]),
            event_type=name, fields=fields, columns=self.types[name].columns,
        )  # fmt: skip
        elsewhere: Mapping[str, int] = pick([{}, {}, {"EUR": 12_300, "KWD": 5}])
        found = Features(
            self._values(), NOW, pick([(), ("features_slow_path",)]), elsewhere=elsewhere, set=self.features
        )
        profile = Profile(
            pick([True, False]), self.choice.random(), pick(["trusted", "standard", "elevated"]), pick([0, 0, 2])
        )
        return made, found, pick([profile, profile, None]) if user else None

    def _fields(self, name: str, user: str, money: Money) -> Fields:
        pick = self.choice.choice
        every: dict[str, FieldValue | None] = {
            "user_id": user or None,
            "amount": money,
            "fee": pick([None, Money(250, "JPY")]),
            "ip_address": pick([None, *ADDRESSES]),
            "ordered_at": pick([None, NOW - timedelta(hours=3, microseconds=7)]),
            "strength": pick([None, 0.1, 0.30000000000000004]),
            "urgent": pick([None, True, False]),
            "channel": pick(["online", "card_present"]),
            "email": pick([None, "jörg@example.org"]),
            "velocity": pick([None, "fast"]),
        }
        type_of = self.types[name]
        return {key: value for key, value in every.items() if value is not None and type_of.field(key) is not None}

    def _values(self) -> Sequence[FeatureValue]:
        values: list[FeatureValue] = [int(self.choice.expovariate(0.05)) for _ in self.features.names]
        for place in self.features.numbers:
            values[place] = self.choice.random() * 1e6
        for place, name in enumerate(self.features.names):
            if name == "user_new_device":
                values[place] = self.choice.choice([True, False])
            elif self.choice.random() < 0.05:
                values[place] = None
        return values
