"""Groups are bounded: the largest are told, and of the others nothing is lost."""

from __future__ import annotations

from services.fraud.domain.event import Money
from services.fraud.domain.quality.tally import MOST_COUNTED, MOST_GROUPS, JudgedDecision, QualityTally
from services.fraud.domain.quality.truth import FRAUD, LEGITIMATE
from services.fraud.domain.verdict import APPROVE, DECLINE


def judged(*values: str, outcome: str = APPROVE, truth: str = LEGITIMATE, minor: int = 100) -> JudgedDecision:
    return JudgedDecision(outcome, truth, True, Money(minor, "USD"), len(values), [values])


def test_the_largest_groups_are_told_and_the_others_together() -> None:
    tally = QualityTally(("merchant_id",))
    for number in range(MOST_GROUPS + 30):
        for _ in range(2 if number >= 30 else 1):
            tally.count(judged(f"m{number:04}"))
    groups, others = tally.groups("merchant_id")
    assert list(groups) == [f"m{number:04}" for number in range(30, MOST_GROUPS + 30)]
    assert others is not None
    assert (others.number(), others.mature, others.money["USD", APPROVE, LEGITIMATE]) == (30, 30, 3_000)
    assert sum(each.number() for each in groups.values()) + 30 == tally.total.number()


def test_what_comes_when_enough_are_told_apart_is_counted_with_the_others() -> None:
    tally = QualityTally(("merchant_id",))
    for number in range(MOST_COUNTED):
        tally.count(judged(f"m{number}"))
    for _ in range(5_000):
        tally.count(judged("late", outcome=DECLINE, truth=FRAUD))
    tally.count(judged("m7"))
    groups, others = tally.groups("merchant_id")
    assert "late" not in groups and groups["m7"].number() == 2
    assert others is not None and others.number((DECLINE,), (FRAUD,)) == 5_000


def test_few_groups_leave_no_others() -> None:
    tally = QualityTally(("rule",))
    tally.count(judged("A", "B"))
    tally.count(judged("A"))
    tally.count(judged())
    groups, others = tally.groups("rule")
    assert [(name, group.number(), group.alone[LEGITIMATE]) for name, group in groups.items()] == [
        ("A", 2, 1),
        ("B", 1, 0),
    ]
    assert (others, tally.total.number(), tally.total.alone[LEGITIMATE]) == (None, 3, 1)
