"""Every registered attack obeys the published laws, and what breaks one is found."""

from types import MappingProxyType

import pytest
import torch

from surrobust.attacks import ATTACKS, FGSM
from surrobust.testing import AttackLaws

SHORT = {"square": {"queries": 60}}


class TestEvery(AttackLaws):
    @pytest.fixture(autouse=True, params=[name for name in ATTACKS if name != "autoattack"])
    def _named(self, request):
        self.name = request.param

    def make(self, **options):
        return ATTACKS[self.name](**options, **SHORT.get(self.name, {}))


class TestAutoAttack(AttackLaws):
    radii = MappingProxyType({"Linf": 0.4, "L2": 5.6})  # the first member leaves nothing
    keeps_precision = False  # it makes single precision of its images

    def make(self, **options):
        return ATTACKS["autoattack"](**options)


class Leaving(FGSM):
    """Goes on beyond the ball."""

    def _within(self, found, x):
        return (x + 1.5 * (super()._within(found, x) - x)).clamp(0, 1)


class Overexposed(FGSM):
    """Leaves the range of a pixel."""

    def _within(self, found, x):
        return x + (found - x).clamp(-self.epsilon, self.epsilon) + (x > 0.99) * 0.02


class Idle(FGSM):
    """Returns the images."""

    def _within(self, found, x):  # noqa: ARG002
        return x


class Drawing(FGSM):
    """Draws from torch's own generator."""

    def _within(self, found, x):
        return super()._within(found + torch.randn_like(x), x)


class Painting(FGSM):
    """Writes into the images."""

    def _perturb(self, network, x, y, generator):
        found = super()._perturb(network, x, y, generator)
        return x.copy_(found)


class Exact(FGSM):
    """Returns single precision whatever it is given."""

    def _within(self, found, x):
        return super()._within(found, x).float()


class Careless(FGSM):
    """Leaves the network in evaluation mode."""

    def __call__(self, network, x, y, *, checks=True):
        found = super().__call__(network, x, y, checks=checks)
        if isinstance(network, torch.nn.Module):
            network.eval()
        return found


@pytest.mark.parametrize(
    ("broken", "law", "arguments"),
    [
        (Leaving, "images_stay_in_the_ball_and_nothing_else_changes", {}),
        (Overexposed, "images_stay_in_the_ball_and_nothing_else_changes", {}),
        (Drawing, "images_stay_in_the_ball_and_nothing_else_changes", {}),
        (Painting, "images_stay_in_the_ball_and_nothing_else_changes", {}),
        (Idle, "some_images_are_fooled", {}),
        (Exact, "images_of_any_type_stay_in_the_ball", {"dtype": torch.float64}),
        (Careless, "training_mode_and_statistics_are_kept", {}),
    ],
)
def test_a_broken_attack_is_found(broken, law, arguments):
    class Laws(AttackLaws):
        def make(self, **options):
            return broken(**options)

    with torch.random.fork_rng(devices=[]), pytest.raises(AssertionError):
        getattr(Laws(), f"test_{law}")("Linf", **arguments)
