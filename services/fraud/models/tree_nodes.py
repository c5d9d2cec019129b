"""Checks the trees of an ONNX graph that somebody brought before a runtime walks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx

from services.fraud.models.failures import RefusalReason, RefusedModelError

__all__ = ["MOST_OUTPUTS", "check_trees"]

MOST_OUTPUTS = 100
DEEPEST = 64
"""Runtimes follow a tree by calls of themselves."""
_COLUMNS = ("nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids", "nodes_modes")
_LEAVES = {"TreeEnsembleRegressor": "target", "TreeEnsembleClassifier": "class"}
_Place = tuple[int, int]
"""A tree, and a node of it."""


def check_trees(model: onnx.ModelProto, features: int) -> None:
    """Raises RefusedModelError for trees with circles, loose ends, or features that the model does not have."""
    for node in model.graph.node:
        if node.op_type in _LEAVES:
            attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
            _check(attributes, _LEAVES[node.op_type], attributes.get("n_targets", 1), features)


def _check(told: Mapping[str, Sequence[Any]], leaves: str, targets: int, features: int) -> None:
    trees = told.get("nodes_treeids", ())
    columns = [told.get(name, ()) for name in _COLUMNS]
    if not trees or any(len(column) != len(trees) for column in columns):
        raise RefusedModelError(RefusalReason.WEIGHTS, "the columns of a forest have different lengths")
    if not all(0 <= feature < features for feature in told["nodes_featureids"]):
        raise RefusedModelError(RefusalReason.WEIGHTS, "a tree asks for a feature that the model does not have")
    if not all(0 <= each < MOST_OUTPUTS for each in (*told.get(f"{leaves}_ids", ()), targets - 1)):
        raise RefusedModelError(RefusalReason.TOO_LARGE, f"a forest has more than {MOST_OUTPUTS} outputs")
    children = {
        (tree, node): () if mode == b"LEAF" else ((tree, left), (tree, right))
        for tree, node, _, left, right, mode in zip(trees, *columns, strict=True)
    }
    if len(children) != len(trees):
        raise RefusedModelError(RefusalReason.WEIGHTS, "a node of a tree stands twice")
    _walk(children)


def _walk(children: Mapping[_Place, tuple[_Place, ...]]) -> None:
    """Follows every tree from its root: each node must be reached once, and none be missing or lie too deep."""
    below = [child for pair in children.values() for child in pair]
    if len(set(below)) != len(below) or not set(below) <= set(children):
        raise RefusedModelError(RefusalReason.WEIGHTS, "the nodes of a tree do not fit together")
    level, reached, depth = list(set(children) - set(below)), 0, 0
    if len(level) != len({tree for tree, _ in children}):
        raise RefusedModelError(RefusalReason.WEIGHTS, "the nodes of a tree go in a circle")
    while level:
        if depth > DEEPEST:
            raise RefusedModelError(RefusalReason.TOO_LARGE, f"a tree is deeper than {DEEPEST} splits")
        reached, depth = reached + len(level), depth + 1
        level = [child for node in level for child in children[node]]
    if reached != len(children):
        raise RefusedModelError(RefusalReason.WEIGHTS, "the nodes of a tree go in a circle")
