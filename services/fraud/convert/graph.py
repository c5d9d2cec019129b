"""Converts what is shown of graphs. Whoever may not see personal data sees it masked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from rampart.fraud.v1 import graph_pb2
from rampart.fraud.v1 import graph_service_pb2 as pb

from meshkit.currencies import DIGITS
from meshkit.masking import masked
from meshkit.timestamps import time_to_proto
from services.fraud.domain.event import Money
from services.fraud.domain.graph.entities import EntitySummary, GraphEdge
from services.fraud.domain.graph.growth import day_of
from services.fraud.domain.graph.neighbourhood import FoundEntities, Neighbourhood

__all__ = ["found_entities_to_proto", "neighbourhood_to_proto"]


def neighbourhood_to_proto(found: Neighbourhood, shown: Collection[str] | None) -> pb.GetNeighbourhoodResponse:
    """`shown` are the kinds whose values the caller sees; None is all of them."""
    today = day_of(datetime.now(UTC))
    places = {each.number: place for place, (each, _) in enumerate(found.entities)}
    return pb.GetNeighbourhoodResponse(
        entities=[_entity_to_proto(each, depth, today, shown) for each, depth in found.entities],
        links=[_link_to_proto(each, places[each.source], places[each.target]) for each in found.edges],
        partial=found.is_partial,
        as_of=time_to_proto(found.reached),
    )


def found_entities_to_proto(
    values: Sequence[str], found: FoundEntities, shown: Collection[str] | None
) -> pb.BatchGetGraphEntitiesResponse:
    """Returns the entities of some values, in their order. `shown` is as above."""
    today = day_of(datetime.now(UTC))
    return pb.BatchGetGraphEntitiesResponse(
        entities=[
            pb.FoundGraphEntity(index=index, entity=_entity_to_proto(found.by_value[value], 0, today, shown))
            for index, value in enumerate(values)
            if value in found.by_value
        ],
        as_of=time_to_proto(found.reached),
    )


def _entity_to_proto(
    entity: EntitySummary, depth: int, today: int, shown: Collection[str] | None
) -> graph_pb2.GraphEntity:
    kind, value = entity.name
    return graph_pb2.GraphEntity(
        kind=kind,
        value=value if shown is None or kind in shown else masked(value),
        depth=depth,
        is_hub=entity.is_hub,
        degree=entity.degree,
        component_size=entity.sizes.size,
        component_growth=entity.sizes.growth(today),
        fraud_within_two_hops=entity.fraud_near,
        frauds=entity.frauds,
        fan_in=entity.fan_in,
        fan_out=entity.fan_out,
        most_repeats=entity.most_repeats,
        smallest_repeated=_amount(entity.smallest_repeated),
        cycles=entity.cycles,
        partial=entity.is_full,
        first_time=time_to_proto(entity.first_time),
        last_time=time_to_proto(entity.last_time),
    )


def _link_to_proto(edge: GraphEdge, source: int, target: int) -> graph_pb2.GraphLink:
    return graph_pb2.GraphLink(
        source=source,
        target=target,
        is_transfer=edge.is_transfer,
        events=edge.events,
        total=_amount(edge.amount),
        first_time=time_to_proto(edge.first_time),
        last_time=time_to_proto(edge.last_time),
    )


def _amount(amount: Money | None) -> graph_pb2.GraphAmount | None:
    if amount is None:
        return None
    return graph_pb2.GraphAmount(amount=amount.minor / 10 ** DIGITS.get(amount.currency, 0), currency=amount.currency)
