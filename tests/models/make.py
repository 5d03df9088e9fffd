"""Makes the small models that tests run: `python tests/models/make.py` (needs onnx and numpy).

They are made by hand, not trained, so that what they must answer is known:

request.onnx     request view; sigmoid(8 · top_tautology + 4 · top_sqli - 4)
characters.onnx  characters view; sigmoid(quotes - 1.5), over all bytes
classes.onnx     request view; three outputs: 0.5, top_sqli, top_xss
nothing.onnx     request view; answers NaN for what is not zero
flow.onnx        flow view; sigmoid(4 · syn_flag_count - 4), so from the second request on a connection above a half
gate.onnx        4,096 weights, all 0.01, and a bias of -2
"""

import pathlib
import re

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
TEXT = (HERE / "../../docs/FEATURES.md").read_text()


def columns(view):
    """Names of a view's columns, with their numbers."""
    part = TEXT.split(f"## View `{view}`\n")[1].split("\n## ")[0]
    return {name: int(at) for at, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", part, re.M)}


COLUMNS, FLOW = columns("request"), columns("flow")


def model(name, nodes, inputs, output, constants):
    initializers = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, inputs, [output], initializers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    (HERE / f"{name}.onnx").write_bytes(made.SerializeToString())


def floats(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def weights(*outputs, of=COLUMNS):
    matrix = np.zeros((len(of), len(outputs)), np.float32)
    for at, named in enumerate(outputs):
        for name, weight in named.items():
            matrix[of[name], at] = weight
    return matrix


ROW = floats("input", ["N", len(COLUMNS)])
model(
    "request",
    [helper.make_node("Gemm", ["input", "w", "b"], ["x"]), helper.make_node("Sigmoid", ["x"], ["output"])],
    [ROW],
    floats("output", ["N", 1]),
    {"w": weights({"top_tautology": 8, "top_sqli": 4}), "b": np.array([-4], np.float32)},
)
model(
    "flow",
    [helper.make_node("Gemm", ["input", "w", "b"], ["x"]), helper.make_node("Sigmoid", ["x"], ["output"])],
    [floats("input", ["N", len(FLOW)])],
    floats("output", ["N", 1]),
    {"w": weights({"syn_flag_count": 4}, of=FLOW), "b": np.array([-4], np.float32)},
)
model(
    "classes",
    [helper.make_node("Gemm", ["input", "w", "b"], ["output"])],
    [ROW],
    floats("output", ["N", 3]),
    {"w": weights({}, {"top_sqli": 1}, {"top_xss": 1}), "b": np.array([0.5, 0, 0], np.float32)},
)
model(
    "nothing",
    [
        helper.make_node("ReduceSum", ["input", "axes"], ["sum"], keepdims=1),
        helper.make_node("Neg", ["sum"], ["negative"]),
        helper.make_node("Sqrt", ["negative"], ["output"]),
    ],
    [ROW],
    floats("output", ["N", 1]),
    {"axes": np.array([1], np.int64)},
)
model(
    "characters",
    [
        helper.make_node("Cast", ["input"], ["whole"], to=TensorProto.INT32),
        helper.make_node("Equal", ["whole", "quote"], ["quotes"]),
        helper.make_node("Cast", ["quotes"], ["ones"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["ones", "axes"], ["count"], keepdims=0),
        helper.make_node("Sub", ["count", "half"], ["x"]),
        helper.make_node("Sigmoid", ["x"], ["output"]),
    ],
    [helper.make_tensor_value_info("input", TensorProto.UINT8, ["N", 3, 256])],
    floats("output", ["N"]),
    {"quote": np.array(39, np.int32), "axes": np.array([1, 2], np.int64), "half": np.array(1.5, np.float32)},
)
model(
    "gate",
    [
        helper.make_node("Gather", ["weight", "columns"], ["picked"]),
        helper.make_node("Mul", ["picked", "values"], ["parts"]),
        helper.make_node("ReduceSum", ["parts", "axes"], ["sum"], keepdims=1),
        helper.make_node("Add", ["sum", "bias"], ["logit"]),
    ],
    [helper.make_tensor_value_info("columns", TensorProto.INT64, ["K"]), floats("values", ["K"])],
    floats("logit", [1]),
    {
        "weight": np.full(4096, 0.01, np.float32),
        "bias": np.array([-2], np.float32),
        "axes": np.array([0], np.int64),
    },
)
