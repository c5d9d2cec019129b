"""Reads the trees of an XGBoost model, from the bytes of either of its forms (JSON or UBJSON)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.fraud.models.dataset import LARGEST_VALUE
from services.fraud.models.failures import ConversionError
from services.fraud.models.ubjson import read_ubjson

__all__ = ["Forest", "SplitTree", "forest_of", "names_of"]

LOGISTIC = ("binary:logistic", "reg:logistic", "binary:logitraw")
"""What gives log-odds, whatever it makes of them afterwards."""


@dataclass(frozen=True, slots=True)
class SplitTree:
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

    trees: Sequence[SplitTree]
    base: float
    """What is added to the leaves."""
    features: int


def forest_of(booster: bytes) -> Forest:
    """Raises ConversionError for what is no XGBoost model of two kinds of rows, made of trees that split by numbers."""
    try:
        read = _read(booster)["learner"]
        trees, told = _trees_of(read), read["learner_model_param"]
        features, base = int(told["num_feature"]), str(told["base_score"])
        outputs = max(int(told.get("num_target", 1)), int(told["num_class"]))
    except ConversionError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ConversionError("no model of XGBoost that can be read") from error
    if outputs > 1:
        raise ConversionError("the model has several outputs")
    for tree in trees:
        _check(tree, features)
    return Forest(trees, _base_of(base), features)


def names_of(booster: bytes) -> Sequence[str]:
    """Returns the features that an XGBoost model names, none if it names none. Raises ConversionError."""
    try:
        names = _read(booster)["learner"].get("feature_names", [])
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ConversionError("no model of XGBoost that can be read") from error
    return [str(each) for each in names] if isinstance(names, list) else []


def _read(booster: bytes) -> dict[str, Any]:
    """Either form begins with a brace; in JSON a quotation mark follows, in UBJSON the kind of a length."""
    read = json.loads(booster) if booster[1:].lstrip()[:1] in (b'"', b"}") else read_ubjson(booster)
    return dict(read)


def _trees_of(learner: dict[str, Any]) -> Sequence[SplitTree]:
    objective, booster = learner["objective"]["name"], learner["gradient_booster"]["name"]
    if objective not in LOGISTIC:
        raise ConversionError(f"the objective {objective} gives no probability of one thing")
    if booster != "gbtree":
        raise ConversionError(f"a booster of the kind {booster} is not made of plain trees")
    return [_tree_of(each) for each in learner["gradient_booster"]["model"]["trees"]]


def _tree_of(read: dict[str, Any]) -> SplitTree:
    if any(read.get("split_type", ())):
        raise ConversionError("a split by categories cannot be converted")
    tree = SplitTree(
        [int(each) for each in read["left_children"]],
        [int(each) for each in read["right_children"]],
        [int(each) for each in read["split_indices"]],
        _short(read["split_conditions"]),
        [bool(each) for each in read["default_left"]],
    )
    if len({len(tree.left), len(tree.right), len(tree.features), len(tree.values), len(tree.missing_left)}) != 1:
        raise ConversionError("the columns of a tree have different lengths")
    return tree


def _short(values: Sequence[float]) -> Sequence[float]:
    """Returns the numbers with 32 bits, in which they are compared, as JSON tells them."""
    with np.errstate(over="ignore"):
        short: list[float] = np.array(values, np.float32).tolist()
    return short


def _check(tree: SplitTree, features: int) -> None:
    """Refuses nodes that are reached twice or are not there, and numbers that are none."""
    reached, ahead, nodes = set(), [0], range(len(tree.left))
    while ahead:
        node = ahead.pop()
        if node not in nodes or node in reached or not abs(tree.values[node]) <= LARGEST_VALUE:
            raise ConversionError("the nodes of a tree do not fit together")
        reached.add(node)
        if tree.left[node] == -1:
            continue
        if tree.features[node] not in range(features):
            raise ConversionError("a tree asks for a feature that the model does not have")
        ahead += tree.left[node], tree.right[node]


def _base_of(text: str) -> float:
    """Returns the log-odds of the base score: a probability, since XGBoost 3.1 as a list of one."""
    try:
        probability = float(text.strip("[]"))
    except ValueError:
        probability = -1.0
    if not 0 < probability < 1:
        raise ConversionError(f"the base score {text} is no probability")
    return math.log(probability / (1 - probability))
