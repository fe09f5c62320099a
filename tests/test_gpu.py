"""What only a GPU can show: ``python -m pytest tests/test_gpu.py`` on a machine that has one.

Elsewhere these are skipped; ``tests/training/test_capture.py`` and ``test_without_waiting.py`` show
what a CPU can.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import small_network
import torch

from surrobust._capture import CapturedStep
from surrobust.attacks import ATTACKS, PGD, apgd_ce, balls, pgd
from surrobust.attacks.gradients import CapturedNetwork, input_gradient
from surrobust.images import ImageSet, load_images
from surrobust.measuring import measure_accuracy
from surrobust.networks import FoldedNetwork, build_network
from surrobust.networks.blocks import Pool
from surrobust.networks.darts_ops import make_op
from surrobust.spaces import DARTS_SPACES, Architecture
from surrobust.spaces.darts import CELL_OPS as DARTS_OPS
from surrobust.training import RECIPES, Recipe, Training, train_together

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

CELLS = [Architecture.parse(code) for code in ("324142", "323133", "132142")]
PLAIN = [name for name, recipe in RECIPES.items() if recipe.auxiliary is None]


@pytest.fixture
def exact() -> Iterator[None]:
    """Convolutions in float32, not TF32."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return load_images("digits", limit=300)


def small(name: str, epochs: int = 2) -> Recipe:
    """Return a recipe of small networks; 300 images make four full batches and a part of one."""
    return replace(RECIPES[name], batch_size=64).with_(epochs=epochs, channels=8, cells=1)


def run(recipe: Recipe, images: ImageSet, **options) -> Training:
    training = Training(options.pop("cell", CELLS[0]), images, recipe, device="cuda", **options)
    training.run()
    return training


def test_a_step_is_that_of_a_cpu(exact, images):
    recipe, weights = small("standard").with_(precision="fp32"), []
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand((64, 3, 8, 8), generator=generator), torch.arange(64) % 10
    losses = []
    for device in ("cpu", "cuda"):
        training = Training(CELLS[0], images, recipe, device=device)
        setting = torch.tensor([0.1, 0.9])
        inputs = (tensor.to(device) for tensor in (x, y, torch.zeros_like(x), setting))
        losses.append(float(training._step(None, *inputs)))
        weights.append([p.detach().cpu() for p in training.network.parameters()])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    for here, there in zip(*weights, strict=True):
        torch.testing.assert_close(there, here, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", [*DARTS_OPS, "avg_pool_3x3 of NAS-Bench-201"])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_gradients_of_ops_are_those_of_a_cpu(name, stride, layout, exact):
    # In double precision, where ReLU cuts the same. PyTorch's own pool that pads fails here.
    generator, gradients = torch.Generator().manual_seed(0), []
    make = partial(make_op, affine=True, mixed=True)
    op = make(name, 4, stride) if name in DARTS_OPS else Pool()
    with torch.no_grad():
        for parameter in op.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    x = torch.rand((3, 4, 8, 8), generator=generator).double().contiguous(memory_format=layout)
    for device in ("cpu", "cuda"):
        placed = deepcopy(op).to(device).double().to(memory_format=layout)
        leaf = x.to(device).requires_grad_()
        (placed(leaf) ** 3).sum().backward()
        gradients.append([leaf.grad, *(p.grad for p in placed.parameters())])
    for here, there in zip(*gradients, strict=True):
        torch.testing.assert_close(there.cpu(), here, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_captured_steps_learn_as_others_do(name, images, caplog):
    recipe = small(name)
    plain, captured = (run(recipe, images, captured=c) for c in (False, True))
    assert caplog.text == ""
    assert all(isinstance(step, CapturedStep) for step in captured._steps.values())
    assert len(captured._steps) == 2  # full batches, and the last one of an epoch
    np.testing.assert_allclose(captured.losses, plain.losses, rtol=0.03)


@pytest.mark.parametrize("name", ["arnas", "dsrna"])
def test_captured_steps_of_genotypes_learn_as_others_do(name, images):
    (cell,) = DARTS_SPACES["arnas"].sample(1, seed=3)
    recipe = replace(RECIPES[name], batch_size=64).with_(epochs=1, channels=4, cells=3)
    plain, captured = (run(recipe, images, captured=c, cell=cell) for c in (False, True))
    assert all(isinstance(step, CapturedStep) for step in captured._steps.values())
    np.testing.assert_allclose(captured.losses, plain.losses, rtol=0.03)


@pytest.mark.parametrize("name", PLAIN)
def test_no_step_waits_for_the_host(name, images):
    training = Training(CELLS[0], images, small(name), device="cuda", captured=False)
    steps = training._pass()
    next(steps)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            next(steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", ["robbench201", "fast"])
def test_half_precision_is_near_full(name, images):
    full, half = (run(small(name).with_(precision=p), images) for p in ("fp32", "bf16"))
    assert half.precision == "bf16"
    np.testing.assert_allclose(half.losses, full.losses, rtol=0.03)


@pytest.mark.parametrize("captured", [False, True])
def test_side_by_side_they_become_what_they_become_alone(captured, images):
    recipe = small("fast")
    alone = [run(recipe, images, cell=cell, captured=captured) for cell in CELLS]
    both = [Training(c, images, recipe, device="cuda", captured=captured) for c in CELLS]
    assert train_together(both) == [None] * len(CELLS)
    for one, other in zip(alone, both, strict=True):
        np.testing.assert_allclose(other.losses, one.losses, rtol=0.02)


def test_interrupted_it_goes_on(images, tmp_path):
    recipe, path = small("fast", epochs=3), tmp_path / "it.safetensors"
    whole = run(recipe, images)
    options = {"device": "cuda", "checkpoint": path}
    Training(CELLS[0], images, recipe, **options).run(until=1)
    resumed = Training(CELLS[0], images, recipe, **options)
    assert resumed.epoch == 1
    resumed.run()
    np.testing.assert_allclose(resumed.losses, whole.losses, rtol=0.02)
    here = Training(CELLS[0], images, recipe, device="cpu", checkpoint=path)
    assert (here.epoch, here.losses) == (3, resumed.losses)


# The authors' slow attacks, hundreds of passes by thousands of launches, are left to the CPU.
@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd-ce"])
def test_attacks_find_what_they_find_on_a_cpu(name, norm, monkeypatch):
    # From equal starts and in double precision, so that images compare one by one.
    def equal(like, norm, epsilon, _):
        generator = torch.Generator().manual_seed(0)
        return balls.draw(like.cpu(), norm, epsilon, generator).to(like.device)

    for module in (pgd, apgd_ce):
        monkeypatch.setattr(module, "draw", equal)
    few = {"steps": 20} if name == "apgd-ce" else {}
    attack = ATTACKS[name](0.15 if norm == "Linf" else 0.8, norm=norm, **few)
    network = small_network.load().double()
    x, y = small_network.digits("test", limit=64)
    here, there = (
        measure_accuracy(network.to(device), x.double(), y, attack, device=device).correct
        for device in ("cpu", "cuda")
    )
    assert here.tolist() == there.tolist()
    assert 0 < here.sum() < 64


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_square_finds_about_what_it_finds_on_a_cpu(norm):
    pytest.importorskip("pyautoattack")
    attack = ATTACKS["square"](0.15 if norm == "Linf" else 0.8, norm=norm, queries=60)
    network = small_network.load()
    x, y = small_network.digits("test")
    here, there = (
        measure_accuracy(network.to(device), x, y, attack, device=device).value
        for device in ("cpu", "cuda")
    )
    # One square taken otherwise, for rounding, leads elsewhere, as other random numbers would. The
    # difference of two shares of n images has a standard deviation of at most (1 / 2n)^.5.
    assert there == pytest.approx(here, abs=4 * (0.5 / len(y)) ** 0.5)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_a_twin_is_that_of_a_cpu(dtype, exact):
    network = build_network(CELLS[0], channels=8, cells=1, image_size=8)
    x = torch.rand((64, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    network(x)
    here = FoldedNetwork(network)(x)
    network.to("cuda").to(memory_format=torch.channels_last)
    there = FoldedNetwork(network, dtype)(x.cuda()).cpu()
    spread = 1e-4 if dtype is None else 0.1
    assert float((there - here).abs().max()) < spread * float(here.std())


@pytest.mark.parametrize("n", [64, 50])
def test_replayed_attacks_find_what_others_do(n, exact, images, caplog):
    network = build_network(CELLS[0], channels=8, cells=1, image_size=8).to("cuda").eval()
    attack, x, y = PGD(0.1, steps=5, random_start=False), images.x[:n], images.y[:n]
    plain = measure_accuracy(network, x, y, attack, batch_size=32)
    replayed = measure_accuracy(network, x, y, attack, batch_size=32, captured=True)
    assert caplog.text == ""
    assert (plain.correct != replayed.correct).sum() <= 1
    pixels, classes = torch.rand(32, 3, 8, 8, device="cuda"), torch.arange(32, device="cuda") % 10
    captured = CapturedNetwork(network, pixels, classes)
    assert isinstance(captured._replay, CapturedStep)
    other = torch.rand(32, 3, 8, 8, device="cuda")
    for found, expected in zip(
        captured.gradient(other, classes), input_gradient(network, other, classes), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-4)
    for found, expected in zip(  # of another size, which has kernels of its own: not replayed
        captured.gradient(other[:31], classes[:31]), captured.gradient(other, classes), strict=True
    ):
        assert float((found - expected[:31]).abs().gt(1e-3).float().mean()) < 0.01


@pytest.mark.filterwarnings("default")  # the compiler has its own
def test_steps_learn_as_others_do_by_fused_kernels(images, caplog):
    # Each width has kernels of its own, to be built first; of these, 16 and 32 are fused.
    recipe = small("robbench201", epochs=1).with_(precision="bf16")
    plain, other = (run(recipe, images, kernels=name) for name in ("plain", "fused"))
    assert "not used" not in caplog.text
    np.testing.assert_allclose(other.losses, plain.losses, rtol=0.02)


@pytest.mark.parametrize("code", ["323133", "234143"])
def test_fused_cells_compute_what_others_do(code):
    from surrobust.networks.fused import FusedCell, fuse_cells

    network = build_network(Architecture.parse(code), channels=16, cells=1, image_size=8)
    x = torch.rand((40, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    network(x)
    network.to("cuda").to(memory_format=torch.channels_last)
    exact, fused = FoldedNetwork(network), FoldedNetwork(network, torch.bfloat16)
    fuse_cells(fused.twin)
    assert sum(isinstance(module, FusedCell) for module in fused.modules()) == 3
    logits, gradients = [], []
    for twin in (exact, fused):
        leaf = x.cuda().contiguous(memory_format=torch.channels_last).requires_grad_()
        found = twin(leaf)
        torch.nn.functional.cross_entropy(found, torch.arange(40, device="cuda") % 10).backward()
        logits.append(found.detach())
        gradients.append(leaf.grad.flatten())
    assert float((logits[1] - logits[0]).abs().max()) < 0.1 * float(logits[0].std())
    assert float(torch.nn.functional.cosine_similarity(*gradients, dim=0)) > 0.98


def test_an_attack_without_random_numbers_makes_the_same_images(exact):
    network = build_network(CELLS[0], channels=8, cells=1, image_size=8)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand((32, 3, 8, 8), generator=generator), torch.arange(32) % 10
    here = ATTACKS["fgsm"]()(network, x, y)
    there = ATTACKS["fgsm"]()(network.to("cuda"), x.cuda(), y.cuda()).cpu()
    assert float((here - there).abs().gt(1e-5).float().mean()) < 0.01


def test_proxies_are_nearly_those_of_a_cpu(exact):
    from surrobust.proxies import PROXIES, score_proxies

    options = {"batch_size": 8, "channels": 4, "cells_per_stage": 1}
    here, there = (
        score_proxies(CELLS, tuple(PROXIES), device=device, **options) for device in ("cpu", "cuda")
    )
    assert np.array_equal(np.isfinite(here), np.isfinite(there))
    for name in ("synflow", "grad_norm", "snip", "params", "flops", "jacobian_norm", "zen"):
        np.testing.assert_allclose(there[name], here[name], rtol=0.02, err_msg=name)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_certificates_are_those_of_a_cpu(norm):
    from surrobust.certificates import certified_radii, certify_margins, certify_smoothed

    network = build_network(CELLS[1], channels=2, cells=1, image_size=8).eval()
    x = torch.rand((3, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = network(x).argmax(1)
    here = certify_margins(network, x, y, 1e-4, norm=norm)
    radii = certified_radii(network, x, y, norm=norm, steps=3)
    network.to("cuda")
    there = certify_margins(network, x.cuda(), y.cuda(), 1e-4, norm=norm)
    torch.testing.assert_close(there.cpu(), here, rtol=1e-6, atol=1e-9)
    found = certified_radii(network, x.cuda(), y.cuda(), norm=norm, steps=3)
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), radii)
    smooth = certify_smoothed(network, x.cuda(), sigma=0.1, n_select=20, n=200)
    assert len(smooth.classes) == 3


@pytest.mark.parametrize("name", ["dsrna", "arnas"])
def test_gradient_searches_run_and_go_on(name, tmp_path):
    from surrobust.differentiable import GRADIENT_CLASSES, PRESETS, gradient_search

    options = {"settings": PRESETS["darts-smoke"], "device": "cuda", "out": tmp_path}
    found = gradient_search(GRADIENT_CLASSES[name](), "random", **options)
    assert np.isfinite(found.probabilities).all()
    again = gradient_search(GRADIENT_CLASSES[name](), "random", **options)
    assert again.genotype == found.genotype
