"""Small ONNX graphs by hand, and the check that one computes what was trained."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET, ML_OPSET, IR = 17, 5, 10
TOLERANCE = 1e-5


class ParityError(AssertionError):
    """A graph computes something else than the model it was written from."""


def tensor(name, array, dtype=None):
    return numpy_helper.from_array(np.ascontiguousarray(array, dtype=dtype), name)


def model(nodes, inputs, outputs, initializers, name, ml=True):
    """A checked model. `inputs` and `outputs` are (name, element type, shape)."""
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info(*item) for item in inputs], [helper.make_tensor_value_info(*item) for item in outputs], initializers)
    opsets = [helper.make_opsetid("", OPSET)] + ([helper.make_opsetid("ai.onnx.ml", ML_OPSET)] if ml else [])
    made = helper.make_model(graph, opset_imports=opsets, producer_name="portcullis-train", ir_version=IR)
    onnx.checker.check_model(made)
    return made


def features_input(count):
    return [("features", TensorProto.FLOAT, ["N", count])]


def score_output(name="score"):
    return [(name, TensorProto.FLOAT, ["N"])]


def session(source):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    data = source if isinstance(source, (bytes, str)) else source.SerializeToString() if hasattr(source, "SerializeToString") else str(source)
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def infer(source, *arrays):
    """The single output of a model for its inputs in order."""
    running = source if isinstance(source, onnxruntime.InferenceSession) else session(source)
    return running.run(None, {item.name: array for item, array in zip(running.get_inputs(), arrays)})[0]


def check_parity(made, arrays, expected, name, tolerance=TOLERANCE):
    """The largest difference between the graph and the model, of outputs beyond 1 in relation to them (a logit of 30 has
    five digits behind its point in float32); more than the tolerance is an error."""
    got, expected = infer(made, *arrays).reshape(np.shape(expected)), np.asarray(expected, np.float64)
    worst = float(np.max(np.abs(got.astype(np.float64) - expected) / np.maximum(1.0, np.abs(expected)))) if len(got) else 0.0
    if not np.isfinite(got).all() or worst > tolerance:
        raise ParityError(f"{name}: ONNX Runtime differs from the trained model by {worst:.2e}, allowed are {tolerance:.0e}")
    return worst
