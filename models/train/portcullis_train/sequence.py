"""Members over a subject's last requests (LSTM, BiLSTM) and over a connection (isolation forest, 1-D CNN).

Tensors are those of docs/FEATURES.md: sequences float32 [N, 32, K], oldest first, padded with rows of 0 before the
first; flows float32 [N, F].
"""

import numpy as np
from onnx import TensorProto, helper

from portcullis_train.graph import features_input, model, score_output, tensor
from portcullis_train.nets import Log, flat_kernel, loss_of, modules, sigmoid, train_loop, unfold
from portcullis_train.outliers import Isolation
from portcullis_train.supervised import Member

STEPS = 32
# ONNX wants the gates of a cell in the order i, o, f, c.
GATES = 4




class Scaled(Member):
    """What nets over tables share: scaling by the training part, the loop, batches for answers."""

    group, needs_gate, log_folder, both = "neural", False, None, False

    def fit(self, train, dev):
        axes = tuple(range(train.values.ndim - 1))
        self.mean = train.values.mean(axes, dtype=np.float64).astype(np.float32)
        spread = train.values.std(axes, dtype=np.float64)
        self.spread = np.where(spread > 1e-6, spread, 1.0).astype(np.float32)
        self.width = train.values.shape[-1]
        scaled = [type(part)(self.scale(part.values), part.labels, part.weights) for part in (train, dev)]
        self.state = train_loop(self, *scaled, Log(self.log_folder, self.name))
        return self

    def scale(self, values):
        return np.clip((values - self.mean) / self.spread, -6, 6).astype(np.float32)

    def loss(self, params, moving, x, y, w, key):
        _, jnp, _ = modules()
        return loss_of(self.forward(params, x, key), y, w, jnp), moving

    def logits(self, state, values):
        jax, _, _ = modules()
        if not hasattr(self, "compiled"):
            self.compiled = jax.jit(lambda weights, x: self.forward(weights, x))
        result = []
        for start in range(0, len(values), 512):
            chunk = values[start:start + 512]
            padded = np.concatenate([chunk, np.zeros((512 - len(chunk), *chunk.shape[1:]), chunk.dtype)])
            result.append(np.asarray(self.compiled(state["train"], padded))[: len(chunk)])
        return np.concatenate(result)

    def raw(self, values):
        return sigmoid(self.logits(self.state, self.scale(values)))

    def scaling(self):
        nodes = [helper.make_node("Sub", ["features", "mean"], ["centred"]), helper.make_node("Div", ["centred", "spread"], ["ratio"]), helper.make_node("Clip", ["ratio", "low", "high"], ["scaled"])]
        return nodes, [tensor("mean", self.mean, np.float32), tensor("spread", self.spread, np.float32), tensor("low", np.float32(-6)), tensor("high", np.float32(6)), tensor("flat", [-1], np.int64)]


class Lstm(Scaled):
    """One pass over the sequence; the last state speaks."""

    name, view, cost, weight = "lstm", "sequence", "deep", 0.0
    defaults = {"hidden": 16, "dropout": 0.1, "l2": 1e-4, "l1": 0.0, "rate": 5e-3, "batch": 128, "epochs": 20, "patience": 4}

    def initial(self, key):
        jax, jnp, _ = modules()
        size, ways = self.params["hidden"], 2 if self.both else 1
        keys = jax.random.split(key, 3)
        bound = 1 / np.sqrt(size)

        def uniform(key, shape):
            return jax.random.uniform(key, shape, minval=-bound, maxval=bound)
        # A forget gate that begins open lets gradients reach the first steps.
        bias = jnp.zeros((ways, GATES * size)).at[:, 2 * size:3 * size].set(1.0)
        return {"train": {"w": uniform(keys[0], (ways, GATES * size, self.width)), "r": uniform(keys[1], (ways, GATES * size, size)), "b": bias, "out": uniform(keys[2], (ways * size, 1)), "bias": jnp.zeros(1)}, "moving": []}

    def forward(self, w, x, key=None):
        jax, jnp, _ = modules()
        size = self.params["hidden"]

        def direction(index, steps):
            def cell(state, step):
                hidden, memory = state
                gates = step @ w["w"][index].T + hidden @ w["r"][index].T + w["b"][index]
                i, o, f, c = jnp.split(gates, GATES, axis=1)
                memory = jax.nn.sigmoid(f) * memory + jax.nn.sigmoid(i) * jnp.tanh(c)
                hidden = jax.nn.sigmoid(o) * jnp.tanh(memory)
                return (hidden, memory), None
            zero = jnp.zeros((x.shape[0], size))
            return jax.lax.scan(cell, (zero, zero), steps)[0][0]
        steps = jnp.transpose(x, (1, 0, 2))
        state = direction(0, steps)
        if self.both:
            state = jnp.concatenate([state, direction(1, steps[::-1])], axis=1)
        if key is not None:
            keep = 1 - self.params["dropout"]
            state = jnp.where(jax.random.bernoulli(key, keep, state.shape), state / keep, 0)
        return (state @ w["out"] + w["bias"])[:, 0]

    def to_onnx(self):
        w, size = self.state["train"], self.params["hidden"]
        ways = 2 if self.both else 1
        nodes, initializers = self.scaling()
        nodes += [helper.make_node("Transpose", ["scaled"], ["steps"], perm=[1, 0, 2]), helper.make_node("LSTM", ["steps", "w", "r", "b"], ["", "last"], hidden_size=size, direction="bidirectional" if self.both else "forward"),
                  helper.make_node("Transpose", ["last"], ["ways"], perm=[1, 0, 2]), helper.make_node("Reshape", ["ways", "vector"], ["state"]), helper.make_node("Gemm", ["state", "out", "bias"], ["logit"]), helper.make_node("Sigmoid", ["logit"], ["p"]), helper.make_node("Reshape", ["p", "flat"], ["score"])]
        bias = np.concatenate([w["b"], np.zeros_like(w["b"])], axis=1)
        initializers += [tensor("w", w["w"], np.float32), tensor("r", w["r"], np.float32), tensor("b", bias, np.float32), tensor("vector", [-1, ways * size], np.int64), tensor("out", w["out"], np.float32), tensor("bias", w["bias"], np.float32)]
        return model(nodes, [("features", TensorProto.FLOAT, ["N", STEPS, self.width])], score_output(), initializers, self.name, ml=False)


class BiLstm(Lstm):
    """Both ways over the sequence."""

    name, both, weight = "bilstm", True, 40.0


class FlowIsolation(Isolation):
    """The second isolation forest, over the figures of a connection. Weight 0: its false alarms are measured on simulated
    clients, and networks differ more than requests do."""

    name, view, cost, weight, needs_gate = "flow-isolation-forest", "flow", "deep", 0.0, False
    defaults = {**Isolation.defaults, "sample": 256}

    def choose(self, _names):
        return self


class FlowNet(Scaled):
    """A 1-D convolution over the figures of a connection in their order, in which related ones are neighbours."""

    name, view, cost, weight = "flow-cnn", "flow", "deep", 0.0
    defaults = {"first": 16, "second": 16, "dropout": 0.1, "l2": 1e-4, "l1": 0.0, "rate": 3e-3, "batch": 256, "epochs": 20, "patience": 4}

    def initial(self, key):
        jax, jnp, _ = modules()
        p, keys = self.params, jax.random.split(key, 3)

        def normal(key, shape, inputs):
            return jax.random.normal(key, shape) * np.sqrt(2 / inputs)
        return {"train": {"c1": normal(keys[0], (p["first"], 1, 5), 5), "b1": jnp.zeros(p["first"]), "c2": normal(keys[1], (p["second"], p["first"], 3), 3 * p["first"]), "b2": jnp.zeros(p["second"]),
                          "out": 0.2 * normal(keys[2], (p["second"] * self.width, 1), p["second"] * self.width), "bias": jnp.zeros(1)}, "moving": []}

    def forward(self, w, x, key=None):
        jax, jnp, _ = modules()
        one = jax.nn.relu(unfold(jnp, x[:, :, None], 2) @ flat_kernel(jnp, w["c1"]) + w["b1"])
        two = jax.nn.relu(unfold(jnp, one, 1) @ flat_kernel(jnp, w["c2"]) + w["b2"])
        flat = jnp.transpose(two, (0, 2, 1)).reshape(x.shape[0], -1)
        if key is not None:
            keep = 1 - self.params["dropout"]
            flat = jnp.where(jax.random.bernoulli(key, keep, flat.shape), flat / keep, 0)
        return (flat @ w["out"] + w["bias"])[:, 0]

    def to_onnx(self):
        w = self.state["train"]
        nodes, initializers = self.scaling()
        nodes += [helper.make_node("Reshape", ["scaled", "channel"], ["line"]), helper.make_node("Conv", ["line", "c1", "b1"], ["conv1"], kernel_shape=[5], pads=[2, 2]), helper.make_node("Relu", ["conv1"], ["relu1"]),
                  helper.make_node("Conv", ["relu1", "c2", "b2"], ["conv2"], kernel_shape=[3], pads=[1, 1]), helper.make_node("Relu", ["conv2"], ["relu2"]), helper.make_node("Reshape", ["relu2", "vector"], ["state"]), helper.make_node("Gemm", ["state", "out", "bias"], ["logit"]),
                  helper.make_node("Sigmoid", ["logit"], ["p"]), helper.make_node("Reshape", ["p", "flat"], ["score"])]
        initializers += [tensor("channel", [-1, 1, self.width], np.int64), tensor("vector", [-1, self.params["second"] * self.width], np.int64), *(tensor(name, w[name], np.float32) for name in ("c1", "b1", "c2", "b2", "out", "bias"))]
        return model(nodes, features_input(self.width), score_output(), initializers, self.name, ml=False)
