"""The services that a client may call. Generated from services/table.toml by tools/services.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

from ._call import Caller
from ._gen.methods import (
    AccountClient,
    AlertClient,
    ApiKeyClient,
    ApprovalClient,
    AuditClient,
    BacktestClient,
    CaseClient,
    ClientClient,
    DataClient,
    EventTypeClient,
    FeatureClient,
    FraudClient,
    GraphClient,
    IdentityProviderClient,
    LabelClient,
    ListClient,
    MemberClient,
    ModelClient,
    QualityClient,
    ScenarioClient,
    TaskClient,
    UserClient,
)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """`host:port` of each service. One that is empty cannot be called."""

    auth: str
    user: str = ""
    task: str = ""
    fraud: str = ""
    data: str = ""
    cases: str = ""


class Services(ABC):
    """The methods of each service."""

    @abstractmethod
    def caller(self, service: str) -> Caller:
        """Returns what calls a service. Raises ValueError if it has no address."""

    @cached_property
    def client(self) -> ClientClient:
        return ClientClient(self.caller("auth"))

    @cached_property
    def api_key(self) -> ApiKeyClient:
        return ApiKeyClient(self.caller("auth"))

    @cached_property
    def member(self) -> MemberClient:
        return MemberClient(self.caller("auth"))

    @cached_property
    def account(self) -> AccountClient:
        return AccountClient(self.caller("auth"))

    @cached_property
    def audit(self) -> AuditClient:
        return AuditClient(self.caller("auth"))

    @cached_property
    def approval(self) -> ApprovalClient:
        return ApprovalClient(self.caller("auth"))

    @cached_property
    def identity_provider(self) -> IdentityProviderClient:
        return IdentityProviderClient(self.caller("auth"))

    @cached_property
    def user(self) -> UserClient:
        return UserClient(self.caller("user"))

    @cached_property
    def task(self) -> TaskClient:
        return TaskClient(self.caller("task"))

    @cached_property
    def fraud(self) -> FraudClient:
        return FraudClient(self.caller("fraud"))

    @cached_property
    def event_type(self) -> EventTypeClient:
        return EventTypeClient(self.caller("fraud"))

    @cached_property
    def feature(self) -> FeatureClient:
        return FeatureClient(self.caller("fraud"))

    @cached_property
    def list(self) -> ListClient:
        return ListClient(self.caller("fraud"))

    @cached_property
    def scenario(self) -> ScenarioClient:
        return ScenarioClient(self.caller("fraud"))

    @cached_property
    def backtest(self) -> BacktestClient:
        return BacktestClient(self.caller("fraud"))

    @cached_property
    def label(self) -> LabelClient:
        return LabelClient(self.caller("fraud"))

    @cached_property
    def model(self) -> ModelClient:
        return ModelClient(self.caller("fraud"))

    @cached_property
    def quality(self) -> QualityClient:
        return QualityClient(self.caller("fraud"))

    @cached_property
    def graph(self) -> GraphClient:
        return GraphClient(self.caller("fraud"))

    @cached_property
    def data(self) -> DataClient:
        return DataClient(self.caller("data"))

    @cached_property
    def alert(self) -> AlertClient:
        return AlertClient(self.caller("cases"))

    @cached_property
    def case(self) -> CaseClient:
        return CaseClient(self.caller("cases"))
