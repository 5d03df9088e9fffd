"""Members over sequences and connections: parity of the graphs, and that order matters to them."""

import numpy as np
import pytest

from portcullis_train import graph
from portcullis_train.sequence import BiLstm, FlowIsolation, FlowNet, Lstm
from portcullis_train.supervised import Part


def sequences(seed, rows=300):
    """Attacks count up, harmless ones jump: the same values in another order."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows).astype(np.uint8)
    values = rng.normal(0, 0.3, (rows, 32, 4)).astype(np.float32)
    ramp = np.linspace(-1, 1, 32)
    for row in range(rows):
        values[row, :, 0] += ramp if labels[row] else rng.permutation(ramp)
    return Part(values, labels)


@pytest.mark.parametrize("kind", [Lstm, BiLstm], ids=lambda kind: kind.name)
def test_recurrent_nets(kind):
    train, dev = sequences(1), sequences(2, 120)
    member = kind({"epochs": 10, "hidden": 8, "batch": 32, "rate": 0.02}).fit(train, dev)
    expected = member.raw(dev.values)
    graph.check_parity(member.to_onnx(), [dev.values], expected, member.name)
    assert ((expected > 0.5) == dev.labels).mean() > 0.75


@pytest.mark.parametrize("kind", [FlowIsolation, FlowNet], ids=lambda kind: kind.name)
def test_flow_members(kind):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 400).astype(np.uint8)
    values = (rng.normal(size=(400, 52)) + 2.5 * labels[:, None] * (np.arange(52) % 5 == 0)).astype(np.float32)
    part = Part(values, labels)
    member = kind({"trees": 20, "sample": 64} if kind is FlowIsolation else {"epochs": 8, "batch": 64}).choose(()) if kind is FlowIsolation else kind({"epochs": 8, "batch": 64})
    member.fit(part, part)
    expected = member.raw(values)
    graph.check_parity(member.to_onnx(), [values], expected, member.name)
    assert expected[labels == 1].mean() > expected[labels == 0].mean()
    assert member.weight == 0.0
