"""Scores are measured exactly, of each model for itself, and on days of which everything is known."""

from __future__ import annotations

import random

import pytest

from console.metrics import DayScores, auc, average_precision, calibration_error, card_precision
from services.fraud.domain.quality.scores import ScoredDecision
from services.fraud.domain.quality.tally import MOST_COUNTED
from services.fraud.models.score_quality import MOST_MODELS_MEASURED, ScoreTable

DAY_MS = 86_400_000


def rows(count: int = 500, seed: int = 3, model: str = "stolen@1") -> list[ScoredDecision]:
    """Returns decisions of ten days, some of which nothing is known of."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        score = chance.random()
        truth = chance.choice([None, chance.random() < score, chance.random() < score])
        time_ms = number * 10 * DAY_MS // count
        groups = [(chance.choice("xyz"),), chance.choice([(), ("A",), ("A", "B")])]
        found.append(ScoredDecision(score, time_ms, chance.randrange(40), model, truth, False, groups, score))
    return found


def test_figures_are_those_of_the_known_decisions() -> None:
    made = rows()
    table = ScoreTable(5)
    for start in range(0, len(made), 70):
        table.add(made[start : start + 70])
    overall, one = table.measure()
    known = [each for each in made if each.truth is not None]
    scores, fraud = [each.score for each in known], [bool(each.truth) for each in known]
    assert (overall.model, one.model) == ("", "stolen@1")
    assert one == overall._replace(model="stolen@1"), "the one model has scored everything"
    assert (one.known, one.frauds) == (len(known), sum(fraud))
    assert one.auc == pytest.approx(auc(scores, fraud))
    assert one.average_precision == pytest.approx(average_precision(scores, fraud))
    assert one.calibration_error == pytest.approx(calibration_error(scores, fraud))
    assert sum(each.rows for each in one.reliability) == len(known)
    (half,) = [each for each in one.thresholds if each.threshold == 0.5]
    caught = sum(truth for score, truth in zip(scores, fraud, strict=True) if score >= 0.5)
    assert (half.acted, half.caught) == (sum(score >= 0.5 for score in scores), caught)


def test_a_version_is_measured_by_what_it_said_and_decisions_by_what_rules_made_of_it() -> None:
    made = [each._replace(score=1 - (1 - each.score) * 0.7) for each in rows()]
    table = ScoreTable(5)
    table.add(made)
    overall, one = table.measure()
    alone = ScoreTable(5)
    alone.add(rows())
    assert one == alone.measure()[1]
    assert (overall.calibration_error, overall.reliability) == (one.calibration_error, one.reliability)
    (half,), (half_of_one,) = ([each for each in of.thresholds if each.threshold == 0.5] for of in (overall, one))
    assert half.acted > half_of_one.acted


def test_entities_are_reviewed_by_their_days_as_far_as_those_are_settled() -> None:
    made = rows()
    made[3] = made[3]._replace(truth=None, immature=True)
    made[-1] = made[-1]._replace(truth=None, immature=True)
    table = ScoreTable(5)
    table.add(made)
    overall, _ = table.measure()
    days = []
    for day in range(1, 9):
        own = [each for each in made if each.time_ms // DAY_MS == day]
        days.append(DayScores([str(each.entity) for each in own], [each.score for each in own],
                              [each.truth is True for each in own]))  # fmt: skip
    assert (overall.days, overall.days_left_out) == (8, 2)
    assert overall.entity_precision == pytest.approx(card_precision(days, 5))


def test_rules_and_models_are_told_apart_and_rules_have_no_probabilities() -> None:
    table = ScoreTable(5)
    table.add([*rows(200, 1, ""), *rows(200, 2, "a@1"), *rows(200, 4, "b@1")])
    overall, first, second = table.measure()
    assert [each.model for each in (overall, first, second)] == ["", "a@1", "b@1"]
    assert (overall.calibration_error, list(overall.reliability)) == (None, [])
    assert overall.known > first.known + second.known
    alone = ScoreTable(5)
    alone.add(rows(200, 4, "b@1"))
    assert alone.measure()[1] == second


def test_of_nothing_and_of_one_kind_there_is_no_ranking() -> None:
    nothing = ScoreTable(5)
    (told,) = nothing.measure()
    assert (told.known, told.auc, told.average_precision, told.entity_precision) == (0, None, None, None)
    good = ScoreTable(5)
    good.add([each._replace(truth=False) for each in rows(50)])
    overall, _ = good.measure()
    assert (overall.known, overall.auc, overall.frauds, overall.entity_precision) == (50, None, 0, 0.0)


def test_so_many_models_are_measured_and_the_others_in_the_total_alone() -> None:
    table = ScoreTable(5)
    for number in range(MOST_MODELS_MEASURED + 3):
        table.add(rows(10, number, f"m@{number}"))
    measured = table.measure()
    assert len(measured) == MOST_MODELS_MEASURED + 1
    assert measured[0].known > sum(each.known for each in measured[1:])


def test_a_group_is_measured_as_if_it_were_everything() -> None:
    made = rows()
    table = ScoreTable(2)
    for start in range(0, len(made), 70):
        table.add(made[start : start + 70])
    for name, value in ((0, "x"), (1, "A"), (1, "B")):
        alone = ScoreTable(2)
        alone.add([each for each in made if value in each.groups[name]])
        expected = alone.measure()[0]._replace(thresholds=(), reliability=())
        assert table.measure_group(name, value) == expected and expected.entity_precision
    assert table.measure_group(1, "nothing").known == 0


def test_groups_are_measured_as_far_as_they_are_told_apart() -> None:
    table = ScoreTable(2)
    (one,) = rows(1)
    for number in range(MOST_COUNTED + 1):
        table.add([one._replace(groups=[(f"v{number}",), ("A",)], truth=True)])
    assert table.measure_group(0, f"v{MOST_COUNTED - 1}").known == 1
    assert table.measure_group(0, f"v{MOST_COUNTED}").known == 0
    assert table.measure_group(1, "A").known == MOST_COUNTED + 1
