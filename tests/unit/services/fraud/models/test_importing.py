"""Files become versions: what they name, what they are refused for, and that XGBoost and ONNX say the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.failures import RefusalReason, RefusedModelError
from services.fraud.models.golden import check_golden
from services.fraud.models.importing import import_model
from services.fraud.models.serving import ScoringModel
from services.fraud.models.table_rows import TableRows, counted, split_of
from tests.unit.services.fraud.models import graphs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model"


def refusal(file: Path, content: bytes, form: str = "", names: tuple[str, ...] = ()) -> RefusedModelError:
    file.write_bytes(content)
    with pytest.raises(RefusedModelError) as caught:
        import_model(file, form, names)
    return caught.value


def test_an_onnx_file_is_taken_as_it_is(file: Path) -> None:
    file.write_bytes(graphs.logistic().SerializeToString())
    imported = import_model(file, "", graphs.NAMES)
    artifact = imported.artifact
    assert (artifact.onnx, artifact.booster, artifact.evaluation) == (file.read_bytes(), b"", None)
    assert artifact.signature.features == graphs.NAMES
    check_golden(ScoringModel(artifact.onnx, artifact.signature), artifact.golden)
    assert ModelArtifact.from_dict(artifact.to_dict()).fingerprint() == artifact.fingerprint()


def test_an_onnx_file_may_name_its_features(file: Path) -> None:
    model = graphs.logistic()
    file.write_bytes(model.SerializeToString())
    assert refusal(file, file.read_bytes()).reason is RefusalReason.INPUTS
    helper.set_model_props(model, {"features": '["x1", "x2", "x3"]'})
    file.write_bytes(model.SerializeToString())
    assert import_model(file, "onnx", ()).artifact.signature.features == ("x1", "x2", "x3")
    for strange in ('["x1", "x2", "X 3"]', json.dumps(["x"] * 201), json.dumps(["x" * 70, "y", "z"])):
        helper.set_model_props(model, {"features": strange})
        assert refusal(file, model.SerializeToString()).reason is RefusalReason.INPUTS
    helper.set_model_props(model, {"features": "{"})
    assert refusal(file, model.SerializeToString()).reason is RefusalReason.INPUTS


def test_a_trained_booster_that_is_brought_gives_what_its_trees_say(file: Path, artifact: ModelArtifact) -> None:
    file.write_bytes(artifact.booster)
    imported = import_model(file, "", ())
    assert imported.artifact.signature.features == artifact.signature.features
    assert (imported.takes_missing, bool(imported.artifact.booster)) == (True, True)
    rows = artifact.golden.values
    brought = np.array(ScoringModel(imported.artifact.onnx, imported.artifact.signature).score(rows))
    order = np.argsort(artifact.golden.scores, kind="stable")
    assert (np.diff(brought[order]) >= -1e-6).all(), "the calibration is left out, the order stays"


@pytest.mark.parametrize(
    ("content", "form", "words"),
    [
        (b"", "", "no graph"),
        (b"{", "", "no model of XGBoost"),
        (b"[]", "xgboost", "no model of XGBoost"),
        (b'{"learner": {"feature_names": 7}}', "", "no model of XGBoost"),
        (b"{" * 100_000, "", "no model of XGBoost"),
        (b"\x00" * 100, "", "no ONNX model"),
    ],
)
def test_what_is_neither_is_unreadable(file: Path, content: bytes, form: str, words: str) -> None:
    error = refusal(file, content, form, graphs.NAMES)
    assert (error.reason, words in error.words) == (RefusalReason.UNREADABLE, True), error.words


def test_rows_become_a_table_in_the_order_of_their_times() -> None:
    class Row:
        def __init__(self, time: int, known: int | None, value: float) -> None:
            self.values, self.known_ms, self.time_ms = [value, float("nan")], known, time
            self.entity, self.amount = time, value

    rows = TableRows(("a", "b"))
    rows.add([Row(30, 45, 3.0), Row(10, None, 1e300)])
    rows.add([])
    rows.add([Row(20, 60, 2.0)])
    table = rows.table()
    assert table.times_ms.tolist() == [10, 20, 30]
    assert table.values[:, 0].tolist() == [float(np.finfo(np.float32).max), 2.0, 3.0]
    assert counted(table, split_of(0, 40, 50, 50, 90)) == (3, 1)
    assert len(TableRows(("a",)).table()) == 0
