from __future__ import annotations

import random

import pytest

from services.fraud.domain.logs import recency
from services.fraud.domain.logs.blocks import NEVER
from services.fraud.domain.logs.recency import Recency


@pytest.mark.parametrize("largest", [4, 16, 64])
@pytest.mark.parametrize("seed", range(10))
def test_counts_agree_with_those_of_plain_times(monkeypatch: pytest.MonkeyPatch, seed: int, largest: int) -> None:
    """Whatever is seen again, late, taken back or forgotten."""
    monkeypatch.setattr(recency, "LARGEST_PART", largest)
    monkeypatch.setattr(recency, "FEW_PARTS", 0)
    dice, times, tried, now = random.Random(seed), dict[int, int](), Recency(), 0
    for step in range(400):
        now += dice.randint(0, 3)
        if dice.random() < 0.5:
            counterparts = [1_000 + step, *(dice.randint(1, 40) for _ in range(dice.randint(0, 60)))]
            moments = sorted(dice.randint(now, now + 9) for _ in counterparts)
            expected = []
            for counterpart, moment in zip(counterparts, moments, strict=True):
                expected.append(times.get(counterpart, NEVER))
                times[counterpart] = moment
            assert tried.set_all(counterparts, moments) == expected
            now = max([now, *moments])
        else:
            counterpart, moment = dice.randint(1, 40), dice.choice((now, dice.randint(0, now), NEVER))
            assert tried.set(counterpart, moment) == times.get(counterpart, NEVER)
            times[counterpart] = moment
        start, until = sorted((dice.randint(0, now + 1), dice.randint(0, now + 1)))
        assert tried.count_since(start) == sum(each >= start for each in times.values())
        assert tried.count(start, until) == sum(start <= each < until for each in times.values())
        assert tried.get(7) == times.get(7, NEVER)


def test_what_is_out_of_reach_is_forgotten_a_generation_at_a_time() -> None:
    tried = Recency()
    tried.set_all(list(range(1, 3_001)), list(range(3_000)))
    for time in (1_000, 2_000, 4_000):
        tried.forget_before(time, 3_000)
        assert tried.count_since(time) == max(3_000 - time, 0)
    assert len(tried) == 0
