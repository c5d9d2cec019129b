"""Fills in what nobody said about a training, and checks the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from services.fraud import errors
from services.fraud.domain.declaring import all_types
from services.fraud.domain.event_types import usual_entity
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.names import FieldFault
from services.fraud.domain.scenarios.model_inputs import feature_faults, numeric_names
from services.fraud.domain.scoring.settings import MOST_FEATURES, NewTraining, TrainingSettings, settings_faults
from services.fraud.domain.scoring.version import FraudModel
from services.fraud.ports import EventTypes
from services.fraud.ports.scenarios import Vocabularies

__all__ = ["TrainingChoices"]


class TrainingChoices:
    """What models of a tenant may be trained by."""

    def __init__(self, vocabularies: Vocabularies, event_types: EventTypes, clock: Callable[[], datetime]) -> None:
        self._vocabularies = vocabularies
        self._event_types = event_types
        self._clock = clock

    async def settings(self, tenant_id: str, model: FraudModel, new: NewTraining) -> TrainingSettings:
        """Raises VALIDATION_FAILED."""
        variables = await self._variables(tenant_id, model)
        names = new.features or tuple(numeric_names(variables))
        faults = list(_feature_faults(names, variables, "training.features"))
        event_type = all_types(await self._event_types.all(tenant_id))[model.event_type].event_type
        entity = new.entity_field or usual_entity(event_type)
        if entity not in {key.name for key in event_type.keys}:
            faults.append(FieldFault("training.entity_field", "entity_field.key", "must be a key of the event type"))
        now = self._clock()
        until = new.until or now
        settings = TrainingSettings(
            features=names, since=new.since or until - timedelta(days=new.days), until=until,
            validation_days=new.validation_days, test_days=new.test_days, delay_days=new.delay_days,
            target=new.target, entity_field=entity, parameters=new.parameters,
        )  # fmt: skip
        faults += settings_faults(settings, now)
        if faults:
            raise errors.fields_invalid(faults)
        return settings

    async def check_features(self, tenant_id: str, model: FraudModel, names: Sequence[str]) -> None:
        """Raises VALIDATION_FAILED for names that are no features of the model's event type."""
        faults = _feature_faults(names, await self._variables(tenant_id, model), "features")
        if faults:
            raise errors.fields_invalid(faults)

    async def _variables(self, tenant_id: str, model: FraudModel) -> Mapping[str, ValueKind]:
        variables = await self._vocabularies.variables(tenant_id, model.event_type)
        if variables is None:
            raise errors.fields_invalid([FieldFault("name", "event_type.known", "is of an event type that is gone")])
        return variables


def _feature_faults(names: Sequence[str], variables: Mapping[str, ValueKind], path: str) -> Sequence[FieldFault]:
    if not 0 < len(names) <= MOST_FEATURES:
        return [
            FieldFault(path, "features.most", f"must be 1 to {MOST_FEATURES}: name those that are to be learned from")
        ]
    return feature_faults(names, variables, path)
