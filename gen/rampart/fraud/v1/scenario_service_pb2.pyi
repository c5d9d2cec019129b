from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from rampart.fraud.v1 import scenario_pb2 as _scenario_pb2
from rampart.mesh.v1 import policy_pb2 as _policy_pb2
from rampart.mesh.v1 import preconditions_pb2 as _preconditions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateScenarioRequest(_message.Message):
    __slots__ = ("scenario_id", "draft", "request_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    draft: _scenario_pb2.ScenarioContent
    request_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., draft: _Optional[_Union[_scenario_pb2.ScenarioContent, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateScenarioResponse(_message.Message):
    __slots__ = ("scenario",)
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    scenario: _scenario_pb2.Scenario
    def __init__(self, scenario: _Optional[_Union[_scenario_pb2.Scenario, _Mapping]] = ...) -> None: ...

class GetScenarioRequest(_message.Message):
    __slots__ = ("scenario_id",)
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    def __init__(self, scenario_id: _Optional[str] = ...) -> None: ...

class GetScenarioResponse(_message.Message):
    __slots__ = ("scenario",)
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    scenario: _scenario_pb2.Scenario
    def __init__(self, scenario: _Optional[_Union[_scenario_pb2.Scenario, _Mapping]] = ...) -> None: ...

class ListScenariosRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListScenariosResponse(_message.Message):
    __slots__ = ("scenarios", "next_page_token")
    SCENARIOS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    scenarios: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.Scenario]
    next_page_token: str
    def __init__(self, scenarios: _Optional[_Iterable[_Union[_scenario_pb2.Scenario, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ReplaceScenarioDraftRequest(_message.Message):
    __slots__ = ("scenario_id", "draft", "request_id", "preconditions")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    draft: _scenario_pb2.ScenarioContent
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, scenario_id: _Optional[str] = ..., draft: _Optional[_Union[_scenario_pb2.ScenarioContent, _Mapping]] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class ReplaceScenarioDraftResponse(_message.Message):
    __slots__ = ("scenario",)
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    scenario: _scenario_pb2.Scenario
    def __init__(self, scenario: _Optional[_Union[_scenario_pb2.Scenario, _Mapping]] = ...) -> None: ...

class CreateScenarioRuleRequest(_message.Message):
    __slots__ = ("scenario_id", "rule", "request_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    rule: _scenario_pb2.ScenarioRule
    request_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., rule: _Optional[_Union[_scenario_pb2.ScenarioRule, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateScenarioRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: _scenario_pb2.ScenarioRule
    def __init__(self, rule: _Optional[_Union[_scenario_pb2.ScenarioRule, _Mapping]] = ...) -> None: ...

class GetScenarioRuleRequest(_message.Message):
    __slots__ = ("scenario_id", "rule_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    rule_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., rule_id: _Optional[str] = ...) -> None: ...

class GetScenarioRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: _scenario_pb2.ScenarioRule
    def __init__(self, rule: _Optional[_Union[_scenario_pb2.ScenarioRule, _Mapping]] = ...) -> None: ...

class UpdateScenarioRuleRequest(_message.Message):
    __slots__ = ("scenario_id", "rule", "update_mask", "request_id", "preconditions")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    rule: _scenario_pb2.ScenarioRule
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, scenario_id: _Optional[str] = ..., rule: _Optional[_Union[_scenario_pb2.ScenarioRule, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class UpdateScenarioRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: _scenario_pb2.ScenarioRule
    def __init__(self, rule: _Optional[_Union[_scenario_pb2.ScenarioRule, _Mapping]] = ...) -> None: ...

class DeleteScenarioRuleRequest(_message.Message):
    __slots__ = ("scenario_id", "rule_id", "etag", "request_id", "preconditions")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    rule_id: str
    etag: str
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, scenario_id: _Optional[str] = ..., rule_id: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class DeleteScenarioRuleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckExpressionRequest(_message.Message):
    __slots__ = ("event_type", "expression", "words")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    expression: str
    words: str
    def __init__(self, event_type: _Optional[str] = ..., expression: _Optional[str] = ..., words: _Optional[str] = ...) -> None: ...

class CheckExpressionResponse(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.ExpressionProblem]
    def __init__(self, problems: _Optional[_Iterable[_Union[_scenario_pb2.ExpressionProblem, _Mapping]]] = ...) -> None: ...

class CreateScenarioVersionRequest(_message.Message):
    __slots__ = ("scenario_id", "note", "etag", "request_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    note: str
    etag: str
    request_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., note: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateScenarioVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _scenario_pb2.ScenarioVersion
    def __init__(self, version: _Optional[_Union[_scenario_pb2.ScenarioVersion, _Mapping]] = ...) -> None: ...

class GetScenarioVersionRequest(_message.Message):
    __slots__ = ("scenario_id", "version")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    version: int
    def __init__(self, scenario_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetScenarioVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _scenario_pb2.ScenarioVersion
    def __init__(self, version: _Optional[_Union[_scenario_pb2.ScenarioVersion, _Mapping]] = ...) -> None: ...

class ListScenarioVersionsRequest(_message.Message):
    __slots__ = ("scenario_id", "page_size", "page_token")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    page_size: int
    page_token: str
    def __init__(self, scenario_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListScenarioVersionsResponse(_message.Message):
    __slots__ = ("versions", "next_page_token")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.ScenarioVersion]
    next_page_token: str
    def __init__(self, versions: _Optional[_Iterable[_Union[_scenario_pb2.ScenarioVersion, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DiffScenariosRequest(_message.Message):
    __slots__ = ("scenario_id", "before", "after", "before_scenario_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    before: int
    after: int
    before_scenario_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ..., before_scenario_id: _Optional[str] = ...) -> None: ...

class DiffScenariosResponse(_message.Message):
    __slots__ = ("added", "removed", "changed", "settings")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    added: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.ScenarioRule]
    removed: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.ScenarioRule]
    changed: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.RuleChange]
    settings: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.FieldChange]
    def __init__(self, added: _Optional[_Iterable[_Union[_scenario_pb2.ScenarioRule, _Mapping]]] = ..., removed: _Optional[_Iterable[_Union[_scenario_pb2.ScenarioRule, _Mapping]]] = ..., changed: _Optional[_Iterable[_Union[_scenario_pb2.RuleChange, _Mapping]]] = ..., settings: _Optional[_Iterable[_Union[_scenario_pb2.FieldChange, _Mapping]]] = ...) -> None: ...

class DeployScenarioRequest(_message.Message):
    __slots__ = ("scenario_id", "version", "target", "share", "reason", "request_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    version: int
    target: str
    share: int
    reason: str
    request_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., version: _Optional[int] = ..., target: _Optional[str] = ..., share: _Optional[int] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeployScenarioResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _scenario_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_scenario_pb2.Deployment, _Mapping]] = ...) -> None: ...

class WithdrawScenarioRequest(_message.Message):
    __slots__ = ("scenario_id", "version", "reason", "request_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    version: int
    reason: str
    request_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., version: _Optional[int] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class WithdrawScenarioResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _scenario_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_scenario_pb2.Deployment, _Mapping]] = ...) -> None: ...

class RollBackScenarioRequest(_message.Message):
    __slots__ = ("scenario_id", "version", "reason", "request_id")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    version: int
    reason: str
    request_id: str
    def __init__(self, scenario_id: _Optional[str] = ..., version: _Optional[int] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RollBackScenarioResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _scenario_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_scenario_pb2.Deployment, _Mapping]] = ...) -> None: ...

class GetDeploymentRequest(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    def __init__(self, event_type: _Optional[str] = ...) -> None: ...

class GetDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _scenario_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_scenario_pb2.Deployment, _Mapping]] = ...) -> None: ...

class ListDeploymentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListDeploymentsResponse(_message.Message):
    __slots__ = ("deployments",)
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    deployments: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.Deployment]
    def __init__(self, deployments: _Optional[_Iterable[_Union[_scenario_pb2.Deployment, _Mapping]]] = ...) -> None: ...

class ListTransitionsRequest(_message.Message):
    __slots__ = ("event_type", "page_size", "page_token")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    page_size: int
    page_token: str
    def __init__(self, event_type: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTransitionsResponse(_message.Message):
    __slots__ = ("transitions", "next_page_token")
    TRANSITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    transitions: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.Transition]
    next_page_token: str
    def __init__(self, transitions: _Optional[_Iterable[_Union[_scenario_pb2.Transition, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ApprovePublicationRequest(_message.Message):
    __slots__ = ("event_type", "publication_id", "request_id")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PUBLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    publication_id: str
    request_id: str
    def __init__(self, event_type: _Optional[str] = ..., publication_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ApprovePublicationResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _scenario_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_scenario_pb2.Deployment, _Mapping]] = ...) -> None: ...

class RejectPublicationRequest(_message.Message):
    __slots__ = ("event_type", "publication_id", "reason", "request_id")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PUBLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    publication_id: str
    reason: str
    request_id: str
    def __init__(self, event_type: _Optional[str] = ..., publication_id: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RejectPublicationResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _scenario_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_scenario_pb2.Deployment, _Mapping]] = ...) -> None: ...

class GetScenarioPolicyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetScenarioPolicyResponse(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: _scenario_pb2.ScenarioPolicy
    def __init__(self, policy: _Optional[_Union[_scenario_pb2.ScenarioPolicy, _Mapping]] = ...) -> None: ...

class ReplaceScenarioPolicyRequest(_message.Message):
    __slots__ = ("policy", "request_id", "preconditions")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    policy: _scenario_pb2.ScenarioPolicy
    request_id: str
    preconditions: _preconditions_pb2.Preconditions
    def __init__(self, policy: _Optional[_Union[_scenario_pb2.ScenarioPolicy, _Mapping]] = ..., request_id: _Optional[str] = ..., preconditions: _Optional[_Union[_preconditions_pb2.Preconditions, _Mapping]] = ...) -> None: ...

class ReplaceScenarioPolicyResponse(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: _scenario_pb2.ScenarioPolicy
    def __init__(self, policy: _Optional[_Union[_scenario_pb2.ScenarioPolicy, _Mapping]] = ...) -> None: ...

class SnoozeRuleRequest(_message.Message):
    __slots__ = ("snooze", "request_id")
    SNOOZE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    snooze: _scenario_pb2.Snooze
    request_id: str
    def __init__(self, snooze: _Optional[_Union[_scenario_pb2.Snooze, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SnoozeRuleResponse(_message.Message):
    __slots__ = ("snooze",)
    SNOOZE_FIELD_NUMBER: _ClassVar[int]
    snooze: _scenario_pb2.Snooze
    def __init__(self, snooze: _Optional[_Union[_scenario_pb2.Snooze, _Mapping]] = ...) -> None: ...

class ListSnoozesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSnoozesResponse(_message.Message):
    __slots__ = ("snoozes", "next_page_token")
    SNOOZES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    snoozes: _containers.RepeatedCompositeFieldContainer[_scenario_pb2.Snooze]
    next_page_token: str
    def __init__(self, snoozes: _Optional[_Iterable[_Union[_scenario_pb2.Snooze, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class EndSnoozeRequest(_message.Message):
    __slots__ = ("rule_id", "field", "value", "request_id")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    field: str
    value: str
    request_id: str
    def __init__(self, rule_id: _Optional[str] = ..., field: _Optional[str] = ..., value: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class EndSnoozeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetShadowReportRequest(_message.Message):
    __slots__ = ("scenario_id", "version")
    SCENARIO_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    scenario_id: str
    version: int
    def __init__(self, scenario_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetShadowReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: _scenario_pb2.ShadowReport
    def __init__(self, report: _Optional[_Union[_scenario_pb2.ShadowReport, _Mapping]] = ...) -> None: ...
