"""What a graph that somebody brought may consist of: operators whose work follows from the size of their inputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from services.fraud.models.failures import RefusalReason, RefusedModelError

__all__ = ["DOMAINS", "MOST_NODES", "OPERATORS", "check_operators", "check_tensor"]

DOMAINS = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml"}
"""Names of the two domains; the first has two."""
MOST_NODES = 5_000
MOST_INPUTS = 4_096
_STANDARD = (
    "Abs Add And ArgMax BatchNormalization Cast Clip Concat Constant Div Elu Equal Erf Exp Flatten Floor Gather Gemm "
    "Greater GreaterOrEqual Identity IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul "
    "Max Min Mul Neg Not Or Pow ReduceMax ReduceMean ReduceMin ReduceSum Reciprocal Relu Reshape Selu Shape Sigmoid "
    "Sign Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Transpose Unsqueeze Where"
)
_LEARNED = (
    "ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LinearClassifier LinearRegressor Normalizer Scaler "
    "TreeEnsembleClassifier TreeEnsembleRegressor"
)
OPERATORS = {"": frozenset(_STANDARD.split()), "ai.onnx.ml": frozenset(_LEARNED.split())}
"""None that makes much of little (Expand, Tile, Range), repeats (Loop, Scan), reads or writes elsewhere, or draws."""
_TYPES = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.BOOL,
    TensorProto.UNDEFINED,
)
_ATTRIBUTES = (
    AttributeProto.FLOAT,
    AttributeProto.INT,
    AttributeProto.STRING,
    AttributeProto.TENSOR,
    AttributeProto.FLOATS,
    AttributeProto.INTS,
    AttributeProto.STRINGS,
)


def check_operators(model: onnx.ModelProto) -> None:
    """Raises RefusedModelError for anything in the graph that is not on the list, and for weights that are none."""
    if model.functions:
        raise RefusedModelError(RefusalReason.FOREIGN_OPERATOR, "functions of the model's own are not run")
    if model.training_info:
        raise RefusedModelError(RefusalReason.FOREIGN_OPERATOR, "the model has graphs for its training")
    strange = sorted({each.domain for each in model.opset_import} - set(DOMAINS))
    if strange:
        raise RefusedModelError(RefusalReason.FOREIGN_OPERATOR, f"operators of the domain {strange[0]!r} are not run")
    if len(model.graph.node) > MOST_NODES:
        raise RefusedModelError(RefusalReason.TOO_LARGE, f"the graph has more than {MOST_NODES:,} nodes")
    if model.graph.sparse_initializer:
        raise RefusedModelError(RefusalReason.WEIGHTS, "sparse weights are not read")
    for tensor in model.graph.initializer:
        check_tensor(tensor)
    for node in model.graph.node:
        _check_node(node)


def check_tensor(tensor: TensorProto) -> None:
    """Raises RefusedModelError for weights that lie elsewhere, are cut short, or are no numbers."""
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise RefusedModelError(RefusalReason.EXTERNAL_DATA, f"the weights {tensor.name!r} lie in another file")
    if tensor.data_type not in _TYPES:
        raise RefusedModelError(RefusalReason.WEIGHTS, f"the weights {tensor.name!r} are of a type that is not read")
    if any(length < 0 for length in tensor.dims):
        raise RefusedModelError(RefusalReason.WEIGHTS, f"the weights {tensor.name!r} have a negative length")
    try:
        values = numpy_helper.to_array(tensor)
    except Exception as error:
        raise RefusedModelError(
            RefusalReason.WEIGHTS, f"the weights {tensor.name!r} do not have the shape that they claim"
        ) from error
    if values.dtype.kind == "f" and bool(np.isnan(values).any()):
        raise RefusedModelError(RefusalReason.WEIGHTS, f"the weights {tensor.name!r} contain what is no number")


def _check_node(node: onnx.NodeProto) -> None:
    domain = DOMAINS.get(node.domain)
    if domain is None or node.op_type not in OPERATORS[domain]:
        hint = "; export the model without it" if node.op_type == "ZipMap" else ""
        raise RefusedModelError(RefusalReason.FOREIGN_OPERATOR, f"the operator {node.op_type!r} is not run{hint}")
    if max(len(node.input), len(node.output)) > MOST_INPUTS:
        raise RefusedModelError(RefusalReason.TOO_LARGE, f"a node has more than {MOST_INPUTS:,} inputs or outputs")
    for attribute in node.attribute:
        if attribute.type not in _ATTRIBUTES or attribute.ref_attr_name:
            words = f"the operator {node.op_type!r} has the attribute {attribute.name!r} of a kind that is not run"
            raise RefusedModelError(RefusalReason.FOREIGN_OPERATOR, words)
        if attribute.type == AttributeProto.TENSOR:
            check_tensor(attribute.t)
        # An imputer may be told to replace what is no number.
        elif node.op_type != "Imputer" and any(np.isnan(value) for value in _floats(attribute)):
            words = f"the operator {node.op_type!r} has numbers that are none in {attribute.name!r}"
            raise RefusedModelError(RefusalReason.WEIGHTS, words)


def _floats(attribute: AttributeProto) -> Iterator[float]:
    if attribute.type == AttributeProto.FLOAT:
        yield attribute.f
    yield from attribute.floats
