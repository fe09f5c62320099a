"""The released arithmetic of CRoZe: against plain loops, and against numbers of the code itself."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from surrobust.networks import build_network
from surrobust.proxies import PROXIES, ProxyScorer, croze_released
from surrobust.proxies.croze_released import as_released, score_as_released
from surrobust.spaces import Architecture

STRENGTH, EPSILON = 2.0, 0.01
MEAN, DEVIATION = 0.4, 0.25


def rectified(x, w):
    return functional.conv2d(x.relu(), w["w"], w.get("b"), w.get("stride", 1), w["w"].shape[2] // 2)


def forward(layers, x):
    """Return features and logits of cell 234312, two of them in each stage."""
    it = iter(layers)
    features = [functional.conv2d(x, next(it)["w"], padding=1)]
    x = features[0]
    for stage in (1, 2, 3):
        for _ in range(2):
            one, two, three, last = next(it), next(it), next(it), next(it)
            first = rectified(x, one)
            pooled = functional.avg_pool2d(first, 3, 1, 1, count_include_pad=False)
            x = rectified(x, three) + first + rectified(rectified(x, two) + pooled, last)
        if stage < 3:
            first, second, across = next(it), next(it), next(it)
            inner = functional.batch_norm(rectified(x, first), None, None, training=True)
            inner = functional.batch_norm(rectified(inner, second), None, None, training=True)
            x = functional.conv2d(functional.avg_pool2d(x, 2), across["w"]) + inner
            features.append(x)
    features += [x.relu(), x.relu().mean((2, 3))]
    head = next(it)
    return features, functional.linear(features[-1], head["w"], head["b"])


def cosine(a, b):
    length = math.sqrt(sum(v * v for v in a)) * math.sqrt(sum(v * v for v in b))
    return sum(p * q for p, q in zip(a, b, strict=True)) / length if length else 0.0


def cosines(a, b):
    """Along the first axis, one for every place in the others, by loops."""
    a, b = (np.asarray(t.detach()).reshape(len(t), -1) for t in (a, b))
    return [cosine(a[:, k], b[:, k]) for k in range(a.shape[1])]


def read_layers(network):
    """Every layer's absolute weights in the order of the code, with the places of its features."""
    found = []
    for name, module in network.named_modules():
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        layer = {"w": module.weight.detach().clone().requires_grad_()}
        if module.bias is not None:
            layer["b"] = module.bias.detach().clone()
        if "block_a" in name:
            layer["stride"] = 2
        found.append(layer)
    return found


def test_against_plain_loops():
    network = build_network(
        Architecture.parse("234312"),
        channels=2,
        cells=2,
        classes=3,
        image_size=8,
        normalisation=((MEAN,) * 3, (DEVIATION,) * 3),
        generator=torch.Generator().manual_seed(5),
    )
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(6))
    y = torch.tensor([0, 1, 2, 0])
    options = {"strength": STRENGTH, "epsilon": EPSILON}
    found = score_as_released(network, x, y, **options, generator=torch.Generator().manual_seed(7))

    clean = read_layers(as_released(network, torch.Generator().manual_seed(7)))
    twin = [{k: v.detach().clone() if k != "stride" else v for k, v in w.items()} for w in clean]
    x = ((x - MEAN) / DEVIATION).double()

    def loss(layers, x):
        return functional.cross_entropy(forward(layers, x)[1], y)

    def slopes(layers, x):
        return torch.autograd.grad(loss(layers, x), [w["w"] for w in layers])

    g = slopes(clean, x)
    for layer, slope in zip(twin, g, strict=True):
        layer["w"] += STRENGTH * layer["w"].norm() * slope / slope.norm()
        layer["w"].requires_grad_()
    pixels = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(twin, pixels), pixels)
    attacked = (x - EPSILON * slope.sign()).clamp(0, 1)
    g_ = [a + b for a, b in zip(slopes(twin, x), slopes(twin, attacked), strict=True)]
    z, z_ = forward(clean, x)[0], forward(twin, attacked)[0]
    # A stage's last cell goes with the features behind the reduction after it.
    places = [0, *4 * [0], *4 * [1], *3 * [1], *4 * [1], *4 * [2], *3 * [2], *4 * [2], *4 * [3], 4]
    assert len(places) == len(clean)
    expected = 0.0
    for k, place in enumerate(places):
        weight = sum(1 + c for c in cosines(clean[k]["w"], twin[k]["w"]))
        gradient = sum(abs(c) for c in cosines(g[k], g_[k]))
        expected += weight * gradient * sum(1 + c for c in cosines(z[place], z_[place]))
    assert found == pytest.approx(expected, rel=1e-6)


# The repository's own score of the network below at commit 3e89e3d, to 10 digits:
# predictive.find_measures(net, [(x, y)], ("random", 1, 10), "cpu", measure_names=["croze"]).
PUBLISHED = {
    "323133": 1.069158341e10,
    "234312": 5.441101053e9,
    "103042": 2.807021894e9,
    "141444": 9.048949228e7,
    "043424": 9.462802592e7,
    "300002": 7.444213312e5,
}


def wave(tensor, phase):
    """Numbers that need no generator, of the size of torch's default weights."""
    n, fan_in = tensor.numel(), max(tensor[0].numel(), 1)
    numbers = torch.sin(torch.arange(n, dtype=torch.float64) * 1.7 + phase) / math.sqrt(fan_in)
    return numbers.reshape(tensor.shape).float()


@pytest.mark.parametrize("code", PUBLISHED)
def test_against_the_code_itself(code, monkeypatch):
    network, x, y = example(code)
    monkeypatch.setattr(croze_released, "_draw_bias", wave_bias)
    found = score_as_released(
        network, x, y, strength=STRENGTH, epsilon=EPSILON, generator=torch.Generator()
    )
    assert found == pytest.approx(PUBLISHED[code], rel=1e-6)


def wave_bias(layer, generator):
    return nn.Parameter(wave(torch.empty(layer.out_channels), layer.in_channels).double())


def example(code):
    statistics = ((0.5, 0.4, 0.6), (0.25, 0.2, 0.3))
    network = build_network(Architecture.parse(code), image_size=8, normalisation=statistics)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.copy_(wave(layer.weight, layer.weight.shape[-1]))
        network.head.linear.bias.copy_(wave(network.head.linear.bias, 0.5))
    x = 0.5 + 0.5 * wave(torch.empty(8, 3 * 8 * 8), 0.3).reshape(8, 3, 8, 8) * math.sqrt(192)
    return network, x, torch.arange(8) % 10


def test_what_stays_still_and_what_does_not_change():
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    batch = (x, torch.tensor([0, 1, 2, 0]))
    scorer = ProxyScorer(["params"], batch, channels=2, cells_per_stage=1, seed=2)
    cell = Architecture.parse("234312")
    probe = scorer.probe(cell)
    before = {name: t.clone() for name, t in probe.network.state_dict().items()}
    proxy = PROXIES["croze"]("code")
    assert proxy.column == "croze-code"
    score = proxy.score(probe)
    assert score == proxy.score(scorer.probe(cell))
    assert score > 0
    for name, tensor in probe.network.state_dict().items():
        assert torch.equal(tensor, before[name])
    network = as_released(probe.network, torch.Generator().manual_seed(0))
    kept = {n for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert kept == {f"reduction_{r}.block_{b}.norm" for r, b in product((1, 2), "ab")}
    assert all(bool((p >= 0).all()) for p in network.parameters())
