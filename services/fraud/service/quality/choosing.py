"""Fills in what nobody said about a report, and checks the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from services.fraud import errors
from services.fraud.domain.declaring import all_types
from services.fraud.domain.event_types import usual_entity
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.names import FieldFault
from services.fraud.domain.quality.question import NewQualityReport, QualityQuestion, question_faults
from services.fraud.ports import EventTypes
from services.fraud.ports.scenarios import Vocabularies
from services.fraud.service.quality.grouping import OF_DECISIONS

__all__ = ["QualityChoices"]

USUAL_DELAY = timedelta(days=30)
USUAL_CAPACITY = 100
PERSONAL = "is personal data, which reports do not show"


class QualityChoices:
    """What reports of a tenant may be asked."""

    def __init__(self, vocabularies: Vocabularies, event_types: EventTypes, clock: Callable[[], datetime]) -> None:
        self._vocabularies = vocabularies
        self._event_types = event_types
        self._clock = clock

    async def question(self, tenant_id: str, new: NewQualityReport) -> QualityQuestion:
        """Raises VALIDATION_FAILED."""
        variables = await self._vocabularies.variables(tenant_id, new.event_type)
        declared = all_types(await self._event_types.all(tenant_id)).get(new.event_type)
        if variables is None or declared is None:
            fault = FieldFault("event_type", "event_type.known", "is no event type of the tenant")
            raise errors.fields_invalid([fault])
        known = {name for name, kind in variables.items() if kind is not ValueKind.STRING_LIST} | {*OF_DECISIONS}
        personal = {field.name for field in declared.event_type.fields if field.personal}
        names = {f"group_by[{place}]": name for place, name in enumerate(new.group_by)}
        names |= {f"conditions[{place}].name": each.name for place, each in enumerate(new.conditions)}
        faults = [_unknown(path, name) for path, name in names.items() if name not in known]
        faults += [FieldFault(path, "name.personal", PERSONAL) for path, name in names.items() if name in personal]
        entity = new.entity_field or usual_entity(declared.event_type)
        if new.entity_field and entity not in {key.name for key in declared.event_type.keys}:
            faults.append(FieldFault("entity_field", "entity_field.key", "must be a key of the event type"))
        now = self._clock()
        question = _filled(new, entity, now)
        faults += question_faults(question, now)
        if faults:
            raise errors.fields_invalid(faults)
        return question


def _filled(new: NewQualityReport, entity: str, now: datetime) -> QualityQuestion:
    as_of = new.as_of or now
    return QualityQuestion(
        event_type=new.event_type,
        since=new.since,
        until=new.until or as_of,
        as_of=as_of,
        stored_before=new.stored_before or now,
        label_delay=USUAL_DELAY if new.label_delay is None else new.label_delay,
        unlabelled=new.unlabelled,
        group_by=new.group_by,
        conditions=new.conditions,
        entity_field=entity,
        review_capacity=new.review_capacity or USUAL_CAPACITY,
        review_cost=new.review_cost,
    )


def _unknown(path: str, name: str) -> FieldFault:
    words = f"{name} is neither what rules of the event type can ask, nor one of {', '.join(OF_DECISIONS)}"
    return FieldFault(path, "name.known", words)
