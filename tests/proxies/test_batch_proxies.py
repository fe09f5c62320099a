"""The proxies of the shared pass, against numbers worked out by hand.

With logits (ln 3, 0) for both images the probabilities are 3/4 and 1/4; for labels 0 and 1 the
gradient of the mean loss by the weight is [[-1/8, 3/8], [1/8, -3/8]].
"""

import math

import pytest
import torch

from surrobust.proxies import PROXIES, Need, Probe
from surrobust.spaces import Architecture, count_flops, count_parameters

LN3 = math.log(3)
K = 1e-5


@pytest.fixture
def probe(pencil):
    return pencil([[LN3, LN3], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [0, 1])


def test_grad_norm(probe):
    expected = math.sqrt(2 * (1 / 64 + 9 / 64))
    assert PROXIES["grad_norm"]().score(probe) == pytest.approx(expected, rel=1e-6)


def test_snip(probe):
    assert PROXIES["snip"]().score(probe) == pytest.approx(LN3 / 2, rel=1e-6)


def test_plain(probe):
    assert PROXIES["plain"]().score(probe) == pytest.approx(LN3 / 4, rel=1e-6)


def test_fisher(probe):
    # Outputs ln 3 and 0 in both images, gradients (-1/8, 1/8) and (3/8, -3/8).
    expected = LN3**2 * (1 / 64 + 9 / 64) / 2 / 2
    assert PROXIES["fisher"]().score(probe) == pytest.approx(expected, rel=1e-6)


def test_l2_norm(probe):
    assert PROXIES["l2_norm"]().score(probe) == pytest.approx(LN3 * math.sqrt(2), rel=1e-6)


def test_nwot_counts_agreeing_relus(pencil):
    # On: (1, 1, 0) and (0, 1, 1): one of three agrees.
    pixels = [[1.0, 0.5, 0.0], [0.0, 0.2, 0.3]]
    one = pencil([[1.0, 1.0, 1.0]], pixels, [0, 0])
    assert PROXIES["nwot"]().score(one) == pytest.approx(math.log(9 - 1))
    read_twice = pencil([[1.0, 1.0, 1.0]], pixels, [0, 0], readers=2)
    assert PROXIES["nwot"]().score(read_twice) == pytest.approx(math.log(4 * (9 - 1)))


def test_nwot_is_nan_for_images_that_look_alike(pencil):
    probe = pencil([[1.0, 1.0]], [[1.0, 0.0], [0.5, 0.0]], [0, 0])
    assert math.isnan(PROXIES["nwot"]().score(probe))


@pytest.fixture
def correlated(pencil):
    """Input gradients (1, 2, 0) and (0, 2, 4): their correlation is -1/2."""

    def make(labels):
        weight = [[1.0, 1.0, 1.0], [0.0, 1.0, 3.0]]
        return pencil(weight, [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], labels)

    return make


def test_jacov(correlated):
    expected = -sum(math.log(s + K) + 1 / (s + K) for s in (0.5, 1.5))
    assert PROXIES["jacov"]().score(correlated([0, 1])) == pytest.approx(expected, rel=1e-6)


def test_epe_nas(correlated):
    same = 2 * abs(math.log(1 + K) + math.log(0.5 + K))
    assert PROXIES["epe_nas"]().score(correlated([1, 1])) == pytest.approx(same, rel=1e-6)
    each_alone = 2 * math.log(1 + K)
    assert PROXIES["epe_nas"]().score(correlated([0, 1])) == pytest.approx(each_alone, rel=1e-3)


def test_epe_nas_with_many_classes(correlated):
    probe = correlated([1, 1])
    probe.network.sizes["classes"] = 101
    assert PROXIES["epe_nas"]().score(probe) == 0.0  # one class, no pair


def test_synflow(pencil):
    # Ones through absolute weights: every weight carries its own size.
    probe = pencil([[1.0, -2.0], [3.0, 1.0]], [[0.1, 0.2], [0.3, 0.4]], [0, 1])
    assert PROXIES["synflow"]().score(probe) == pytest.approx(math.log(7))
    assert float(probe.network.linear.weight.detach()[0, 1]) == -2.0


def test_zen(pencil):
    # Features are the ReLU of the input, and no batch norm is there to undo.
    probe = pencil([[1.0] * 50, [0.0] * 50], [[0.5] * 50] * 4, [0, 1, 0, 1])
    generator = probe.generator("zen")
    torch.randn(2, 50, generator=generator)  # the weights
    x, other = (torch.randn(4, 1, 1, 50, generator=generator) for _ in range(2))
    moved = (torch.relu(x) - torch.relu(x + 0.01 * other)).abs().sum((1, 2, 3)).mean()
    assert PROXIES["zen"]().score(probe) == pytest.approx(math.log(float(moved)), rel=1e-5)


def test_params_and_flops(probe):
    sizes = {"channels": 1, "cells": 1, "classes": 2}
    cell = Architecture.parse("323133")
    assert PROXIES["params"]().score(probe) == count_parameters(cell, **sizes) / 1e6
    probe.x = torch.zeros(2, 1, 8, 8)
    expected = count_flops(cell, image_size=8, **sizes) / 1e6
    assert PROXIES["flops"]().score(probe) == expected


def test_the_pass_records_only_what_is_needed(probe):
    lean = Probe(probe.network, probe.x, probe.y, needs={Need.ACTIVATION_KERNEL})
    record = lean.batch_pass
    assert record.kernel is not None
    assert not record.gradients
    assert not record.saliencies
    assert record.input_gradient is None
