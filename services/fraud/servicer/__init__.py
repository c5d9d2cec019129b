"""The gRPC services of the fraud process, one module each: convert, call, convert."""

from __future__ import annotations

from services.fraud.servicer.backtests import BacktestServicer
from services.fraud.servicer.checks import DECISION_FIELDS, CheckMeans, Checks
from services.fraud.servicer.deployments import DeploymentCalls, SnoozeCalls
from services.fraud.servicer.event_types import EventTypeServicer
from services.fraud.servicer.features import FeatureServicer
from services.fraud.servicer.fraud import FraudServicer
from services.fraud.servicer.graph import GraphServicer
from services.fraud.servicer.labels import LabelServicer
from services.fraud.servicer.lists import ListServicer
from services.fraud.servicer.models import ModelServicer, ModelUseCases
from services.fraud.servicer.quality import QualityServicer
from services.fraud.servicer.scenario_service import ScenarioServicer
from services.fraud.servicer.scenarios import ScenarioCalls, ScenarioEdits
from services.fraud.servicer.shadows import ShadowCalls

__all__ = [
    "DECISION_FIELDS",
    "BacktestServicer",
    "CheckMeans",
    "Checks",
    "DeploymentCalls",
    "EventTypeServicer",
    "FeatureServicer",
    "FraudServicer",
    "GraphServicer",
    "LabelServicer",
    "ListServicer",
    "ModelServicer",
    "ModelUseCases",
    "QualityServicer",
    "ScenarioCalls",
    "ScenarioEdits",
    "ScenarioServicer",
    "ShadowCalls",
    "SnoozeCalls",
]
