import pytest
import torch
from torch import nn

from surrobust.attacks import ATTACKS, FGSM, PGD
from surrobust.attacks.balls import draw, project, size, steepest
from surrobust.attacks.base import towards
from surrobust.errors import InvalidInputError, NotFiniteError

ALL = [(name, norm) for name in ATTACKS for norm in ("Linf", "L2")]
SHORT = {"square": {"queries": 60}}
WIDE = {"autoattack": 8}  # so that the first of its members leaves nothing to the others


def small_network(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4)
        )


def batch(n: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    x = torch.rand((n, 3, 8, 8), generator=generator)
    with torch.no_grad():
        y = small_network().eval()(x).argmax(1)  # every image is classified as it is labelled
    return x, y


@pytest.mark.parametrize(("name", "norm"), ALL)
def test_laws_of_attacks(name: str, norm: str) -> None:
    network, (x, y) = small_network().eval(), batch()
    epsilon = (0.05 if norm == "Linf" else 0.7) * WIDE.get(name, 1)
    attack = ATTACKS[name](epsilon=epsilon, norm=norm, **SHORT.get(name, {}))
    before, state = x.clone(), torch.random.get_rng_state()
    attacked = attack(network, x, y)
    assert attacked.shape == x.shape
    assert attacked.dtype == x.dtype
    assert not attacked.requires_grad
    assert float(size(attacked - x, norm).max()) <= epsilon + 1e-5
    assert float(attacked.min()) >= 0
    assert float(attacked.max()) <= 1
    assert torch.equal(x, before)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(attack(network, x, y), attacked)
    assert all(weight.grad is None for weight in network.parameters())
    # Square, the weakest, fools ten of the 24 images; noise of that size one.
    assert int((network(attacked).argmax(1) != y).sum()) >= 5


@pytest.mark.parametrize(("name", "norm"), ALL)
def test_images_and_networks_may_have_channels_last(name: str, norm: str) -> None:
    epsilon = (0.05 if norm == "Linf" else 0.7) * WIDE.get(name, 1)
    attack = ATTACKS[name](epsilon=epsilon, norm=norm, **SHORT.get(name, {}))
    network, (x, y) = small_network().eval(), batch()
    # In double precision rounding turns no sign, so that the images are the same; AutoAttack makes
    # single precision of them, and what it fools is.
    if name != "autoattack":
        network, x = network.double(), x.double()
    plain = attack(network, x, y)
    wrong = network(plain).argmax(1) != y
    network, x = (part.to(memory_format=torch.channels_last) for part in (network, x))
    attacked = attack(network, x, y)
    assert float(size(attacked - x, norm).max()) <= epsilon + 1e-5
    assert torch.equal(network(attacked).argmax(1) != y, wrong)
    if name != "autoattack":
        torch.testing.assert_close(attacked, plain, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "norm"), ALL)
def test_training_mode_and_statistics_are_kept(name: str, norm: str) -> None:
    network, (x, y) = small_network().train(), batch()
    statistics = network[1].running_mean.clone()
    with torch.no_grad():
        epsilon = 0.03 * WIDE.get(name, 1) * (1 if norm == "Linf" else 10)
        ATTACKS[name](epsilon=epsilon, norm=norm, **SHORT.get(name, {}))(network, x, y)
    assert network.training
    assert torch.equal(network[1].running_mean, statistics)


@pytest.mark.parametrize(("name", "norm"), ALL)
def test_epsilon_zero_changes_nothing(name: str, norm: str) -> None:
    x, y = batch(4)
    assert torch.allclose(ATTACKS[name](epsilon=0.0, norm=norm)(small_network().eval(), x, y), x)


def attack_named(name: str, norm: str):
    epsilon = (0.05 if norm == "Linf" else 0.7) * WIDE.get(name, 1)
    return ATTACKS[name](epsilon=epsilon, norm=norm, **SHORT.get(name, {}))


@pytest.mark.parametrize(("name", "norm"), ALL)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_mode_changes_nothing(name: str, norm: str, mode) -> None:
    attack, network, (x, y) = attack_named(name, norm), small_network().eval(), batch()
    expected = attack(network, x, y)
    with mode():
        assert torch.equal(attack(network, x.clone(), y.clone()), expected)
        assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)


def test_weights_made_in_inference_mode_are_refused() -> None:
    x, y = batch(2)
    with torch.inference_mode():
        network = small_network().eval()
    with pytest.raises(InvalidInputError, match=r"outside of torch\.inference_mode"):
        FGSM()(network, x, y)


@pytest.mark.parametrize(("name", "norm"), ALL)
def test_every_module_is_attacked_in_evaluation_mode(name: str, norm: str) -> None:
    attack, network, (x, y) = attack_named(name, norm), small_network().eval(), batch()
    expected, statistics = attack(network, x, y), network[1].running_mean.clone()
    network[1].train()  # below a root in evaluation mode
    for given in (network, lambda x: network(x), nn.Sequential(nn.Identity(), network)):
        assert torch.equal(attack(given, x, y), expected)
    assert torch.equal(network[1].running_mean, statistics)
    assert [module.training for module in network] == [False, True, False, False, False]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize(("name", "norm"), ALL)
def test_images_of_any_type_stay_in_the_ball(name: str, norm: str, dtype: torch.dtype) -> None:
    attack, (x, y) = attack_named(name, norm), batch()
    exact, network, x = small_network().eval(), small_network().eval().to(dtype), x.to(dtype)
    attacked = attack(network, x, y)
    assert attacked.dtype == dtype
    # In double precision, so that nothing is hidden by rounding once more.
    moved = attacked.double() - x.double()
    assert float(size(moved, norm).max()) <= attack.epsilon + 1e-5
    assert float(attacked.min()) >= 0
    assert float(attacked.max()) <= 1
    # Rounding turns an image here and there. Attacked in half precision, or with what crossed a
    # boundary rounded back over it, next to none would be fooled.
    wide = attack(exact, x.float(), y)
    wrong = [int((net(z).argmax(1) != y).sum()) for net, z in ((network, attacked), (exact, wide))]
    assert wrong[0] > 0.5 * wrong[1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_pixels_are_rounded_towards_the_image(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2000, generator=generator).to(dtype)
    x[:2] = torch.tensor([0.0, 1.0])
    found = (x.float() + 0.03 * torch.randn(2000, generator=generator)).clamp(0, 1)
    rounded = towards(found, x)
    moved, allowed = ((z.double() - x.double()).abs() for z in (rounded, found))
    assert bool((moved <= allowed).all())
    step = torch.finfo(dtype).eps  # of numbers below one, at least their spacing
    assert float((rounded.float() - found).abs().max()) <= step


@pytest.mark.parametrize(("name", "norm"), ALL)
def test_no_images_are_no_attacked_images(name: str, norm: str) -> None:
    x, y = torch.zeros(0, 3, 8, 8), torch.zeros(0, dtype=torch.int64)
    assert attack_named(name, norm)(small_network(), x, y).shape == (0, 3, 8, 8)


@pytest.mark.parametrize(("name", "norm"), ALL)
@pytest.mark.parametrize("label", [-1, -100, 4, 10])
def test_classes_that_the_network_does_not_know_are_refused(name, norm, label: int) -> None:
    x, y = batch(40)
    y[37] = label  # beyond the images that are looked at
    with pytest.raises(InvalidInputError, match=f"y: expected classes from 0 .*, got {label}"):
        attack_named(name, norm)(small_network(), x, y)


@pytest.mark.parametrize("height", [4, 5, 6, 8, 9, 12, 14, 18, 20, 24, 28, 32])
@pytest.mark.parametrize("width", [3, 5, 8, 9, 14, 24, 32])
def test_square_takes_images_or_refuses_them(height: int, width: int) -> None:
    x = torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 4))
    with torch.no_grad():
        y = network(x).argmax(1)
    attack = ATTACKS["square"](epsilon=0.01, norm="L2", queries=8)
    side = height // 5
    begin = (height - 5 * side) // 2
    # A tile that ends beyond the image is cut; of one pixel nothing is left of it, which is fine.
    fit = side < 2 or all(begin + total // side * side <= total for total in (height, width))
    if min(height, width) < 5 or not fit:
        with pytest.raises(InvalidInputError, match=f"got {height} x {width}"):
            attack(network, x, y)
        return
    assert float(size(attack(network, x, y) - x, "L2").max()) <= 0.01 + 1e-5


class Line(nn.Module):
    """Two classes whose logits differ by the inner product with fixed weights."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.linspace(-1, 1, 12).reshape(1, 3, 2, 2) + 0.05

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        margin = (x * self.weight).flatten(1).sum(1)
        return torch.stack([margin, torch.zeros_like(margin)], dim=1)


@pytest.mark.parametrize(
    ("norm", "dual"), [("Linf", lambda w: w.abs().sum()), ("L2", lambda w: w.norm())]
)
def test_fgsm_is_optimal_on_a_linear_network(norm, dual) -> None:
    line, x, y = Line(), torch.full((2, 3, 2, 2), 0.5), torch.zeros(2, dtype=torch.int64)
    attacked = FGSM(epsilon=0.1, norm=norm)(line, x, y)
    drop = (line(x) - line(attacked))[:, 0]
    assert drop.tolist() == pytest.approx([0.1 * float(dual(line.weight))] * 2, rel=1e-5)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_pgd_reaches_the_optimum_of_a_linear_network(norm: str) -> None:
    line, x, y = Line(), torch.full((2, 3, 2, 2), 0.5), torch.zeros(2, dtype=torch.int64)
    best = line(FGSM(epsilon=0.1, norm=norm)(line, x, y))[:, 0]
    found = line(PGD(epsilon=0.1, norm=norm, step_size=0.1)(line, x, y))[:, 0]
    assert found.tolist() == pytest.approx(best.tolist(), rel=2e-3)


def test_pgd_with_one_full_step_from_the_image_is_fgsm() -> None:
    network, (x, y) = small_network().eval(), batch()
    one = PGD(epsilon=0.02, steps=1, step_size=0.02, random_start=False)(network, x, y)
    assert torch.allclose(one, FGSM(epsilon=0.02)(network, x, y))


def test_restarts_never_find_less() -> None:
    network, (x, y) = small_network().eval(), batch(64)
    wrong = [
        (network(PGD(epsilon=0.006, steps=2, restarts=n)(network, x, y)).argmax(1) != y).sum()
        for n in (1, 6)
    ]
    assert wrong[1] >= wrong[0]


def test_steps_of_the_benchmark() -> None:
    assert PGD(epsilon=8 / 255).step_size == pytest.approx(1 / 255)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_draws_fill_the_ball(norm: str) -> None:
    like = torch.zeros(400, 1, 2, 1)
    drawn = draw(like, norm, 2.0, torch.Generator().manual_seed(0))
    sizes = size(drawn, norm)
    assert float(sizes.max()) <= 2.0 + 1e-5
    # In two dimensions a quarter of the ball's volume is within half of its radius.
    assert float((sizes < 1.0).float().mean()) == pytest.approx(0.25, abs=4 * 0.433 / 400**0.5)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_draws_do_not_depend_on_the_layout(norm: str) -> None:
    like = torch.zeros(4, 3, 5, 5)
    wide = like.to(memory_format=torch.channels_last)
    drawn, other = (draw(x, norm, 1.0, torch.Generator().manual_seed(0)) for x in (like, wide))
    assert torch.equal(drawn, other)


def test_geometry_by_hand() -> None:
    delta = torch.tensor([3.0, -4.0]).reshape(1, 2, 1, 1)
    assert project(delta, "Linf", 3.5).flatten().tolist() == [3.0, -3.5]
    assert project(delta, "L2", 2.5).flatten().tolist() == pytest.approx([1.5, -2.0])
    assert project(delta, "L2", 6.0).flatten().tolist() == [3.0, -4.0]
    assert steepest(delta, "Linf").flatten().tolist() == [1.0, -1.0]
    assert steepest(delta, "L2").flatten().tolist() == pytest.approx([0.6, -0.8])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.full((2, 3, 4, 4), 1.5)}, r"x: expected values in \[0, 1\], got 1.5"),
        ({"x": torch.full((2, 3, 4, 4), torch.nan)}, r"x: expected values in \[0, 1\], got nan"),
        ({"x": torch.zeros(2, 48)}, "x: expected a floating-point tensor of shape"),
        ({"x": torch.zeros((2, 3, 4, 4), dtype=torch.uint8)}, "x: expected a floating-point"),
        ({"y": torch.zeros(3, dtype=torch.int64)}, r"y: expected an int64 tensor of shape \(2,\)"),
        ({"y": torch.zeros(2)}, r"y: expected an int64 tensor of shape \(2,\)"),
    ],
)
def test_wrong_images_are_refused(change, message: str) -> None:
    given = {"x": torch.zeros(2, 3, 4, 4), "y": torch.zeros(2, dtype=torch.int64), **change}
    with pytest.raises(InvalidInputError, match=message):
        FGSM()(lambda x: x.flatten(1), given["x"], given["y"])


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"8/255 is 0.03137"):
        FGSM(epsilon=8)
    with pytest.raises(InvalidInputError, match="norm: expected one of Linf, L2"):
        FGSM(norm="L1")
    with pytest.raises(InvalidInputError, match="steps: expected an integer of at least 1"):
        PGD(steps=0)
    with pytest.raises(InvalidInputError, match="step_size: expected a finite number above 0"):
        PGD(step_size=0.0)


def test_what_is_not_finite_is_not_returned() -> None:
    x, y = batch(2)
    with pytest.raises(NotFiniteError, match="expected finite logits, got others for 2 of 2"):
        FGSM(norm="L2")(lambda x: x.flatten(1)[:, :4] * torch.nan, x, y)
    rooted = torch.zeros_like(x)  # finite logits, of which the gradient is not
    with pytest.raises(RuntimeError, match="not finite"):
        FGSM(norm="L2")(lambda x: x.sqrt().flatten(1)[:, :4], rooted, y)
