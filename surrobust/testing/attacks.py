"""What every attack promises."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ..attacks import AbstractAttack
from ..attacks.balls import size
from ..errors import InvalidInputError

every_norm = pytest.mark.parametrize("norm", ["Linf", "L2"])

_SLACK = 1e-5
"""How far rounding may carry a float32 perturbation beyond its ball."""


def small_network(seed: int = 0) -> nn.Sequential:
    """Return a small classifier of four classes, in training mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4)
        )


def labelled_images(n: int = 24) -> tuple[Tensor, Tensor]:
    """Return images and the classes that the small network tells of them."""
    x = torch.rand((n, 3, 8, 8), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return x, small_network().eval()(x).argmax(1)


class AttackLaws:
    """Laws of an attack: derive from this, and say in :meth:`make` how yours is made."""

    radii: Mapping[str, float] = MappingProxyType({"Linf": 0.05, "L2": 0.7})
    """Radius by norm of what is attacked."""

    keeps_precision = True
    """Whether images of double precision are attacked in it."""

    def make(self, **options: Any) -> AbstractAttack:  # pragma: no cover
        """Return the attack.

        Args:
            options: ``epsilon`` and ``norm``.
        """
        raise NotImplementedError

    def attack(self, norm: str) -> AbstractAttack:
        """Return the attack within ``radii``."""
        return self.make(epsilon=self.radii[norm], norm=norm)

    def _check_within(self, attacked: Tensor, x: Tensor, norm: str) -> None:
        # In double precision, so that nothing is hidden by rounding once more.
        moved = attacked.double() - x.double()
        assert float(size(moved, norm).max()) <= self.radii[norm] + _SLACK
        assert float(attacked.min()) >= 0
        assert float(attacked.max()) <= 1

    @every_norm
    def test_images_stay_in_the_ball_and_nothing_else_changes(self, norm: str) -> None:
        """Attacked images are images in the ball, the same each time; nothing else is changed."""
        network, (x, y), attack = small_network().eval(), labelled_images(), self.attack(norm)
        before, state = x.clone(), torch.random.get_rng_state()
        attacked = attack(network, x, y)
        assert attacked.shape == x.shape
        assert attacked.dtype == x.dtype
        assert not attacked.requires_grad
        self._check_within(attacked, x, norm)
        assert torch.equal(x, before)
        assert torch.equal(torch.random.get_rng_state(), state)
        assert torch.equal(attack(network, x, y), attacked)
        assert all(weight.grad is None for weight in network.parameters())

    @every_norm
    def test_some_images_are_fooled(self, norm: str) -> None:
        """Five of 24 images at least, where noise of that size fools one."""
        network, (x, y) = small_network().eval(), labelled_images()
        attacked = self.attack(norm)(network, x, y)
        assert int((network(attacked).argmax(1) != y).sum()) >= 5

    @every_norm
    def test_images_and_networks_may_have_channels_last(self, norm: str) -> None:
        """The layout in memory changes nothing."""
        attack, network, (x, y) = self.attack(norm), small_network().eval(), labelled_images()
        # In double precision rounding turns no sign, so that the images are the same; in single
        # precision what is fooled is.
        if self.keeps_precision:
            network, x = network.double(), x.double()
        plain = attack(network, x, y)
        wrong = network(plain).argmax(1) != y
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x = x.to(memory_format=torch.channels_last)
        attacked = attack(network, x, y)
        self._check_within(attacked, x, norm)
        assert torch.equal(network(attacked).argmax(1) != y, wrong)
        if self.keeps_precision:
            torch.testing.assert_close(attacked, plain, rtol=0, atol=1e-9)

    @every_norm
    def test_training_mode_and_statistics_are_kept(self, norm: str) -> None:
        """A network in training mode stays so, and its statistics do not move."""
        network, (x, y) = small_network().train(), labelled_images()
        statistics = network[1].running_mean.clone()  # type: ignore[operator]
        with torch.no_grad():
            self.attack(norm)(network, x, y)
        assert network.training
        assert torch.equal(network[1].running_mean, statistics)  # type: ignore[arg-type]

    @every_norm
    def test_epsilon_zero_changes_nothing(self, norm: str) -> None:
        """In a ball of radius zero is only the image."""
        x, y = labelled_images(4)
        attacked = self.make(epsilon=0.0, norm=norm)(small_network().eval(), x, y)
        assert torch.allclose(attacked, x)

    @every_norm
    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
    def test_the_callers_mode_changes_nothing(self, norm: str, mode: Any) -> None:
        """Under ``torch.no_grad`` and ``torch.inference_mode`` the images are the same."""
        attack, network, (x, y) = self.attack(norm), small_network().eval(), labelled_images()
        expected = attack(network, x, y)
        with mode():
            assert torch.equal(attack(network, x.clone(), y.clone()), expected)
            assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)

    @every_norm
    def test_every_module_is_attacked_in_evaluation_mode(self, norm: str) -> None:
        """Modules in training mode are attacked as in evaluation mode, and stay as they were."""
        attack, network, (x, y) = self.attack(norm), small_network().eval(), labelled_images()
        expected = attack(network, x, y)
        statistics = network[1].running_mean.clone()  # type: ignore[operator]
        network[1].train()  # below a root in evaluation mode
        for given in (network, lambda x: network(x), nn.Sequential(nn.Identity(), network)):
            assert torch.equal(attack(given, x, y), expected)
        assert torch.equal(network[1].running_mean, statistics)  # type: ignore[arg-type]
        assert [module.training for module in network] == [False, True, False, False, False]

    @every_norm
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_images_of_any_type_stay_in_the_ball(self, norm: str, dtype: torch.dtype) -> None:
        """Images keep their type and the ball, and about as many are fooled."""
        attack, (x, y) = self.attack(norm), labelled_images()
        exact, network, x = small_network().eval(), small_network().eval().to(dtype), x.to(dtype)
        attacked = attack(network, x, y)
        assert attacked.dtype == dtype
        self._check_within(attacked, x, norm)
        # Rounding turns an image here and there. Attacked in half precision, or with what crossed
        # a boundary rounded back over it, next to none would be fooled.
        wide = attack(exact, x.float(), y)
        pairs = ((network, attacked), (exact, wide))
        wrong = [int((net(z).argmax(1) != y).sum()) for net, z in pairs]
        assert wrong[0] > 0.5 * wrong[1]

    @every_norm
    def test_no_images_are_no_attacked_images(self, norm: str) -> None:
        """An empty batch is attacked."""
        x, y = torch.zeros(0, 3, 8, 8), torch.zeros(0, dtype=torch.int64)
        assert self.attack(norm)(small_network(), x, y).shape == (0, 3, 8, 8)

    @every_norm
    @pytest.mark.parametrize("label", [-1, -100, 4, 10])
    def test_classes_that_the_network_does_not_know_are_refused(
        self, norm: str, label: int
    ) -> None:
        """A label that the network has no logit for is refused, wherever it is."""
        x, y = labelled_images(40)
        y[37] = label  # beyond the images that are looked at
        with pytest.raises(InvalidInputError, match=f"y: expected classes from 0 .*, got {label}"):
            self.attack(norm)(small_network(), x, y)
