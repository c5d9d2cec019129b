"""Scores rows by an ONNX model: one thread, one call for a batch."""

from __future__ import annotations

import numpy as np
import onnxruntime

from services.fraud.models.dataset import Matrix
from services.fraud.models.failures import ScoringError
from services.fraud.models.signature import ModelSignature

__all__ = ["ScoringModel", "opened_session"]

WARM_UP = (1, 2, 32, 128)
"""Sizes of the first batches: what they set up is not waited for by a decision."""
FATAL = 4
"""The library writes nothing to the standard error but what ends the process; errors are raised."""
TOLERANCE = 1e-6
"""By which a probability may lie outside of [0, 1]: sums of 32 bits are rounded."""


def opened_session(model: bytes, *, optimised: bool = True) -> onnxruntime.InferenceSession:
    """Loads a model. Raises ScoringError if the library does not take it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # The library raises more than a dozen types that have nothing else in common.
        raise ScoringError(f"the model cannot be loaded: {type(error).__name__}") from error


class ScoringModel:
    """A model that is ready to score. Any number of threads may ask it at once."""

    def __init__(self, model: bytes, signature: ModelSignature) -> None:
        """Loads and warms up the model. Raises ScoringError if it cannot be run."""
        self.signature = signature
        self._session = opened_session(model)
        zeros = np.zeros((max(WARM_UP), len(signature.features)), np.float32)
        for size in WARM_UP:
            self.score(zeros[:size])

    def score(self, values: Matrix) -> list[float]:
        """Returns the probability of fraud for each row.

        Raises ScoringError if the model fails, or answers anything else than a probability for each row.
        """
        if not len(values):
            return []
        try:
            (answer,) = self._session.run([self.signature.output], self.signature.fed(values))
            scores = np.asarray(answer, np.float64).reshape(len(values), -1)[:, self.signature.column]
        except Exception as error:
            raise ScoringError(f"the model failed: {type(error).__name__}") from error
        # A comparison with what is no number is false.
        if not bool(((scores >= -TOLERANCE) & (scores <= 1 + TOLERANCE)).all()):
            raise ScoringError("the model answered what is no probability")
        found: list[float] = np.clip(scores, 0.0, 1.0).tolist()
        return found
