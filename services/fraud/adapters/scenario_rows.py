"""Converts rows of PostgreSQL to scenarios, versions, deployments and snoozes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.fraud.domain.scenarios.breaker import BreakerLimits, OutcomeCounts
from services.fraud.domain.scenarios.deployment import Deployment, DeploymentMove, TrafficShare
from services.fraud.domain.scenarios.file import content_of
from services.fraud.domain.scenarios.publication import (
    DeploymentState,
    PublicationRequest,
    ScenarioPolicy,
    Step,
    Transition,
)
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze

__all__ = [
    "deployment_of",
    "policy_of",
    "scenario_of",
    "snooze_of",
    "state_of",
    "transition_of",
    "version_of",
]


def scenario_of(row: asyncpg.Record) -> Scenario:
    return Scenario(
        scenario_id=row["scenario_id"],
        draft=content_of(row["draft"]),
        revision=row["revision"],
        latest=row["latest"],
        editors=frozenset(row["editors"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def version_of(row: asyncpg.Record) -> ScenarioVersion:
    return ScenarioVersion(
        scenario_id=row["scenario_id"],
        number=row["number"],
        content=content_of(row["content"]),
        note=row["note"],
        authors=frozenset(row["authors"]),
        trees=tuple(json.loads(row["trees"])),
        created_at=row["created_at"],
    )


def deployment_of(row: asyncpg.Record) -> DeploymentState:
    state = json.loads(row["state"])
    share, usual = state["share"], OutcomeCounts(*state["usual"])
    deployment = Deployment(
        live=_ref(state["live"]),
        share=TrafficShare(VersionRef(*share[:2]), share[2]) if share else None,
        shadows=tuple(VersionRef(*ref) for ref in state["shadows"]),
        former=tuple(VersionRef(*ref) for ref in state["former"]),
        usual=usual,
        live_since=state["live_since"],
        share_since=state["share_since"],
        tripped=state["tripped"],
    )
    requests = tuple(_request(each) for each in state["requests"])
    return DeploymentState(row["event_type"], deployment, requests, row["revision"])


def state_of(state: DeploymentState) -> str:
    """Returns what `deployment_of` reads."""
    deployment = state.deployment
    share = [*deployment.share.ref, deployment.share.parts] if deployment.share else None
    whole = {
        "live": deployment.live,
        "share": share,
        "shadows": deployment.shadows,
        "former": deployment.former,
        "usual": deployment.usual,
        "live_since": deployment.live_since,
        "share_since": deployment.share_since,
        "tripped": deployment.tripped,
        "requests": [_request_row(each) for each in state.requests],
    }
    return json.dumps(whole)


def transition_of(row: asyncpg.Record) -> Transition:
    replaced = row["replaced_scenario_id"]
    return Transition(
        event_type=row["event_type"],
        number=row["number"],
        move=DeploymentMove(row["move"]),
        ref=VersionRef(row["scenario_id"], row["version"]),
        parts=row["parts"],
        principal=row["principal"],
        requested_by=row["requested_by"],
        reason=row["reason"],
        replaced=None if replaced is None else VersionRef(replaced, row["replaced_version"]),
        at=row["at"],
    )


def policy_of(row: asyncpg.Record | None) -> ScenarioPolicy:
    if row is None:
        return ScenarioPolicy()
    limits = BreakerLimits(
        declines=row["declines"], reviews=row["reviews"], times=row["times"], above=row["above"]
    )  # fmt: skip
    return ScenarioPolicy(two_persons=row["two_persons"], limits=limits, revision=row["revision"])


def snooze_of(row: asyncpg.Record) -> Snooze:
    names = ("rule_id", "field", "value", "until", "reason", "created_by", "created_at")
    return Snooze(**{name: row[name] for name in names})


def _ref(value: Sequence[Any] | None) -> VersionRef | None:
    return VersionRef(*value) if value else None


def _request_row(request: PublicationRequest) -> dict[str, object]:
    return {
        "request_id": str(request.request_id),
        "ref": request.step.ref,
        "move": request.step.move.value,
        "parts": request.step.parts,
        "by": request.requested_by,
        "at": request.requested_at.isoformat(),
        "comment": request.comment,
    }


def _request(row: dict[str, Any]) -> PublicationRequest:
    step = Step(VersionRef(*row["ref"]), DeploymentMove(row["move"]), row["parts"])
    at = datetime.fromisoformat(row["at"])
    return PublicationRequest(UUID(row["request_id"]), step, row["by"], at, row["comment"])
