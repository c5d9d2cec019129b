"""Reads the trees of an XGBoost model, from the bytes of either of its forms (JSON or UBJSON)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xgboost

from services.fraud.models.failures import ConversionError

__all__ = ["Forest", "Tree", "forest_of"]

LOGISTIC = ("binary:logistic", "reg:logistic", "binary:logitraw")
"""What gives log-odds, whatever it makes of them afterwards."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes by number, the root first. A value below the threshold goes left, a missing one where it says."""

    left: Sequence[int]
    """-1 for a leaf."""
    right: Sequence[int]
    features: Sequence[int]
    values: Sequence[float]
    """The threshold of a split; what a leaf adds."""
    missing_left: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose leaves add up to the log-odds of fraud."""

    trees: Sequence[Tree]
    base: float
    """What is added to the leaves."""
    features: int


def forest_of(booster: bytes) -> Forest:
    """Raises ConversionError for what is no XGBoost model of two kinds of rows, made of trees that split by numbers."""
    try:
        loaded = xgboost.Booster(model_file=bytearray(booster))
        read = json.loads(loaded.save_raw("json"))["learner"]
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise ConversionError("no model of XGBoost that can be read") from error
    objective, booster_name = read["objective"]["name"], read["gradient_booster"]["name"]
    if objective not in LOGISTIC:
        raise ConversionError(f"the objective {objective} gives no probability of one thing")
    if booster_name != "gbtree":
        raise ConversionError(f"a booster of the kind {booster_name} is not made of plain trees")
    told = read["learner_model_param"]
    if int(told.get("num_target", 1)) != 1 or int(told["num_class"]) > 1:
        raise ConversionError("the model has several outputs")
    features = int(told["num_feature"])
    trees = [_tree_of(each, features) for each in read["gradient_booster"]["model"]["trees"]]
    return Forest(trees, _base_of(told["base_score"]), features)


def _tree_of(read: dict[str, Any], features: int) -> Tree:
    if any(read["split_type"]):
        raise ConversionError("a split by categories cannot be converted")
    tree = Tree(
        read["left_children"],
        read["right_children"],
        read["split_indices"],
        read["split_conditions"],
        [bool(each) for each in read["default_left"]],
    )
    _check(tree, features)
    return tree


def _check(tree: Tree, features: int) -> None:
    """Refuses nodes that are reached twice or are not there, and numbers that are none."""
    reached, ahead, nodes = set(), [0], range(len(tree.left))
    while ahead:
        node = ahead.pop()
        if node not in nodes or node in reached or not math.isfinite(tree.values[node]):
            raise ConversionError("the nodes of a tree do not fit together")
        reached.add(node)
        if tree.left[node] == -1:
            continue
        if tree.features[node] not in range(features):
            raise ConversionError("a tree asks for a feature that the model does not have")
        ahead += tree.left[node], tree.right[node]


def _base_of(text: str) -> float:
    """Returns the log-odds of the base score: a probability, since XGBoost 3.1 as a list of one."""
    probability = float(text.strip("[]"))
    if not 0 < probability < 1:
        raise ConversionError(f"the base score {text} is no probability")
    return math.log(probability / (1 - probability))
