import pytest
import torch
from torch import nn

from surrobust.attacks import ATTACKS, FGSM, PGD
from surrobust.attacks.balls import draw, project, size, steepest
from surrobust.attacks.base import towards
from surrobust.errors import InvalidInputError, NotFiniteError
from surrobust.testing.attacks import labelled_images, small_network


def test_weights_made_in_inference_mode_are_refused() -> None:
    x, y = labelled_images(2)
    with torch.inference_mode():
        network = small_network().eval()
    with pytest.raises(InvalidInputError, match=r"outside of torch\.inference_mode"):
        FGSM()(network, x, y)


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
    network, (x, y) = small_network().eval(), labelled_images()
    one = PGD(epsilon=0.02, steps=1, step_size=0.02, random_start=False)(network, x, y)
    assert torch.allclose(one, FGSM(epsilon=0.02)(network, x, y))


def test_restarts_never_find_less() -> None:
    network, (x, y) = small_network().eval(), labelled_images(64)
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
    x, y = labelled_images(2)
    with pytest.raises(NotFiniteError, match="expected finite logits, got others for 2 of 2"):
        FGSM(norm="L2")(lambda x: x.flatten(1)[:, :4] * torch.nan, x, y)
    rooted = torch.zeros_like(x)  # finite logits, of which the gradient is not
    with pytest.raises(RuntimeError, match="not finite"):
        FGSM(norm="L2")(lambda x: x.sqrt().flatten(1)[:, :4], rooted, y)
