"""Implements `rampart.fraud.v1.ScenarioService` of parts."""

from __future__ import annotations

from services.fraud.servicer.deployments import DeploymentCalls, SnoozeCalls
from services.fraud.servicer.scenarios import ScenarioCalls
from services.fraud.servicer.shadows import ShadowCalls

__all__ = ["ScenarioServicer"]


class ScenarioServicer:
    """Each part has the methods of its resources."""

    def __init__(
        self, scenarios: ScenarioCalls, deployments: DeploymentCalls, snoozes: SnoozeCalls, shadows: ShadowCalls
    ) -> None:
        self.CreateScenario = scenarios.CreateScenario
        self.GetScenario = scenarios.GetScenario
        self.ListScenarios = scenarios.ListScenarios
        self.ReplaceScenarioDraft = scenarios.ReplaceScenarioDraft
        self.CreateScenarioRule = scenarios.CreateScenarioRule
        self.GetScenarioRule = scenarios.GetScenarioRule
        self.UpdateScenarioRule = scenarios.UpdateScenarioRule
        self.DeleteScenarioRule = scenarios.DeleteScenarioRule
        self.CheckExpression = scenarios.CheckExpression
        self.CreateScenarioVersion = scenarios.CreateScenarioVersion
        self.GetScenarioVersion = scenarios.GetScenarioVersion
        self.ListScenarioVersions = scenarios.ListScenarioVersions
        self.DiffScenarios = scenarios.DiffScenarios
        self.DeployScenario = deployments.DeployScenario
        self.WithdrawScenario = deployments.WithdrawScenario
        self.RollBackScenario = deployments.RollBackScenario
        self.GetDeployment = deployments.GetDeployment
        self.ListDeployments = deployments.ListDeployments
        self.ListTransitions = deployments.ListTransitions
        self.ApprovePublication = deployments.ApprovePublication
        self.RejectPublication = deployments.RejectPublication
        self.GetScenarioPolicy = deployments.GetScenarioPolicy
        self.ReplaceScenarioPolicy = deployments.ReplaceScenarioPolicy
        self.SnoozeRule = snoozes.SnoozeRule
        self.ListSnoozes = snoozes.ListSnoozes
        self.EndSnooze = snoozes.EndSnooze
        self.GetShadowReport = shadows.GetShadowReport
