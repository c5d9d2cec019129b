"""Amounts in other currencies are judged by the rates of their tenant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from meshkit.errors import unavailable
from services.fraud.adapters.memory import MemoryRates
from services.fraud.domain.rates import DatedRate
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.tenants.rates import ExchangeRates
from tests.support.decider import OTHER, TENANT, DeciderPlatform, call, decision_of


async def give_rates(platform: DeciderPlatform, *rates: tuple[str, float], tenant: str = TENANT) -> None:
    await platform.rates.replace(tenant, [DatedRate(code, value, date(2000, 1, 1)) for code, value in rates])


async def test_amount_in_another_currency_is_judged_by_the_rate_of_its_tenant(platform: DeciderPlatform) -> None:
    await give_rates(platform, ("JPY", 0.0066), ("KWD", 3.25))
    await give_rates(platform, ("JPY", 1.0), tenant=OTHER)
    checks = [("JPY", 5_000.0, TENANT), ("JPY", 5_000.0, OTHER), ("KWD", 4_999.0, TENANT)]
    answers = await platform.decide(
        *[
            call(
                user_id=f"{code}{tenant}",
                device_fingerprint=tenant,
                currency=code,
                transaction_amount=amount,
                tenant=tenant,
            )
            for code, amount, tenant in checks
        ]
    )
    decisions = [decision_of(answer) for answer in answers]
    assert [list(each.risk_factors) for each in decisions] == [[], ["AMOUNT_VERY_HIGH"], ["AMOUNT_VERY_HIGH"]]
    assert [list(each.degraded) for each in decisions] == [[], [], []]


async def test_amount_without_a_rate_is_told_and_never_passed_in_silence(platform: DeciderPlatform) -> None:
    decision = await platform.one(call(currency="KWD", transaction_amount=250_000.0))
    assert (list(decision.risk_factors), list(decision.degraded)) == ([], ["exchange_rate"])
    strict = DeciderPlatform(DecisionPolicy(frozenset({"exchange_rate"})))
    assert (await strict.one(call(currency="KWD", transaction_amount=1.0))).outcome == "review"
    assert (await strict.one(call(user_id="u2", transaction_amount=1.0))).outcome == "approve"


async def test_user_who_alternates_currencies_does_not_split_his_sums(platform: DeciderPlatform) -> None:
    await give_rates(platform, ("EUR", 1.1))
    for number in range(8):
        await platform.one(call(currency="EUR" if number % 2 else "USD", transaction_amount=1_300.0))
    decision = await platform.one(call(transaction_amount=10.0))
    spent = [each.message for each in decision.explanations if each.reason_code == "USER_SPEND_24H"]
    assert spent == ["The user spent 10920.00 USD in the last 24 hours."]
    first = await platform.one(call(currency="KWD", transaction_amount=10.0))
    assert list(first.degraded) == ["exchange_rate"]
    assert "USER_SPEND_24H" in first.risk_factors, "what has a rate is enough"


async def test_switching_the_currency_is_not_above_the_usual(platform: DeciderPlatform) -> None:
    await give_rates(platform, ("EUR", 1.1))
    for _ in range(4):
        await platform.one(call(transaction_amount=60.0))
    decisions = [await platform.one(call(currency="EUR", transaction_amount=60.0)) for _ in range(4)]
    assert [each for each in decisions if "AMOUNT_ABOVE_USUAL" in each.risk_factors] == []
    unusual = await platform.one(call(currency="EUR", transaction_amount=250.0))
    assert "AMOUNT_ABOVE_USUAL" in unusual.risk_factors


async def test_rates_are_read_again_after_a_while_and_kept_while_the_store_is_away() -> None:
    class Away(MemoryRates):
        away = False
        reads = 0

        async def read(self, tenants: Collection[str]) -> Mapping[str, Sequence[DatedRate]]:
            self.reads += 1
            if self.away:
                raise unavailable("postgres")
            return await super().read(tenants)

    now, store = [0.0], Away()
    rates = ExchangeRates(store, clock=lambda: now[0])

    async def euro() -> float:
        rate = (await rates.tables([TENANT]))[TENANT].at("EUR", date(2026, 1, 1))
        return rate.usd_per_unit if rate else 0.0

    await rates.replace(TENANT, [DatedRate("EUR", 1.1, date(2026, 1, 1))])
    assert (await euro(), await euro(), store.reads) == (1.1, 1.1, 1)
    await store.replace(TENANT, [DatedRate("EUR", 1.2, date(2026, 1, 1))])
    store.away = True
    now[0] = 21.0
    assert (await euro(), await euro(), store.reads) == (1.1, 1.1, 2)
    store.away = False
    now[0] = 23.0
    assert (await euro(), store.reads) == (1.2, 3)
    await rates.replace(TENANT, [])
    assert await euro() == 0.0
