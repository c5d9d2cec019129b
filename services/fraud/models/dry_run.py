"""Runs a model that somebody brought on a thousand made-up rows, and stops it when its time is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Timer

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from services.fraud.models.dataset import Floats, Matrix
from services.fraud.models.failures import RefusalReason, RefusedModelError, ScoringError
from services.fraud.models.serving import TOLERANCE, ScoringModel, opened_session
from services.fraud.models.shapes import DRY_ROWS
from services.fraud.models.signature import InputForm, ModelSignature

__all__ = ["MOST_SECONDS", "dry_run"]

MOST_SECONDS = 1.0
SAME = 1e-4
"""By which the optimised graph may differ: it adds up in another order."""
_FLOATS = ("tensor(float)", "tensor(double)")


def dry_run(content: bytes, form: InputForm, features: tuple[str, ...], name: str) -> tuple[ModelSignature, bool]:
    """Returns the model's signature, and whether it takes missing values.

    Raises RefusedModelError if it cannot be run, takes too long, or gives no probabilities.
    """
    # Optimising may compute parts of the graph in advance, which cannot be stopped: first it runs as it is.
    try:
        session = opened_session(content, optimised=False)
    except ScoringError as error:
        raise RefusedModelError(RefusalReason.NOT_RUNNABLE, f"the runtime does not take the model: {error}") from error
    signature = ModelSignature(form, features, name, _output(session), 0)
    rows = _made_up(len(features))
    _run(session, signature, rows[:1])
    answer = _run(session, signature, rows)
    column = _column(answer, len(rows))
    signature = ModelSignature(form, features, name, signature.output, column)
    scores = _scores(answer, column)
    if not _are_probabilities(scores):
        raise RefusedModelError(RefusalReason.SCORES, "the model answers what is no probability from 0 to 1")
    missing = _scores(_run(session, signature, _with_holes(rows)), column)
    _compare(content, signature, rows, scores)
    return signature, _are_probabilities(missing)


def _output(session: onnxruntime.InferenceSession) -> str:
    """Returns the name of the output that holds probabilities; a label beside it is not asked for."""
    outputs = [each for each in session.get_outputs() if each.type in _FLOATS]
    if len(outputs) != 1:
        raise RefusedModelError(RefusalReason.OUTPUT, "the model needs one output of numbers: the probability of fraud")
    return str(outputs[0].name)


def _run(session: onnxruntime.InferenceSession, signature: ModelSignature, rows: Matrix) -> NDArray[np.floating]:
    options = onnxruntime.RunOptions()
    stop = Timer(MOST_SECONDS, setattr, (options, "terminate", True))
    started = time.monotonic()
    stop.start()
    try:
        (answer,) = session.run([signature.output], signature.fed(rows), options)
    except Exception as error:
        if options.terminate:
            raise _too_slow() from error
        words = f"the runtime cannot run the model: {type(error).__name__}"
        raise RefusedModelError(RefusalReason.NOT_RUNNABLE, words) from error
    finally:
        stop.cancel()
    if time.monotonic() - started > MOST_SECONDS:
        raise _too_slow()
    return np.asarray(answer)


def _too_slow() -> RefusedModelError:
    return RefusedModelError(RefusalReason.TOO_SLOW, f"{DRY_ROWS:,} rows take more than {MOST_SECONDS:g} second")


def _column(answer: NDArray[np.floating], rows: int) -> int:
    """Returns where in a row of the answer the probability of fraud stands."""
    if answer.shape in ((rows,), (rows, 1)):
        return 0
    if answer.shape == (rows, 2):
        return 1
    raise RefusedModelError(RefusalReason.OUTPUT, f"the model answers {rows:,} rows by the shape {answer.shape}")


def _scores(answer: NDArray[np.floating], column: int) -> Floats:
    return answer.reshape(len(answer), -1)[:, column].astype(np.float64)


def _are_probabilities(scores: Floats) -> bool:
    return bool(((scores >= -TOLERANCE) & (scores <= 1 + TOLERANCE)).all())


def _compare(content: bytes, signature: ModelSignature, rows: Matrix, scores: Floats) -> None:
    """Loads the model as it will be served, which must say the same."""
    try:
        served: Sequence[float] = ScoringModel(content, signature).score(rows)
    except ScoringError as error:
        raise RefusedModelError(RefusalReason.NOT_RUNNABLE, f"the model cannot be served: {error}") from error
    if float(np.abs(np.array(served) - scores).max()) > SAME:
        raise RefusedModelError(RefusalReason.SCORES, "the model answers otherwise once the runtime has optimised it")


def _made_up(features: int) -> Matrix:
    """Returns rows of nothing, of ones, and of numbers from tiny to a million of either sign."""
    chance = np.random.default_rng(7)
    sizes: Floats = 10.0 ** chance.uniform(-3, 6, (DRY_ROWS, features))
    sizes[chance.random(sizes.shape) < 0.2] *= -1
    rows = sizes.astype(np.float32)
    rows[0], rows[1] = 0.0, 1.0
    rows[2:200] = np.floor(chance.exponential(5.0, (198, features)))
    return rows


def _with_holes(rows: Matrix) -> Matrix:
    holed = rows.copy()
    holed[np.random.default_rng(8).random(rows.shape) < 0.3] = np.nan
    holed[0] = np.nan
    return holed
