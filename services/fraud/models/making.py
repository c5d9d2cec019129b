"""Makes a model of a table: learns, converts, compares, measures, and keeps what it was made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from services.fraud.domain.scoring.drift import SCORE
from services.fraud.models.artifact import ModelArtifact, library_versions
from services.fraud.models.calibration import probabilities
from services.fraud.models.conversion import convert
from services.fraud.models.dataset import Floats, TrainingTable
from services.fraud.models.drift import ReferenceBins, reference_bins
from services.fraud.models.evaluation import ModelEvaluation, evaluate
from services.fraud.models.failures import TrainingTableError
from services.fraud.models.golden import check_golden
from services.fraud.models.parameters import TrainingParameters
from services.fraud.models.sampling import golden_rows
from services.fraud.models.serving import ScoringModel
from services.fraud.models.signature import own_signature
from services.fraud.models.splits import TimeSplit
from services.fraud.models.training import Progress, TrainedModel, train

__all__ = ["make_model"]


def make_model(
    table: TrainingTable,
    split: TimeSplit,
    parameters: TrainingParameters,
    *,
    threads: int = 1,
    progress: Progress = lambda _done, _all: True,
) -> ModelArtifact:
    """Learns from the split's first period and measures on its last, by the scores that will be served.

    Where the last is empty it measures on the first, each day by trees that have not seen it. Days of validation, by
    which settings are chosen, are measured for themselves.
    Raises TrainingTableError, CalibrationError, ConversionError or TrainingCancelledError.
    """
    rows = split.training_rows(table)
    trained = train(rows, rows.labels(split.labels_known_ms), parameters, threads=threads, progress=progress)
    converted = convert(trained.booster, trained.calibration, table.names)
    signature = own_signature(table.names)
    model = ScoringModel(converted, signature)
    golden = golden_rows(trained.booster, trained.calibration, rows.values, parameters.seed)
    check_golden(model, golden)
    if split.test.is_empty:
        test, scores = rows, _unseen_scores(trained)
    else:
        test = split.test_rows(table)
        scores = _scores(model, test)
    return ModelArtifact(
        onnx=converted,
        signature=signature,
        calibration=trained.calibration,
        booster=trained.booster,
        parameters=parameters,
        libraries=library_versions(),
        data_fingerprint=rows.fingerprint(),
        evaluation=evaluate(test, scores),
        validation=_validated(model, split.validation_rows(table)),
        reference={**_references(rows), SCORE: reference_bins(scores)},
        golden=golden,
    )


def _scores(model: ScoringModel, rows: TrainingTable) -> Floats:
    return np.array(model.score(rows.values))


def _validated(model: ScoringModel, rows: TrainingTable) -> ModelEvaluation | None:
    return evaluate(rows, _scores(model, rows)) if len(rows) else None


def _references(rows: TrainingTable) -> Mapping[str, ReferenceBins]:
    columns = rows.values.astype(np.float64).T
    return {name: reference_bins(column) for name, column in zip(rows.names, columns, strict=True)}


def _unseen_scores(trained: TrainedModel) -> Floats:
    if not len(trained.unseen):
        raise TrainingTableError("without days to measure on there must be a calibration, which parts days")
    return probabilities(trained.calibration, trained.unseen)
