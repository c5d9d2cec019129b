"""Between messages and the domain of the fraud service."""

from __future__ import annotations

from services.fraud.convert.asked import drift_to_event, transition_to_event
from services.fraud.convert.backtests import backtest_to_proto, period_from_proto
from services.fraud.convert.checks import check_from_event, check_from_proto
from services.fraud.convert.decisions import (
    DecisionRecord,
    decided_to_record,
    facts_from_record,
    stored_to_proto,
)
from services.fraud.convert.event_types import (
    ChangingTypes,
    declared_type_to_proto,
    event_type_from_proto,
    type_admits_from_proto,
    type_change_from_proto,
    type_check_from_proto,
    type_request_from_proto,
)
from services.fraud.convert.event_values import event_values_from_proto
from services.fraud.convert.events import fields_from_record, fields_to_record
from services.fraud.convert.explanations import explanation_to_proto, replay_to_proto
from services.fraud.convert.features import (
    ChangingFeatures,
    definition_from_proto,
    feature_admits_from_proto,
    feature_check_from_proto,
    feature_request_from_proto,
    feature_to_proto,
    feature_words_from_proto,
)
from services.fraud.convert.graph_events import told_of_graph_from_record
from services.fraud.convert.labels import (
    LABEL_COLUMNS_OF_FILES,
    label_filter_from_proto,
    label_from_proto,
    label_from_row,
    label_import_to_proto,
    label_to_event,
    label_to_proto,
    refused_row_to_proto,
)
from services.fraud.convert.past import past_from_record, vector_version_from_record
from services.fraud.convert.places import (
    Positions,
    decided_page_to_proto,
    event_from_record,
    filter_from_proto,
    page_to_proto,
    place_from_entry,
    place_from_proto,
    selection_from_proto,
    watch_event_to_proto,
)
from services.fraud.convert.quality import quality_report_to_proto, quality_request_from_proto
from services.fraud.convert.quality_results import quality_result_to_record
from services.fraud.convert.rates import admits_from_proto, etag_from_rates, rates_from_proto, rates_to_proto
from services.fraud.convert.records import recorded_from_record
from services.fraud.convert.rules import (
    changes_to_proto,
    content_from_proto,
    problems_to_proto,
    rule_changes_to_proto,
    rule_from_proto,
    rule_state_from_proto,
    rule_to_proto,
    updated_rule_from_proto,
)
from services.fraud.convert.scenarios import (
    admits_revision_from_proto,
    deployment_to_proto,
    policy_from_proto,
    policy_to_proto,
    scenario_to_proto,
    snooze_from_proto,
    snooze_to_proto,
    step_from_proto,
    transition_to_proto,
    version_to_proto,
)
from services.fraud.convert.seals import intact_from_record
from services.fraud.convert.shadows import shadow_report_to_proto
from services.fraud.convert.signals import geo_point_from_record
from services.fraud.convert.verification import (
    recorded_check_from_record,
    verification_news_to_proto,
    verified_period_from_proto,
)

__all__ = [
    "LABEL_COLUMNS_OF_FILES",
    "ChangingFeatures",
    "ChangingTypes",
    "DecisionRecord",
    "Positions",
    "admits_from_proto",
    "admits_revision_from_proto",
    "backtest_to_proto",
    "changes_to_proto",
    "check_from_event",
    "check_from_proto",
    "content_from_proto",
    "decided_page_to_proto",
    "decided_to_record",
    "declared_type_to_proto",
    "definition_from_proto",
    "deployment_to_proto",
    "drift_to_event",
    "etag_from_rates",
    "event_from_record",
    "event_type_from_proto",
    "event_values_from_proto",
    "explanation_to_proto",
    "facts_from_record",
    "feature_admits_from_proto",
    "feature_check_from_proto",
    "feature_request_from_proto",
    "feature_to_proto",
    "feature_words_from_proto",
    "fields_from_record",
    "fields_to_record",
    "filter_from_proto",
    "geo_point_from_record",
    "intact_from_record",
    "label_filter_from_proto",
    "label_from_proto",
    "label_from_row",
    "label_import_to_proto",
    "label_to_event",
    "label_to_proto",
    "page_to_proto",
    "past_from_record",
    "period_from_proto",
    "place_from_entry",
    "place_from_proto",
    "policy_from_proto",
    "policy_to_proto",
    "problems_to_proto",
    "quality_report_to_proto",
    "quality_request_from_proto",
    "quality_result_to_record",
    "rates_from_proto",
    "rates_to_proto",
    "recorded_check_from_record",
    "recorded_from_record",
    "refused_row_to_proto",
    "replay_to_proto",
    "rule_changes_to_proto",
    "rule_from_proto",
    "rule_state_from_proto",
    "rule_to_proto",
    "scenario_to_proto",
    "selection_from_proto",
    "shadow_report_to_proto",
    "snooze_from_proto",
    "snooze_to_proto",
    "step_from_proto",
    "stored_to_proto",
    "told_of_graph_from_record",
    "transition_to_event",
    "transition_to_proto",
    "type_admits_from_proto",
    "type_change_from_proto",
    "type_check_from_proto",
    "type_request_from_proto",
    "updated_rule_from_proto",
    "vector_version_from_record",
    "verification_news_to_proto",
    "verified_period_from_proto",
    "version_to_proto",
    "watch_event_to_proto",
]
