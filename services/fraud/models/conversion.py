"""Writes a forest and its calibration as one ONNX graph: a matrix of features in, a probability out.

Both compare in 32 bits and send a value left that is less than the threshold, and a missing one where the node says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import onnx
from onnx import TensorProto, helper

from services.fraud.models.calibration import Calibration
from services.fraud.models.failures import ConversionError
from services.fraud.models.forest import Forest, SplitTree, forest_of
from services.fraud.models.signature import FEATURES_INPUT, PROBABILITY_OUTPUT

__all__ = ["convert"]

OPERATORS = 17
TREE_OPERATORS = 3
FORM = 8
"""Version of ONNX's own form, that of operators 17."""
_ML = "ai.onnx.ml"


class _Node(NamedTuple):
    tree: int
    number: int
    feature: int
    value: float
    left: int
    right: int
    missing_left: bool


def convert(booster: bytes, calibration: Calibration, names: Sequence[str]) -> bytes:
    """Returns the ONNX model of a booster. Raises ConversionError for one that cannot be converted."""
    forest = forest_of(booster)
    if forest.features != len(names):
        raise ConversionError(f"the model has {forest.features} features, not {len(names)}")
    graph = helper.make_graph(
        [_trees_node(forest), *_probability_nodes(calibration)],
        "fraud",
        [helper.make_tensor_value_info(FEATURES_INPUT, TensorProto.FLOAT, [None, len(names)])],
        [helper.make_tensor_value_info(PROBABILITY_OUTPUT, TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", OPERATORS), helper.make_opsetid(_ML, TREE_OPERATORS)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=FORM, producer_name="rampart")
    helper.set_model_props(model, {"features": json.dumps(list(names))})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _trees_node(forest: Forest) -> onnx.NodeProto:
    nodes = [node for number, tree in enumerate(forest.trees) for node in _nodes(number, tree)]
    leaves = [node for node in nodes if node.left == -1]
    modes = ["LEAF" if node.left == -1 else "BRANCH_LT" for node in nodes]
    splits = [node._replace(value=0.0, left=0, right=0) if node.left == -1 else node for node in nodes]
    return helper.make_node(
        "TreeEnsembleRegressor",
        [FEATURES_INPUT],
        ["margin"],
        domain=_ML,
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=[forest.base],
        nodes_treeids=[node.tree for node in splits],
        nodes_nodeids=[node.number for node in splits],
        nodes_featureids=[node.feature for node in splits],
        nodes_modes=modes,
        nodes_values=[node.value for node in splits],
        nodes_truenodeids=[node.left for node in splits],
        nodes_falsenodeids=[node.right for node in splits],
        nodes_missing_value_tracks_true=[int(node.missing_left) for node in splits],
        target_treeids=[node.tree for node in leaves],
        target_nodeids=[node.number for node in leaves],
        target_ids=[0] * len(leaves),
        target_weights=[node.value for node in leaves],
    )


def _nodes(number: int, tree: SplitTree) -> Iterator[_Node]:
    """Yields the nodes that are reached from the root; pruning leaves others behind."""
    ahead = [0]
    while ahead:
        node = ahead.pop()
        left, right = tree.left[node], tree.right[node]
        yield _Node(number, node, tree.features[node], tree.values[node], left, right, tree.missing_left[node])
        if left != -1:
            ahead += right, left


def _probability_nodes(calibration: Calibration) -> Iterator[onnx.NodeProto]:
    """Yields what makes the calibrated probability of the margin."""
    yield _constant("offset", calibration.offset)
    yield _constant("low", calibration.low)
    if calibration.low == calibration.high:
        yield helper.make_node("Mul", ["margin", "low"], ["scaled"])
    else:
        yield _constant("high", calibration.high)
        yield helper.make_node("Neg", ["margin"], ["negative"])
        yield helper.make_node("Softplus", ["negative"], ["against"])
        yield helper.make_node("Softplus", ["margin"], ["towards"])
        yield helper.make_node("Mul", ["against", "low"], ["below"])
        yield helper.make_node("Mul", ["towards", "high"], ["above"])
        yield helper.make_node("Sub", ["above", "below"], ["scaled"])
    yield helper.make_node("Add", ["scaled", "offset"], ["odds"])
    yield helper.make_node("Sigmoid", ["odds"], [PROBABILITY_OUTPUT])


def _constant(name: str, value: float) -> Any:
    return helper.make_node("Constant", [], [name], value_float=value)
