"""Neural members: feed-forward nets over tables, a character CNN over the most suspicious fields.

Trained with jax and optax on the processor, written as ONNX by hand. Batch norm and scaling are folded into the
weights, so that a served net is nothing but matrix products.
"""

import numpy as np
from onnx import TensorProto, helper

from portcullis_train.graph import features_input, model, score_output, tensor
from portcullis_train.supervised import Member


def modules():
    """jax and optax, which come with the extra `deep`."""
    import jax
    import optax
    return jax, jax.numpy, optax


class Log:
    """TensorBoard scalars, or nothing where no folder was named or the writer is not installed."""

    def __init__(self, folder, name):
        self.writer = None
        if folder:
            try:
                from tensorboardX import SummaryWriter
            except ImportError:
                return
            self.writer = SummaryWriter(f"{folder}/{name}")

    def add(self, step, **values):
        for key, value in values.items():
            if self.writer:
                self.writer.add_scalar(key, float(value), step)

    def close(self):
        if self.writer:
            self.writer.close()


def class_weights(labels):
    """Both classes weigh the same in all."""
    ones = max(1, int(labels.sum()))
    return np.where(labels == 1, len(labels) / (2 * ones), len(labels) / (2 * max(1, len(labels) - ones))).astype(np.float32)


def loss_of(logits, labels, weights, jnp):
    """Weighted cross-entropy from logits."""
    return jnp.mean(weights * (jnp.maximum(logits, 0) - logits * labels + jnp.log1p(jnp.exp(-jnp.abs(logits)))))


def train_loop(net, train, dev, log):
    """Epochs of Adam with early stopping on the loss of the dev part; returns the best parameters.

    `net` gives `initial(key)`, `loss(params, x, y, w, key)`, `predict(params, x)`, and its `params` of training.
    """
    jax, jnp, optax = modules()
    p, rng = net.params, np.random.default_rng(net.seed)
    steps = max(1, len(train.labels) // p["batch"])
    optimizer = optax.adamw(optax.warmup_cosine_decay_schedule(0.0, p["rate"], steps, steps * p["epochs"] + 1, p["rate"] * 0.02), weight_decay=p["l2"])
    state = net.initial(jax.random.PRNGKey(net.seed))
    optimizing = optimizer.init(state["train"])
    weights = class_weights(train.labels) * (1.0 if train.weights is None else train.weights.astype(np.float32))

    @jax.jit
    def step(state, optimizing, x, y, w, key):
        (value, moving), slope = jax.value_and_grad(net.loss, has_aux=True)(state["train"], state["moving"], x, y, w, key)
        updates, optimizing = optimizer.update(slope, optimizing, state["train"])
        return {"train": optax.apply_updates(state["train"], updates), "moving": moving}, optimizing, value

    best, best_loss, patience, key = state, np.inf, 0, jax.random.PRNGKey(net.seed + 1)
    for epoch in range(p["epochs"]):
        total = 0.0
        for batch in np.array_split(rng.permutation(len(train.labels))[: steps * p["batch"]], steps):
            key, now = jax.random.split(key)
            state, optimizing, value = step(state, optimizing, train.values[batch], train.labels[batch].astype(np.float32), weights[batch], now)
            total += float(value)
        logits = net.logits(state, dev.values)
        dev_loss = float(loss_of(logits, dev.labels, class_weights(dev.labels), np))
        log.add(epoch, train_loss=total / steps, dev_loss=dev_loss)
        if dev_loss < best_loss - 1e-4:
            best, best_loss, patience = state, dev_loss, 0
        else:
            patience += 1
            if patience >= p["patience"]:
                break
    log.close()
    return jax.tree_util.tree_map(np.asarray, best)


def sigmoid(values):
    return 1 / (1 + np.exp(-np.clip(np.asarray(values, np.float64), -60, 60)))


class Dense(Member):
    """A feed-forward net: layers with batch norm and dropout, L1 and L2."""

    group = "neural"
    defaults = {"layers": [64, 32], "dropout": 0.2, "l1": 1e-6, "l2": 1e-4, "rate": 2e-3, "batch": 512, "epochs": 25, "patience": 4}
    log_folder = None

    def fit(self, train, dev):
        self.mean = train.values.mean(0, dtype=np.float64)
        spread = train.values.std(0, dtype=np.float64)
        self.spread = np.where(spread > 1e-6, spread, 1.0)
        self.width = train.values.shape[1]
        scaled = [type(part)(self.scale(part.values), part.labels, part.weights) for part in (train, dev)]
        self.state = train_loop(self, *scaled, Log(self.log_folder, self.name))
        self.folded = self.fold()
        return self

    def scale(self, values):
        return np.clip((values - self.mean) / self.spread, -5, 5).astype(np.float32)

    def initial(self, key):
        jax, jnp, _ = modules()
        sizes = [self.width, *self.params["layers"]]
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            key, now = jax.random.split(key)
            layers.append({"w": jax.random.normal(now, (inputs, outputs)) * np.sqrt(2 / inputs), "scale": jnp.ones(outputs), "shift": jnp.zeros(outputs)})
        key, now = jax.random.split(key)
        return {"train": {"layers": layers, "w": jax.random.normal(now, (sizes[-1], 1)) * np.sqrt(1 / sizes[-1]), "b": jnp.zeros(1)}, "moving": [{"mean": jnp.zeros(size), "var": jnp.ones(size)} for size in sizes[1:]]}

    def loss(self, params, moving, x, y, w, key):
        jax, jnp, _ = modules()
        seen = []
        for layer, past in zip(params["layers"], moving):
            x = x @ layer["w"]
            mean, var = x.mean(0), x.var(0)
            seen.append({"mean": 0.95 * past["mean"] + 0.05 * jax.lax.stop_gradient(mean), "var": 0.95 * past["var"] + 0.05 * jax.lax.stop_gradient(var)})
            x = jax.nn.relu((x - mean) / jnp.sqrt(var + 1e-3) * layer["scale"] + layer["shift"])
            key, now = jax.random.split(key)
            keep = 1 - self.params["dropout"]
            x = jnp.where(jax.random.bernoulli(now, keep, x.shape), x / keep, 0)
        logits = (x @ params["w"] + params["b"])[:, 0]
        l1 = self.params["l1"] * sum(jnp.abs(layer["w"]).sum() for layer in params["layers"])
        return loss_of(logits, y, w, jnp) + l1, seen

    def logits(self, state, x):
        for layer, past in zip(state["train"]["layers"], state["moving"]):
            x = np.maximum((x @ np.asarray(layer["w"]) - np.asarray(past["mean"])) / np.sqrt(np.asarray(past["var"]) + 1e-3) * np.asarray(layer["scale"]) + np.asarray(layer["shift"]), 0)
        return (x @ np.asarray(state["train"]["w"]) + np.asarray(state["train"]["b"]))[:, 0]

    def fold(self):
        """Weights and biases with the batch norm's moving figures inside."""
        folded = []
        for layer, past in zip(self.state["train"]["layers"], self.state["moving"]):
            gain = layer["scale"] / np.sqrt(past["var"] + 1e-3)
            folded.append((layer["w"] * gain, layer["shift"] - past["mean"] * gain))
        return [*folded, (self.state["train"]["w"], self.state["train"]["b"])]

    def raw(self, values):
        x = self.scale(values).astype(np.float64)
        for weight, bias in self.folded[:-1]:
            x = np.maximum(x @ weight + bias, 0)
        return sigmoid((x @ self.folded[-1][0] + self.folded[-1][1])[:, 0])

    def to_onnx(self):
        nodes = [helper.make_node("Sub", ["features", "mean"], ["centred"]), helper.make_node("Div", ["centred", "spread"], ["scaled"]), helper.make_node("Clip", ["scaled", "low", "high"], ["x0"])]
        initializers = [tensor("mean", self.mean, np.float32), tensor("spread", self.spread, np.float32), tensor("low", np.float32(-5)), tensor("high", np.float32(5)), tensor("flat", [-1], np.int64)]
        for number, (weight, bias) in enumerate(self.folded):
            initializers += [tensor(f"w{number}", weight, np.float32), tensor(f"b{number}", bias, np.float32)]
            nodes.append(helper.make_node("Gemm", [f"x{number}", f"w{number}", f"b{number}"], [f"y{number}"]))
            nodes.append(helper.make_node("Relu" if number + 1 < len(self.folded) else "Sigmoid", [f"y{number}"], [f"x{number + 1}"]))
        nodes.append(helper.make_node("Reshape", [f"x{len(self.folded)}", "flat"], ["score"]))
        return model(nodes, features_input(self.width), score_output(), initializers, self.name, ml=False)


class RequestNet(Dense):
    # As much as the character net: with a lower weight it would be mute wherever that one is asked.
    name, weight = "dnn-request", 60.0


class BehaviourNet(Dense):
    name, view, cost, weight, needs_gate = "dnn-behaviour", "behaviour", "deep", 40.0, False
    defaults = {**Dense.defaults, "layers": [8, 4, 4], "dropout": 0.1, "batch": 256, "epochs": 40}


def unfold(jnp, x, reach):
    """[N, L, C] to [N, L, (2·reach + 1)·C]: each position with its neighbours."""
    padded = jnp.pad(x, ((0, 0), (reach, reach), (0, 0)))
    return jnp.concatenate([padded[:, shift:shift + x.shape[1]] for shift in range(2 * reach + 1)], axis=2)


def flat_kernel(jnp, kernel):
    """[out, in, width] as a matrix for `unfold`."""
    return jnp.transpose(kernel, (2, 1, 0)).reshape(-1, kernel.shape[0])


class CharacterNet(Member):
    """A convolution over the characters of the three most suspicious fields; the worst field speaks for the request."""

    name, view, group, cost, weight = "character-cnn", "characters", "neural", "deep", 60.0
    defaults = {"embedding": 8, "first": 32, "second": 64, "hidden": 32, "dropout": 0.2, "l2": 1e-4, "rate": 3e-3, "batch": 256, "epochs": 7, "patience": 2, "l1": 0.0}
    log_folder = None
    LENGTH, POOL = 256, 4

    def fit(self, train, dev):
        self.state = train_loop(self, train, dev, Log(self.log_folder, self.name))
        return self

    def initial(self, key):
        jax, jnp, _ = modules()
        p = self.params
        keys = jax.random.split(key, 5)

        def normal(key, shape, inputs):
            return jax.random.normal(key, shape) * np.sqrt(2 / inputs)
        weights = {"table": jax.random.normal(keys[0], (256, p["embedding"])) * 0.5, "c1": normal(keys[1], (p["first"], p["embedding"], 5), p["embedding"] * 5), "b1": jnp.zeros(p["first"]), "c2": normal(keys[2], (p["second"], p["first"], 3), p["first"] * 3), "b2": jnp.zeros(p["second"]),
                   "w3": normal(keys[3], (p["second"], p["hidden"]), p["second"]), "b3": jnp.zeros(p["hidden"]), "w4": 0.2 * normal(keys[4], (p["hidden"], 1), p["hidden"]), "b4": jnp.zeros(1)}
        return {"train": weights, "moving": []}

    def forward(self, w, x, key=None):
        """Logits of [N, 3, 256] characters."""
        jax, jnp, _ = modules()
        count = x.shape[0]
        fields = x.reshape(count * 3, self.LENGTH)
        # Padding must say nothing: the row of byte 0 is held at zero.
        table = w["table"].at[0].set(0.0)
        # Convolutions as matrix products over shifted copies: several times as fast here as the library's own.
        signs = unfold(jnp, table[fields.astype(jnp.int32)], 2)
        one = jax.nn.relu(signs @ flat_kernel(jnp, w["c1"]) + w["b1"])
        pooled = unfold(jnp, one.reshape(one.shape[0], self.LENGTH // self.POOL, self.POOL, -1).max(2), 1)
        features = jax.nn.relu(pooled @ flat_kernel(jnp, w["c2"]) + w["b2"]).max(1)
        if key is not None:
            keep = 1 - self.params["dropout"]
            features = jnp.where(jax.random.bernoulli(key, keep, features.shape), features / keep, 0)
        hidden = jax.nn.relu(features @ w["w3"] + w["b3"])
        return (hidden @ w["w4"] + w["b4"]).reshape(count, 3).max(1)

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
        return sigmoid(self.logits(self.state, values))

    def to_onnx(self):
        w, p = self.state["train"], self.params
        table = w["table"].copy()
        table[0] = 0.0
        nodes = [helper.make_node("Reshape", ["characters", "fields"], ["rows"]), helper.make_node("Cast", ["rows"], ["ids"], to=TensorProto.INT32), helper.make_node("Gather", ["table", "ids"], ["signs"]), helper.make_node("Transpose", ["signs"], ["channels"], perm=[0, 2, 1]),
                 helper.make_node("Conv", ["channels", "c1", "b1"], ["conv1"], kernel_shape=[5], pads=[2, 2]), helper.make_node("Relu", ["conv1"], ["relu1"]), helper.make_node("MaxPool", ["relu1"], ["pooled"], kernel_shape=[self.POOL], strides=[self.POOL]),
                 helper.make_node("Conv", ["pooled", "c2", "b2"], ["conv2"], kernel_shape=[3], pads=[1, 1]), helper.make_node("Relu", ["conv2"], ["relu2"]), helper.make_node("GlobalMaxPool", ["relu2"], ["highest"]), helper.make_node("Reshape", ["highest", "vectors"], ["vector"]),
                 helper.make_node("Gemm", ["vector", "w3", "b3"], ["dense"]), helper.make_node("Relu", ["dense"], ["hidden"]), helper.make_node("Gemm", ["hidden", "w4", "b4"], ["logit"]), helper.make_node("Reshape", ["logit", "three"], ["logits"]),
                 helper.make_node("ReduceMax", ["logits"], ["worst"], axes=[1], keepdims=0), helper.make_node("Sigmoid", ["worst"], ["score"])]
        return model(nodes, [("characters", TensorProto.UINT8, ["N", 3, self.LENGTH])], score_output(), [
            tensor("fields", [-1, self.LENGTH], np.int64), tensor("vectors", [-1, p["second"]], np.int64), tensor("three", [-1, 3], np.int64), tensor("table", table, np.float32), tensor("c1", w["c1"], np.float32), tensor("b1", w["b1"], np.float32),
            tensor("c2", w["c2"], np.float32), tensor("b2", w["b2"], np.float32), tensor("w3", w["w3"], np.float32), tensor("b3", w["b3"], np.float32), tensor("w4", w["w4"], np.float32), tensor("b4", w["b4"], np.float32)], self.name, ml=False)
