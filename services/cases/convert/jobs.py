"""Converts jobs, and what they are asked to do."""

from __future__ import annotations

from rampart.cases.v1 import case_pb2
from rampart.cases.v1 import case_service_pb2 as pb

from meshkit.tasks import WorkState
from meshkit.timestamps import time_to_proto
from services.cases.convert.cases import level_from_word
from services.cases.domain.alerts import AlertCause, AlertState
from services.cases.domain.cases import CaseState
from services.cases.domain.jobs import JobAction, StoredJob
from services.cases.errors import field_invalid
from services.cases.ports import AlertFilter, CaseFilter

__all__ = ["job_filter_from_proto", "job_to_proto"]

OF_ALERTS = {"reason", "cause"}
OF_CASES = {"of_assignee", "overdue"}
FILTERS = ("state", "cause", "entity", "min_level", "of_assignee", "overdue")
STATES_OF = {JobAction.DISMISS: {"", "open", "acknowledged"}}
STATES_OF_CASES = {"", "open", "assigned"}


def job_filter_from_proto(request: pb.CreateCaseJobRequest) -> AlertFilter | CaseFilter:
    """Raises VALIDATION_FAILED for a field that is not of the action, and for a job without any restriction."""
    action, level = JobAction(request.action), level_from_word(request.min_level)
    foreign = OF_CASES | {"assignee"} if action is JobAction.DISMISS else set(OF_ALERTS)
    foreign |= {"assignee"} if action is JobAction.CLOSE else set()
    for field in sorted(foreign):
        if getattr(request, field):
            raise field_invalid(field, "action.field", f"says nothing to {request.action}")
    if request.state not in STATES_OF.get(action, STATES_OF_CASES):
        raise field_invalid("state", "action.state", f"is none of what {request.action} is for")
    if not any(getattr(request, field) for field in FILTERS):
        raise field_invalid("state", "action.filter", "is needed, or another filter: nothing is done with all there is")
    if action is JobAction.DISMISS:
        state = AlertState(request.state) if request.state else None
        cause = AlertCause(request.cause) if request.cause else None
        return AlertFilter(state=state, cause=cause, entity=request.entity, severity=level)
    of_state = CaseState(request.state) if request.state else None
    return CaseFilter(of_state, request.of_assignee, level, request.entity, request.overdue)


def job_to_proto(job: StoredJob, state: WorkState) -> case_pb2.CaseJob:
    message = case_pb2.CaseJob(
        job_id=job.job_id,
        action=job.action.value,
        state=state.state,
        total=len(job.items),
        done=job.done,
        changed=job.changed,
        refused=job.refused,
        error=state.error,
        created_by=job.created_by,
        create_time=time_to_proto(job.created_at),
    )
    if state.finished_at is not None:
        message.finish_time.CopyFrom(time_to_proto(state.finished_at))
    return message
