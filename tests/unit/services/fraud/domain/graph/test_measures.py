"""Measures of entities, as events see them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.fraud.domain.declared.graph import GraphFeature, graph_faults
from services.fraud.domain.event import Money
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.graph.entities import HUB_DEGREE, EntityName, EntitySummary
from services.fraud.domain.graph.growth import day_of, lone
from services.fraud.domain.graph.measures import GraphMeasure, is_partial, measured
from tests.support.graph import START

SUMMARY = EntitySummary(
    1, EntityName("account", "a"), START, START, 1, lone(day_of(START)).grown(5, day_of(START)), degree=4, fan_in=3,
    fan_out=2, most_repeats=7, smallest_repeated=Money(1_050, "USD"), cycles=1, frauds=9, fraud_near=6,
)  # fmt: skip
VALUES = {
    "degree": 4, "component_size": 5, "component_growth": 5, "fraud_within_two_hops": 6, "fan_in": 3, "fan_out": 2,
    "most_repeats": 7, "smallest_repeated": 10.5, "cycles": 1,
}  # fmt: skip
OF_NOBODY = dict.fromkeys(VALUES, 0) | {"component_size": 1, "component_growth": 1, "smallest_repeated": None}


@pytest.mark.parametrize("measure", GraphMeasure)
def test_each_measure_has_the_value_of_the_summary(measure: GraphMeasure) -> None:
    assert measured(measure, SUMMARY, START, "USD", 2) == VALUES[measure.value]


@pytest.mark.parametrize("measure", GraphMeasure)
def test_an_entity_that_is_not_in_the_graph_is_alone(measure: GraphMeasure) -> None:
    assert measured(measure, None, START, "USD", 2) == OF_NOBODY[measure.value]


@pytest.mark.parametrize(("days", "growth"), [(0, 5), (6, 5), (7, 0)])
def test_growth_is_of_seven_days_of_which_the_events_is_the_last(days: int, growth: int) -> None:
    assert measured(GraphMeasure.COMPONENT_GROWTH, SUMMARY, START + timedelta(days=days), "USD", 2) == growth


def test_an_amount_in_another_currency_has_no_value() -> None:
    assert measured(GraphMeasure.SMALLEST_REPEATED, SUMMARY, START, "EUR", 2) is None


def test_a_hub_and_a_full_component_are_partial() -> None:
    hub = SUMMARY._replace(degree=HUB_DEGREE + 1, is_full=True)
    partial = {each.value for each in GraphMeasure if is_partial(each, hub)}
    assert partial == {"component_size", "component_growth", "fraud_within_two_hops"}
    assert not any(is_partial(each, SUMMARY) or is_partial(each, None) for each in GraphMeasure)


@pytest.mark.parametrize(
    ("event_type", "key", "field"),
    [("nothing", "user_id", "event_type"), ("payment", "channel", "key"), ("payment", "nothing", "key")],
)
def test_a_declaration_names_a_key_of_its_event_type(event_type: str, key: str, field: str) -> None:
    feature = GraphFeature(name="f", event_type=event_type, key=key, measure=GraphMeasure.DEGREE)
    assert [each for each, _ in graph_faults(feature, BUILT_IN)] == [field]
