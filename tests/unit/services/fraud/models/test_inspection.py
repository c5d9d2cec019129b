"""Models that somebody brings: which are taken, and which are refused for what reason."""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from services.fraud.models import dry_run
from services.fraud.models.artifact import ModelArtifact
from services.fraud.models.dataset import Matrix
from services.fraud.models.failures import RefusalReason, RefusedModelError
from services.fraud.models.inspection import MOST_BYTES, InspectedModel, inspect
from services.fraud.models.serving import ScoringModel
from services.fraud.models.signature import InputForm
from tests.support.processes import ROOT
from tests.support.scorers import matrix_of
from tests.unit.services.fraud.models import graphs
from tests.unit.services.fraud.models.graphs import NAMES, WIDTH, after, graph, node, takes, written

TERA = 1 << 40


def looked_at(folder: Path, model: onnx.ModelProto | bytes) -> InspectedModel:
    return inspect(written(folder, model), NAMES)


def refused(folder: Path, model: onnx.ModelProto | bytes) -> RefusedModelError:
    with pytest.raises(RefusedModelError) as caught:
        looked_at(folder, model)
    return caught.value


@pytest.mark.parametrize(
    ("model", "form", "column"),
    [
        (graphs.logistic(), InputForm.MATRIX, 0),
        (graphs.stump(), InputForm.MATRIX, 0),
        (graphs.chain(60), InputForm.MATRIX, 0),
        (graphs.classifier(), InputForm.MATRIX, 1),
        (graphs.columns(), InputForm.COLUMNS, 0),
        (graphs.columns(NAMES[::-1]), InputForm.COLUMNS, 0),
    ],
    ids=["regression", "tree", "deep tree", "classifier", "columns", "columns in another order"],
)
def test_a_sound_model_is_taken_and_served_as_it_was_found(
    tmp_path: Path, model: onnx.ModelProto, form: InputForm, column: int
) -> None:
    found = looked_at(tmp_path, model)
    assert (found.signature.form, found.signature.column, found.signature.output) == (form, column, "p")
    served = ScoringModel(model.SerializeToString(), found.signature)
    (score,) = served.score(matrix_of([{"a": 1.0, "b": 0.0, "c": 2.0}], served.signature.features))
    assert 0 <= score <= 1


def test_our_own_models_are_taken_and_take_missing_values(tmp_path: Path, artifact: ModelArtifact) -> None:
    found = inspect(written(tmp_path, artifact.onnx), artifact.signature.features)
    assert found.signature == artifact.signature
    assert found.takes_missing


def test_a_model_that_needs_every_value_is_taken_and_says_so(tmp_path: Path) -> None:
    assert not looked_at(tmp_path, graphs.logistic()).takes_missing
    assert looked_at(tmp_path, graphs.stump()).takes_missing


def test_features_reach_the_inputs_of_their_names(tmp_path: Path) -> None:
    weighted = graph(
        [node("Sub", ["c", "a"], ["m"]), node("Mul", ["b", "m"], ["n"]), node("Sigmoid", ["n"], ["p"])],
        inputs=[takes(each, (None, 1)) for each in ("c", "a", "b")],
    )
    served = ScoringModel(weighted.SerializeToString(), looked_at(tmp_path, weighted).signature)
    rows = matrix_of([{"a": 1, "b": 2, "c": 3}, {"a": 3, "b": 2, "c": 1}], served.signature.features)
    scores = served.score(rows)
    assert scores == pytest.approx([1 / (1 + np.exp(-4)), 1 / (1 + np.exp(4))], abs=1e-6)


def test_no_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "pipe"):
        with pytest.raises(RefusedModelError) as caught:
            inspect(path, NAMES)
        assert caught.value.reason is RefusalReason.NO_FILE


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(RefusedModelError) as caught:
        inspect(path, NAMES)
    assert caught.value.reason is RefusalReason.TOO_LARGE


def test_what_is_no_model_or_cut_short_is_refused(tmp_path: Path, artifact: ModelArtifact) -> None:
    whole = graphs.logistic().SerializeToString()
    for broken in (
        b"",
        b"no model",
        b"\x80" * 99,
        b"\x0a\xff\xff\xff\xff\x0f",
        onnx.ModelProto(ir_version=8).SerializeToString(),
    ):
        assert refused(tmp_path, broken).reason is RefusalReason.UNREADABLE
    for end in range(1, len(whole), 7):
        refused(tmp_path, whole[:end])
    assert refused(tmp_path, artifact.onnx[: len(artifact.onnx) // 2]).reason is RefusalReason.UNREADABLE


@pytest.mark.parametrize("location", ["/etc/passwd", "../../secret", "weights.bin", ""])
def test_weights_in_another_file_are_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(12))
    assert refused(tmp_path, graphs.external(location)).reason is RefusalReason.EXTERNAL_DATA


def test_a_constant_in_another_file_is_refused(tmp_path: Path) -> None:
    lying = graphs.external("/etc/passwd").graph.initializer[0]
    model = after(node("Constant", [], ["k"], value=lying), node("Add", ["m", "k"], ["n"]))
    assert refused(tmp_path, model).reason is RefusalReason.EXTERNAL_DATA


FOREIGN: dict[str, Callable[[], onnx.ModelProto]] = {
    "a loop": lambda: graphs.looping(1 << 40),
    "a branch": lambda: after(node("If", ["m"], ["n"], then_branch=graphs.logistic().graph)),
    "random numbers": lambda: after(node("RandomNormalLike", ["m"], ["n"])),
    "a domain of one's own": lambda: after(node("Run", ["m"], ["n"], domain="com.example")),
    "a domain of the runtime": lambda: after(node("FusedMatMul", ["m", "m"], ["n"], domain="com.microsoft")),
    "a function": graphs.with_function,
    "a function in place of an operator": graphs.replacing,
    "an attribute of a function": graphs.referring,
    "an import of a strange domain": lambda: graph([node("Sigmoid", ["x"], ["p"])], opsets=[("", 17), ("evil", 1)]),
    "a name that only resembles": lambda: after(node("sigmoid", ["m"], ["n"])),
    "a table of texts": lambda: after(node("ZipMap", ["m"], ["n"], domain="ai.onnx.ml", classlabels_ints=[0])),
    "an image": lambda: after(node("ImageDecoder", ["m"], ["n"])),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_operators_that_are_not_on_the_list_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, FOREIGN[name]()).reason is RefusalReason.FOREIGN_OPERATOR


def test_a_graph_hidden_in_a_plain_operator_is_refused(tmp_path: Path) -> None:
    hidden = after(node("Identity", ["m"], ["n"], body=graphs.logistic().graph))
    assert refused(tmp_path, hidden).reason is RefusalReason.FOREIGN_OPERATOR


@pytest.mark.parametrize(
    "operator", ["ConstantOfShape", "Expand", "Tile", "Range", "Pad", "Resize", "EyeLike", "OneHot"]
)
def test_operators_that_make_much_of_little_are_refused(tmp_path: Path, operator: str) -> None:
    shape = graphs.constants({"shape": np.array([TERA, 1])})
    bomb = after(node(operator, ["shape"], ["big"]), node("Add", ["m", "big"], ["n"]), weights=shape)
    assert refused(tmp_path, bomb).reason is RefusalReason.FOREIGN_OPERATOR


@pytest.mark.parametrize("count", [5_000, 1_000_000])
def test_a_product_of_short_weights_that_is_huge_is_refused_before_it_is_made(tmp_path: Path, count: int) -> None:
    assert refused(tmp_path, graphs.outer(count)).reason is RefusalReason.TOO_LARGE


def test_a_row_that_grows_too_wide_is_refused_before_it_is_made(tmp_path: Path) -> None:
    wide = graph(
        [
            node("MatMul", ["x", "w"], ["m"]),
            node("ReduceMax", ["m"], ["n"], axes=[1]),
            node("Sigmoid", ["n"], ["p"]),
        ],
        weights=[graphs.floats("w", np.zeros((WIDTH, 20_000)))],
    )
    assert refused(tmp_path, wide).reason is RefusalReason.TOO_LARGE


def test_a_claim_of_small_results_is_not_believed(tmp_path: Path) -> None:
    model = graphs.outer(5_000)
    model.graph.value_info.append(takes("square", (1, 1)))
    assert refused(tmp_path, model).reason is RefusalReason.TOO_LARGE


def test_too_many_nodes_and_too_many_inputs_of_one_are_refused(tmp_path: Path) -> None:
    many = [node("Identity", [f"v{i}"], [f"v{i + 1}"]) for i in range(5_001)]
    assert refused(tmp_path, graph([*many, node("Sigmoid", ["x"], ["p"])])).reason is RefusalReason.TOO_LARGE
    joined = after(node("Concat", ["m"] * 5_000, ["n"], axis=1))
    assert refused(tmp_path, joined).reason is RefusalReason.TOO_LARGE


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING, TensorProto.FLOAT16, 77])
def test_weights_that_are_not_there_or_of_another_kind_are_refused(tmp_path: Path, kind: int) -> None:
    for shape in ([TERA], [1 << 20, 1 << 20, 1 << 20], [-5], [3]):
        lying = after(node("Add", ["m", "big"], ["n"]), weights=[graphs.claiming(shape, kind)])
        assert refused(tmp_path, lying).reason is RefusalReason.WEIGHTS


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    nan = float("nan")
    assert refused(tmp_path, graphs.logistic((0.1, nan, 0.2))).reason is RefusalReason.WEIGHTS
    constant = after(node("Constant", [], ["k"], value=graphs.floats("k", [nan])), node("Add", ["m", "k"], ["n"]))
    assert refused(tmp_path, constant).reason is RefusalReason.WEIGHTS
    assert refused(tmp_path, graphs.stump(nodes_values=[nan, 0.0, 0.0])).reason is RefusalReason.WEIGHTS
    assert refused(tmp_path, graphs.stump(target_weights=[nan, 0.5])).reason is RefusalReason.WEIGHTS


def test_an_imputer_may_name_what_is_no_number(tmp_path: Path) -> None:
    imputer = node(
        "Imputer", ["x"], ["full"], domain="ai.onnx.ml", imputed_value_floats=[1.0], replaced_value_float=float("nan")
    )
    model = graphs.logistic(nodes=[imputer])
    model.graph.node[1].input[0] = "full"
    assert looked_at(tmp_path, model).takes_missing


BROKEN_TREES: dict[str, onnx.ModelProto] = {
    "a circle": graphs.stump(
        nodes_modes=["BRANCH_LT", "BRANCH_LT", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 2, 0]
    ),
    "a node that is its own child": graphs.stump(nodes_truenodeids=[0, 0, 0]),
    "a child that is not there": graphs.stump(nodes_falsenodeids=[99, 0, 0]),
    "a feature that is not there": graphs.stump(nodes_featureids=[3, 0, 0]),
    "a feature below none": graphs.stump(nodes_featureids=[-1, 0, 0]),
    "a node that stands twice": graphs.stump(nodes_nodeids=[0, 1, 1]),
    "many ways to one leaf": graphs.ladder(60),
    "two roots": graphs.stump(nodes_modes=["LEAF", "LEAF", "LEAF"]),
    "a column cut short": graphs.stump(nodes_modes=["BRANCH_LT", "LEAF"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_TREES)
def test_trees_that_do_not_fit_together_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, BROKEN_TREES[name]).reason is RefusalReason.WEIGHTS


@pytest.mark.parametrize("model", [graphs.chain(65), graphs.chain(20_000), graphs.stump(n_targets=1 << 40)])
def test_trees_too_deep_and_with_too_many_outputs_are_refused(tmp_path: Path, model: onnx.ModelProto) -> None:
    assert refused(tmp_path, model).reason is RefusalReason.TOO_LARGE


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([takes(shape=(None, 2))], "2 features, and 3"),
        ([takes(shape=(None, 3), kind=TensorProto.DOUBLE)], "32-bit"),
        ([takes(shape=(None, 3), kind=TensorProto.STRING)], "32-bit"),
        ([takes(shape=(5, 3))], "any number of rows"),
        ([takes(shape=(None, 3, 1))], "any number of rows"),
        ([takes(shape=(None, 3)), takes("y", (None, 1))], "not the same"),
        ([], "not the same"),
    ],
)
def test_inputs_that_are_not_the_features_are_refused(tmp_path: Path, inputs: list[object], words: str) -> None:
    model = graph([node("ReduceMean", ["x"], ["m"], axes=[1]), node("Sigmoid", ["m"], ["p"])], inputs=inputs)
    error = refused(tmp_path, model)
    assert error.reason is RefusalReason.INPUTS
    assert words in error.words


@pytest.mark.parametrize(
    "model", [graphs.columns(("a", "b", "d")), graphs.columns(("a", "b")), graphs.columns(shape=(None, 2))]
)
def test_columns_that_are_not_the_features_are_refused(tmp_path: Path, model: onnx.ModelProto) -> None:
    assert refused(tmp_path, model).reason is RefusalReason.INPUTS


LOWEST = node("ReduceMin", ["x"], ["m"], axes=[1])
LABEL = takes("p", (None, 3), TensorProto.INT64)
OUTPUTS: dict[str, tuple[onnx.ModelProto, RefusalReason]] = {
    "two numbers": (
        graph([node("Sigmoid", ["x"], ["p"]), node("Tanh", ["x"], ["q"])], outputs=[takes("p"), takes("q")]),
        RefusalReason.OUTPUT,
    ),
    "a label alone": (graph([node("ArgMax", ["x"], ["p"])], outputs=[LABEL]), RefusalReason.OUTPUT),
    "three kinds": (graph([node("Softmax", ["x"], ["p"])], outputs=[takes("p", (None, 3))]), RefusalReason.OUTPUT),
    "one for all rows": (graph([node("ReduceMax", ["x"], ["p"])], outputs=[takes("p", (1, 1))]), RefusalReason.OUTPUT),
    "no probability": (graph([node("ReduceMax", ["x"], ["p"], axes=[1])]), RefusalReason.SCORES),
    "less than nothing": (graph([LOWEST, node("Tanh", ["m"], ["p"])]), RefusalReason.SCORES),
    "no number": (graph([LOWEST, node("Log", ["m"], ["n"]), node("Sigmoid", ["n"], ["p"])]), RefusalReason.SCORES),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_answers_that_are_no_probability_of_each_row_are_refused(tmp_path: Path, name: str) -> None:
    model, reason = OUTPUTS[name]
    assert refused(tmp_path, model).reason is reason


def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, after(node("Add", ["m", "nothing"], ["n"]))).reason in (
        RefusalReason.UNREADABLE,
        RefusalReason.NOT_RUNNABLE,
    )
    wrong = graph(
        [node("MatMul", ["x", "w"], ["m"]), node("Sigmoid", ["m"], ["p"])], weights=[graphs.floats("w", [[1.0]] * 7)]
    )
    assert refused(tmp_path, wrong).reason in (RefusalReason.UNREADABLE, RefusalReason.NOT_RUNNABLE)


def test_a_graph_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    """Left alone, it would go on for a minute."""
    started = time.monotonic()
    assert refused(tmp_path, graphs.slow(layers=2_000, width=1_024)).reason is RefusalReason.TOO_SLOW
    assert time.monotonic() - started < 20


def test_a_model_that_the_runtime_optimises_to_another_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lying(ScoringModel):
        def score(self, values: Matrix) -> list[float]:
            return [each + 0.01 for each in super().score(values)]

    monkeypatch.setattr(dry_run, "ScoringModel", Lying)
    assert refused(tmp_path, graphs.stump()).reason is RefusalReason.SCORES


def test_a_damaged_model_is_refused_or_answers_probabilities(tmp_path: Path, artifact: ModelArtifact) -> None:
    chance = np.random.default_rng(4)
    small = graphs.stump().SerializeToString()
    for place, value in chance.integers(0, [len(small), 256], (150, 2)).tolist():
        damaged = bytearray(small)
        damaged[place] = value
        try:
            found = looked_at(tmp_path, bytes(damaged))
        except RefusedModelError:
            continue
        rows = matrix_of([{"a": 1.0}, {}], found.signature.features)
        assert len(ScoringModel(bytes(damaged), found.signature).score(rows)) == 2


def test_a_refusal_crosses_from_one_process_to_another() -> None:
    error = pickle.loads(pickle.dumps(RefusedModelError(RefusalReason.TOO_SLOW, "words")))
    assert (error.reason, error.words, str(error)) == (RefusalReason.TOO_SLOW, "words", "words")


def test_what_serves_imports_neither_xgboost_nor_onnx_and_the_room_imports_nothing() -> None:
    script = (
        "import sys, services.fraud.models as room\n"
        "heavy = lambda: sorted({'numpy', 'onnx', 'onnxruntime', 'scipy', 'xgboost'} & set(sys.modules))\n"
        "print(heavy())\n"
        "from services.fraud.models import artifact, drift, golden, reasons, serving\n"
        "print(heavy())"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["[]", "['numpy', 'onnxruntime']"]


def test_what_no_look_at_shapes_finds_is_stopped_by_the_limits_of_a_process(tmp_path: Path) -> None:
    """A shape that is computed from the rows themselves, and then multiplied to four terabytes."""
    hidden = graph(
        [
            node("Mul", ["x", "nothing"], ["zeros"]),
            node("ReduceMax", ["zeros"], ["zero"], keepdims=0),
            node("Cast", ["zero"], ["whole"], to=TensorProto.INT64),
            node("Add", ["whole", "one"], ["last"]),
            node("Concat", ["rest", "last"], ["shape"], axis=0),
            node("Reshape", ["long", "shape"], ["tall"]),
            node("Mul", ["tall", "wide"], ["square"]),
            node("ReduceMax", ["square"], ["most"], keepdims=0),
            node("ReduceMax", ["x"], ["m"], axes=[1]),
            node("Mul", ["m", "most"], ["n"]),
            node("Sigmoid", ["n"], ["p"]),
        ],
        weights=[
            graphs.floats("nothing", [0.0]),
            graphs.floats("long", np.zeros(1_000_000)),
            graphs.floats("wide", np.zeros((1, 1_000_000))),
            *graphs.constants({"one": np.ones(1, np.int64), "rest": np.full(1, -1)}),
        ],
    )
    path = written(tmp_path, hidden)
    script = (
        "import sys; from pathlib import Path\n"
        "from services.fraud.models.failures import RefusedModelError\n"
        "from services.fraud.models.inspection import inspect\n"
        "try: inspect(Path(sys.argv[1]), ('a', 'b', 'c'))\n"
        "except RefusedModelError as error: print(error.reason.value)\n"
    )
    limit = 4 << 30
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert done.stdout.strip() == "not_runnable", done.stderr
