"""The proxies of Jacobian, Hessian, tangent kernel and consistency, against plain computations."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from surrobust.attacks import PGD
from surrobust.errors import InvalidInputError
from surrobust.networks import build_network
from surrobust.proxies import PROXIES, ProxyScorer
from surrobust.proxies.croze import robust_twin, view, whole_cosine
from surrobust.proxies.jacobians import largest_eigenvalues
from surrobust.proxies.ntk import STATISTICS, read_statistic
from surrobust.proxies.probe import gradient_gram, image_gradients, logit_jacobian
from surrobust.spaces import Architecture

LN3 = math.log(3)


@pytest.fixture
def batch():
    x = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    return x, torch.tensor([0, 1, 2, 0, 1])


@pytest.fixture
def probe(batch):
    scorer = ProxyScorer(["params"], batch, channels=4, cells_per_stage=1, seed=2)
    return scorer.probe(Architecture.parse("234312"))


def test_jacobian_norm(pencil):
    # Both pixels on in the first image, one in the second.
    probe = pencil([[3.0, 1.0], [4.0, 2.0]], [[0.5, 0.5], [0.0, 0.5]], [0, 1])
    expected = (math.sqrt(30) + math.sqrt(5)) / 2
    assert PROXIES["jacobian_norm"]().score(probe) == pytest.approx(expected, rel=1e-6)
    assert PROXIES["jacobian_norm"](images=1).score(probe) == pytest.approx(math.sqrt(30))


def test_jacobian_bound(pencil):
    probe = pencil([[3.0, -1.0], [4.0, 2.0]], [[0.5, 0.5], [0.0, 0.5]], [0, 1])
    expected = -0.1 * ((4 + 6) / 2 + (1 + 2) / 2) / 2
    assert PROXIES["jacobian_bound"](epsilon=0.1).score(probe) == pytest.approx(expected)


def test_jacobian_against_autograd(probe):
    network = probe.calibrated
    found = logit_jacobian(network, probe.x)
    expected = torch.autograd.functional.jacobian(network, probe.x[1:2])
    torch.testing.assert_close(found[1], expected[0, :, 0].flatten(1))


def test_hessian_eigenvalue(pencil):
    # Probabilities 3/4 and 1/4: J^T (diag p - p p^T) J = 3/16 v v^T with v the rows' difference.
    probe = pencil([[LN3, LN3], [0.0, 0.0]], [[1.0, 0.0], [0.5, 0.5]], [0, 1])
    one_on, both_on = 3 / 16 * LN3**2, 3 / 16 * 2 * LN3**2
    expected = (one_on + both_on) / 2
    assert PROXIES["hessian_eigenvalue"]().score(probe) == pytest.approx(expected, rel=1e-5)


def test_hessian_eigenvalue_against_power_iteration(probe):
    network, x, y = probe.calibrated.double(), probe.x.double(), probe.y
    found = largest_eigenvalues(logit_jacobian(network, x), network(x).detach())
    x = x.detach().requires_grad_()
    loss = functional.cross_entropy(network(x), y, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    v = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for _ in range(300):
        v = v / v.flatten(1).norm(dim=1)[:, None, None, None]
        (product,) = torch.autograd.grad(gradient, x, v, retain_graph=True)
        rayleigh = (v * product).flatten(1).sum(1)
        v = product
    torch.testing.assert_close(found, rayleigh, rtol=1e-4, atol=0)


def test_ntk_clean(pencil):
    # Only the classifier has weights: its gradient is the input, once per class.
    probe = pencil([[1.0, 2.0], [0.5, 1.0]], [[1.0, 0.0], [1.0, 1.0]], [0, 1])
    probe.network.stem, probe.network.head = nn.Module(), nn.Module()
    probe.network.stem.convolution = probe.network.linear
    probe.network.head.linear = probe.network.linear
    kernel = np.array([[2.0, 2.0], [2.0, 4.0]])
    smallest, largest = np.linalg.eigvalsh(kernel)
    make = PROXIES["ntk_clean"]
    assert make().score(probe) == pytest.approx(smallest, rel=1e-5)
    assert make("frobenius").score(probe) == pytest.approx(np.linalg.norm(kernel), rel=1e-5)
    assert make("condition").score(probe) == pytest.approx(largest / smallest, rel=1e-5)


def test_kernel_against_one_image_at_a_time(probe):
    network = probe.calibrated.double()
    x = probe.x.double()
    rows = []
    for image in x:
        weights = [layer.weight for layer in network.live_layers()]
        gradients = torch.autograd.grad(network(image[None]).sum(), weights)
        rows.append(torch.cat([g.flatten() for g in gradients]))
    expected = torch.stack(rows) @ torch.stack(rows).T
    torch.testing.assert_close(gradient_gram(network, x), expected)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_gradients_of_a_strided_convolution():
    generator = torch.Generator().manual_seed(0)
    layer = nn.utils.skip_init(nn.Conv2d, 2, 3, 3, stride=2, padding=1, bias=False)
    layer.weight.data = torch.randn(3, 2, 3, 3, generator=generator)
    x = torch.randn(2, 2, 6, 6, generator=generator)
    out = layer(x)
    gradient = torch.randn(out.shape, generator=generator)
    found = image_gradients(layer, x, gradient).sum(0).reshape(layer.weight.shape)
    torch.testing.assert_close(found, torch.autograd.grad(out, layer.weight, gradient)[0])


def test_robust_kernels_are_those_of_attacked_images(probe):
    options = {"images": 4, "epsilon": 0.03, "steps": 2}
    network, y = probe.calibrated, probe.y[:4]
    attack = PGD(0.03, steps=2, random_start=False)
    once = attack(network, probe.x[:4], y)
    twice = attack(network, once, y)
    for name, x in (("ntk_robust", once), ("ntk_robust_twice", twice)):
        expected = float(torch.linalg.eigvalsh(gradient_gram(network, x))[0])
        assert PROXIES[name](**options).score(probe) == pytest.approx(expected, rel=1e-3)
    assert PROXIES["ntk_robust"]("condition").column == "ntk_robust-condition"


def test_statistics_of_a_singular_kernel():
    values = torch.tensor([0.0, 3.0, 4.0])
    assert [read_statistic(values, name) for name in STATISTICS[:2]] == [0.0, 5.0]
    assert math.isnan(read_statistic(values, "condition"))


def test_grasp_of_a_logistic_model(pencil):
    # One image (1, 0) of label 0: with margin m = ln 3 the gradient by the first column is
    # (q - 1)(1, -1), q = 3/4, and the Hessian q (1 - q) [[1, -1], [-1, 1]].
    probe = pencil([[LN3, 5.0], [0.0, 7.0]], [[1.0, 0.0]], [0])
    g, curvature = -1 / 4, 3 / 16
    expected = -(LN3 * curvature * 2 * g)
    assert PROXIES["grasp"]().score(probe) == pytest.approx(expected, rel=1e-5)


def test_grasp_behind_batch_norm_is_the_squared_gradient(probe):
    # The loss does not change with the size of a weight behind batch norm: H w = -g there.
    network = probe.copy().double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-12
    weights = [layer.weight for layer in network.live_layers()]
    loss = functional.cross_entropy(network(probe.x.double()), probe.y)
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    flow = torch.stack([(g.detach() * g).sum() for g in gradients]).sum()
    product = torch.autograd.grad(flow, weights[1])[0]
    assert float((weights[1].detach() * product).sum()) == pytest.approx(
        -float(gradients[1].detach().square().sum()), rel=1e-6
    )


def test_croze_of_a_twin_that_stands_still(probe):
    # Without a step the twin is the network: 2 * 2 * 1 for each layer.
    layers = len(probe.network.live_layers())
    still = PROXIES["croze"](strength=0.0, epsilon=0.0)
    assert still.score(probe) == pytest.approx(4 * layers, rel=1e-4)


def test_croze_by_hand(pencil):
    # Gradient [[-1/4], [1/4]]; the twin's step has the weight's length along it.
    probe = pencil([[LN3], [0.0]], [[1.0]], [0])
    found = PROXIES["croze"](strength=1.0, epsilon=0.0, rate=0.5).score(probe)
    w, g = np.array([LN3, 0.0]), np.array([-0.25, 0.25])
    twin = w + LN3 * g / np.linalg.norm(g)
    q = 1 / (1 + math.exp(twin[1] - twin[0]))
    g_twin = np.array([q - 1, 1 - q])

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    # The outputs of the layer are the weights themselves.
    expected = (1 + cosine(w, twin)) * (1 + cosine(w - 0.5 * g, twin - 0.5 * g_twin))
    assert found == pytest.approx(expected * abs(cosine(g, g_twin)), rel=1e-5)


def test_the_features_of_a_layer_are_its_own(probe):
    network = probe.copy()
    seen = {}
    for layer in network.live_layers():
        layer.register_forward_hook(lambda m, _, out: seen.update({m: out.detach()}))
    found = view(network, probe.x, probe.y)
    layers = network.live_layers()
    # The reductions call their shortcut before a convolution that stands before it.
    assert list(seen) != layers
    assert all(torch.equal(seen[m], f) for m, f in zip(layers, found.features, strict=True))
    assert all(torch.equal(m.weight, w) for m, w in zip(layers, found.weights, strict=True))


def test_robust_twin_moves_each_layer_by_its_norm(probe):
    network = probe.copy()
    twin = robust_twin(network, view(network, probe.x, probe.y), 0.5)
    for before, after in zip(network.live_layers(), twin.live_layers(), strict=True):
        moved = (after.weight - before.weight).detach().norm()
        assert float(moved) == pytest.approx(0.5 * float(before.weight.detach().norm()), rel=1e-4)
    assert float(whole_cosine(torch.ones(3), -torch.ones(3))) == pytest.approx(-1)


def test_options_are_checked():
    with pytest.raises(InvalidInputError, match="statistic: expected"):
        PROXIES["ntk_clean"]("trace")
    with pytest.raises(InvalidInputError, match="variant: expected"):
        PROXIES["croze"]("poster")


def test_the_calibrated_network_treats_images_alone(batch):
    scorer = ProxyScorer(["params"], batch, channels=4, cells_per_stage=1)
    network = scorer.probe(Architecture.parse("323133")).calibrated
    x = batch[0]
    torch.testing.assert_close(network(x)[2:3], network(x[2:3]), rtol=1e-4, atol=1e-5)
    fresh = build_network(Architecture.parse("323133"), channels=4, cells=1, classes=3)
    assert fresh.training
