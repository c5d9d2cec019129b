"""ONNX files as others might bring them: sound ones, broken ones, hostile ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WIDTH = 3
NAMES = ("a", "b", "c")
OPSETS = (("", 17), ("ai.onnx.ml", 3))
FLOAT = TensorProto.FLOAT


def floats(name: str, values: Any) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.float32), name)


def takes(name: str = "x", shape: Sequence[int | str | None] = (None, WIDTH), kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], **more: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, outputs, **more)


def graph(
    nodes: Sequence[onnx.NodeProto],
    *,
    inputs: Sequence[Any] | None = None,
    outputs: Sequence[Any] | None = None,
    weights: Sequence[TensorProto] = (),
    opsets: Sequence[tuple[str, int]] = OPSETS,
) -> onnx.ModelProto:
    """Returns a model that is not checked in any way."""
    made = helper.make_graph(
        nodes,
        "brought",
        [takes()] if inputs is None else inputs,
        [takes("p", (None, 1))] if outputs is None else outputs,
        weights,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid(*each) for each in opsets], ir_version=8)


def logistic(weights: Any = (0.5, -0.2, 0.1), nodes: Sequence[onnx.NodeProto] = ()) -> onnx.ModelProto:
    """Returns a regression, with other nodes before its own."""
    column = floats("w", np.array(weights, np.float32).reshape(-1, 1) * np.float32(1e-3))
    return graph(
        [*nodes, node("MatMul", ["x", "w"], ["m"]), node("Sigmoid", ["m"], ["p"])],
        weights=[column, floats("one", [1.0])],
    )


def after(*nodes: onnx.NodeProto, weights: Sequence[TensorProto] = ()) -> onnx.ModelProto:
    """Returns a regression whose margin passes through other nodes, from "m" to "n", before the last."""
    return graph(
        [node("MatMul", ["x", "w"], ["m"]), *nodes, node("Sigmoid", ["n"], ["p"])],
        weights=[floats("w", [[1e-7]] * WIDTH), *weights],
    )


def columns(names: Sequence[str] = NAMES, shape: Sequence[int | None] = (None, 1)) -> onnx.ModelProto:
    """Returns a model with an input for each feature."""
    return graph(
        [node("Sum", list(names), ["m"]), node("Sigmoid", ["m"], ["p"])], inputs=[takes(each, shape) for each in names]
    )


def stump(**changed: Any) -> onnx.ModelProto:
    """Returns one tree of one split."""
    told = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [1, 0, 0],
        "nodes_modes": ["BRANCH_LT", "LEAF", "LEAF"],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_missing_value_tracks_true": [1, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [0.1, 0.9],
        "n_targets": 1,
        **changed,
    }
    return graph([node("TreeEnsembleRegressor", ["x"], ["p"], domain="ai.onnx.ml", **told)])


def classifier() -> onnx.ModelProto:
    """Returns what scikit-learn's converter makes of a logistic regression: a label, and a probability of each kind."""
    told = {"coefficients": [-0.001] * WIDTH + [0.001] * WIDTH, "intercepts": [0.1, -0.1], "classlabels_ints": [0, 1]}
    regression = node("LinearClassifier", ["x"], ["label", "odds"], domain="ai.onnx.ml", post_transform="NONE", **told)
    outputs = [takes("label", (None,), TensorProto.INT64), takes("p", (None, 2))]
    return graph([regression, node("Softmax", ["odds"], ["p"], axis=1)], outputs=outputs)


def external(location: str) -> onnx.ModelProto:
    model = logistic()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", location
    return model


def claiming(shape: Sequence[int], kind: int = FLOAT) -> TensorProto:
    """Returns weights that claim a shape and have no numbers."""
    return TensorProto(name="big", data_type=kind, dims=shape)


def looping(times: int) -> onnx.ModelProto:
    """Returns a graph that does a little so many times."""
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Sin", ["v"], ["w2"])],
        "body",
        [takes("i", (), TensorProto.INT64), takes("go", (), TensorProto.BOOL), takes("v", (None, 1))],
        [takes("on", (), TensorProto.BOOL), takes("w2", (None, 1))],
    )
    count = numpy_helper.from_array(np.array(times, np.int64), "count")
    yes = numpy_helper.from_array(np.array(True), "yes")
    return after(node("Loop", ["count", "yes", "m"], ["n"], body=body), weights=[count, yes])


def slow(layers: int, width: int) -> onnx.ModelProto:
    """Returns layers that share their weights: a small file and much work."""
    links = [node("MatMul", [f"l{i}", "square"], [f"l{i + 1}"]) for i in range(layers)]
    return graph(
        [
            node("MatMul", ["x", "in"], ["l0"]),
            *links,
            node("MatMul", [f"l{layers}", "out"], ["m"]),
            node("Sigmoid", ["m"], ["p"]),
        ],
        weights=[
            floats("in", np.full((WIDTH, width), 1e-9)),
            floats("square", np.full((width, width), 1 / width)),
            floats("out", np.full((width, 1), 1e-9)),
        ],
    )


def outer(count: int) -> onnx.ModelProto:
    """Returns two short weights that are multiplied to a huge matrix."""
    long = np.zeros(count, np.float32)
    return after(
        node("Mul", ["tall", "wide"], ["square"]),
        node("ReduceMax", ["square"], ["most"], keepdims=0),
        node("Add", ["m", "most"], ["n"]),
        weights=[floats("tall", long[:, None]), floats("wide", long[None])],
    )


def chain(depth: int, **changed: Any) -> onnx.ModelProto:
    """Returns a tree that goes ever deeper on one side."""
    count = 2 * depth + 1
    splits = range(depth)
    leaves = [0] * (depth + 1)
    return stump(
        nodes_treeids=[0] * count,
        nodes_nodeids=list(range(count)),
        nodes_featureids=[0] * count,
        nodes_modes=["BRANCH_LT"] * depth + ["LEAF"] * (depth + 1),
        nodes_values=[float(-i) for i in splits] + [0.0] * (depth + 1),
        nodes_truenodeids=[i + 1 for i in splits] + leaves,
        nodes_falsenodeids=[2 * depth - i for i in splits] + leaves,
        nodes_missing_value_tracks_true=[0] * count,
        target_treeids=leaves,
        target_nodeids=list(range(depth, count)),
        target_ids=leaves,
        target_weights=[0.5] * (depth + 1),
        **changed,
    )


def with_function() -> onnx.ModelProto:
    model = after(node("Twice", ["m"], ["n"], domain="own"))
    twice = helper.make_function("own", "Twice", ["v"], ["w2"], [node("Add", ["v", "v"], ["w2"])], model.opset_import)
    model.functions.append(twice)
    model.opset_import.append(helper.make_opsetid("own", 1))
    return model


def replacing() -> onnx.ModelProto:
    """Returns a graph with a function by the name of a plain operator."""
    model = after(node("Relu", ["m"], ["n"]))
    body = [node("Loop", ["v"], ["w2"])]
    model.functions.append(helper.make_function("", "Relu", ["v"], ["w2"], body, model.opset_import))
    return model


def referring() -> onnx.ModelProto:
    """Returns a graph with an attribute whose value is that of a function which is not there."""
    model = after(node("LeakyRelu", ["m"], ["n"], alpha=0.1))
    model.graph.node[1].attribute[0].ref_attr_name = "slope"
    return model


def ladder(depth: int) -> onnx.ModelProto:
    """Returns a tree both sides of whose splits are the same next one: there are 2^depth ways to the only leaf."""
    steps = [*range(1, depth + 1), 0]
    return stump(
        nodes_treeids=[0] * (depth + 1),
        nodes_nodeids=list(range(depth + 1)),
        nodes_featureids=[0] * (depth + 1),
        nodes_modes=["BRANCH_LT"] * depth + ["LEAF"],
        nodes_values=[0.0] * (depth + 1),
        nodes_truenodeids=steps,
        nodes_falsenodeids=steps,
        nodes_missing_value_tracks_true=[0] * (depth + 1),
        target_treeids=[0],
        target_nodeids=[depth],
        target_ids=[0],
        target_weights=[0.5],
    )


def written(folder: Path, model: onnx.ModelProto | bytes) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def constants(values: Mapping[str, NDArray[np.int64]]) -> Sequence[TensorProto]:
    return [numpy_helper.from_array(np.asarray(value, np.int64), name) for name, value in values.items()]
