"""Proxies ``ntk_clean``, ``ntk_robust`` and ``ntk_robust_twice``."""

from abc import ABC
from typing import ClassVar

import torch
from torch import Tensor

from .._checks import check_choice
from ..attacks import PGD
from .base import AbstractProxy
from .probe import Probe, gradient_gram

STATISTICS = ("min_eigenvalue", "frobenius", "condition")
"""What is read off a kernel: smallest eigenvalue, Frobenius norm, largest by smallest."""


class AbstractKernelProxy(AbstractProxy, ABC):
    """A statistic of the empirical neural tangent kernel at initialisation.

    Wu, Liu, Simon-Gabriel, Chrysos & Cevher, "Robust NAS under adversarial training: benchmark,
    theory, and beyond" (ICLR 2024, arXiv 2403.13134): the generalisation bounds under adversarial
    training depend on the smallest eigenvalues of the kernels on clean, attacked and twice attacked
    images (theorem 1; the attack is run again from the attacked image). The kernel is that of the
    sum of logits by the weights, with batch norm frozen at the batch's statistics; the attack is
    PGD from the image itself. Unlike the paper, which searches with a norm in its place, the
    default is the smallest eigenvalue; the norm and the condition number are options.

    There is no official code of these scores: the benchmark's repository has none. Which norm,
    output, images and steps of the attack the paper took is not known, so that its figures cannot
    be expected of ours.

    Args:
        statistic: One of :data:`STATISTICS`.
        images: How many images of the batch to take, at most.
        epsilon: Linf radius of one attack on the [0, 1] pixel scale.
        steps: Gradient steps of one attack, 2.5 epsilon together.
    """

    times: ClassVar[int]
    """How often the images are attacked."""

    def __init__(
        self,
        statistic: str = "min_eigenvalue",
        *,
        images: int = 16,
        epsilon: float = 8 / 255,
        steps: int = 3,
    ) -> None:
        self.statistic = check_choice("statistic", statistic, STATISTICS)
        self.images, self.epsilon, self.steps = images, epsilon, steps
        self._pgd = PGD(epsilon, steps=steps, random_start=False)

    @property
    def column(self) -> str:
        """The name, and the statistic where it is not the default."""
        default = self.statistic == STATISTICS[0]
        return self.name if default else f"{self.name}-{self.statistic}"

    def _score(self, probe: Probe) -> float:
        options = (self.images, self.epsilon, self.steps, self.times)
        values = probe.once(("kernel", *options), lambda: self._eigenvalues(probe, self.times))
        return read_statistic(values, self.statistic)

    def _eigenvalues(self, probe: Probe, times: int) -> Tensor:
        return torch.linalg.eigvalsh(gradient_gram(probe.calibrated, self._images(probe, times)))

    def _images(self, probe: Probe, times: int) -> Tensor:
        """Return the images attacked so many times, each attack from where the last one ended."""
        if times == 0:
            return probe.x[: self.images]
        options = (self.images, self.epsilon, self.steps, times)
        return probe.once(("attacked", *options), lambda: self._attack(probe, times))

    def _attack(self, probe: Probe, times: int) -> Tensor:
        x, y = self._images(probe, times - 1), probe.y[: self.images]
        # Of an untrained network no robustness is claimed, which the checks would warn about.
        return self._pgd(probe.calibrated, x, y, checks=False)


def read_statistic(eigenvalues: Tensor, statistic: str) -> float:
    """Return a statistic of a kernel from its eigenvalues in ascending order.

    The condition number is NaN where the smallest eigenvalue is not positive.
    """
    smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    if statistic == "min_eigenvalue":
        return smallest
    if statistic == "frobenius":
        # Of a symmetric matrix, whose squared entries sum up to its squared eigenvalues.
        return float(eigenvalues.norm())
    return largest / smallest if smallest > 0 else float("nan")


class NtkClean(AbstractKernelProxy):
    """Of the kernel on the images as they are."""

    name = "ntk_clean"
    times = 0


class NtkRobust(AbstractKernelProxy):
    """Of the kernel on attacked images."""

    name = "ntk_robust"
    times = 1


class NtkRobustTwice(AbstractKernelProxy):
    """Of the kernel on images that were attacked twice."""

    name = "ntk_robust_twice"
    times = 2
