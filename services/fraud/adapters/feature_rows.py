"""Reads sets of features from PostgreSQL, and makes rows of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import asyncpg

from meshkit.storage.postgres import Connection
from services.fraud.domain.declared.declaration import (
    DeclaredFeature,
    DeclaredFeatures,
    DeclaredSet,
    Definition,
    DerivedFeature,
)
from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.graph.measures import GraphMeasure
from services.fraud.ports import FeatureHead

__all__ = ["features_to_row", "read_features", "read_set"]

_HEAD = "SELECT current, ready, former FROM feature_heads WHERE tenant_id = $1"
_SETS = "SELECT number, base, features, since FROM feature_sets WHERE tenant_id = $1 AND number = ANY ($2::integer[])"
_TOTALLED = "SELECT stream FROM daily_streams WHERE tenant_id = $1 AND whole"
_LINKED = "SELECT whole FROM graph_tenants WHERE tenant_id = $1"

_DEFAULTS = {each.name: each.default for each in fields(Feature)}
_TUPLES = ("key", "counts")
_TIMES = ("created_at", "updated_at")


def features_to_row(features: Iterable[DeclaredFeature]) -> str:
    return json.dumps([_to_json(each) for each in features])


async def read_features(connection: Connection, tenant_id: str) -> DeclaredFeatures:
    """Returns what a tenant has declared, in a transaction that names it."""
    row = await connection.fetchrow(_HEAD, tenant_id)
    if row is None:
        return DeclaredFeatures()
    head = FeatureHead(row["current"], row["ready"], row["former"])
    rows = await connection.fetch(_SETS, tenant_id, [each for each in head if each])
    sets = {0: DeclaredSet(), **{row["number"]: _set_of(row) for row in rows}}
    former, current = sets[head.former] if head.former is not None else None, sets[head.current]
    by_day = any(each.by_day for each in current.aggregates)
    totalled = await connection.fetch(_TOTALLED, tenant_id) if by_day else ()
    linked = bool(current.graph) and bool(await connection.fetchval(_LINKED, tenant_id))
    return DeclaredFeatures(current, sets[head.ready], former, frozenset(row["stream"] for row in totalled), linked)


async def read_set(connection: Connection, tenant_id: str, number: int) -> DeclaredSet | None:
    """Returns a set of a tenant, in a transaction that names it."""
    row = await connection.fetchrow(_SETS, tenant_id, [number])
    return _set_of(row) if row is not None else None


def _set_of(row: asyncpg.Record) -> DeclaredSet:
    features = tuple(_from_json(each) for each in json.loads(row["features"]))
    return DeclaredSet(row["number"], features, json.loads(row["since"]), row["base"])


def _to_json(feature: DeclaredFeature) -> Mapping[str, Any]:
    """Returns an object; of an aggregate what is as it is by default is left out."""
    found = {
        each.name: value
        for each in fields(feature)
        if each.name != "definition" and (value := getattr(feature, each.name)) != each.default
    }
    found |= {name: found[name].isoformat() for name in _TIMES if name in found}
    definition = asdict(feature.definition)
    if isinstance(feature.definition, Feature):
        definition |= {"aggregate": feature.definition.aggregate.value, "boundary": feature.definition.boundary.value}
        definition = {
            name: value for name, value in definition.items() if getattr(feature.definition, name) != _DEFAULTS[name]
        }
    if isinstance(feature.definition, GraphFeature):
        definition["measure"] = feature.definition.measure.value
    return {**found, "definition": definition}


def _from_json(data: Mapping[str, Any]) -> DeclaredFeature:
    times = {name: datetime.fromisoformat(data[name]) for name in _TIMES if name in data}
    return DeclaredFeature(**{**data, **times, "definition": _definition(data["definition"])})


def _definition(data: Mapping[str, Any]) -> Definition:
    if "expression" in data:
        return DerivedFeature(**data)
    if "measure" in data:
        return GraphFeature(**{**data, "measure": GraphMeasure(data["measure"])})
    named: dict[str, Any] = {**data, "aggregate": Aggregate(data["aggregate"])}
    if "boundary" in data:
        named["boundary"] = Boundary(data["boundary"])
    return Feature(**{**named, **{name: tuple(data[name]) for name in _TUPLES if name in data}})
