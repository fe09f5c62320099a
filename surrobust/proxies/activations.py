"""Proxies of how images differ inside the network, or from pixel to logit."""

import torch
from torch import nn

from ..networks import CellNetwork
from .base import AbstractProxy
from .batch_pass import Need
from .probe import Probe

_LEAST_EIGENVALUE = 1e-5


class Jacov(AbstractProxy):
    """How little the linear maps at the images of the batch correlate.

    With the eigenvalues ``s_i`` of the correlation matrix of the images' input gradients (of the
    sum of logits), ``-sum_i log(s_i + k) + 1 / (s_i + k)``, k = 1e-5 (Mellor, Turner, Storkey &
    Crowley, "Neural Architecture Search without Training", arXiv 2006.04647v1, equation 4).
    """

    name = "jacov"
    needs = frozenset({Need.INPUT_GRADIENT})

    def _score(self, probe: Probe) -> float:
        gradients = probe.batch_pass.input_gradient
        if gradients is None:
            return float("nan")
        # In doubles: float32 would err by about k where eigenvalues go up to n = 64.
        values = torch.linalg.eigvalsh(torch.corrcoef(gradients.double())) + _LEAST_EIGENVALUE
        return -float((values.log() + 1 / values).sum())


class Nwot(AbstractProxy):
    """Log-determinant of the kernel of activation patterns.

    ``log |det K|``, where ``K_ij`` is the number of ReLUs that are on for both or off for both of
    images i and j (Mellor, Turner, Storkey & Crowley, "Neural Architecture Search without
    Training", ICML 2021, equations 1 and 2, there as total minus Hamming distance).
    """

    name = "nwot"
    needs = frozenset({Need.ACTIVATION_KERNEL})

    def _score(self, probe: Probe) -> float:
        kernel = probe.batch_pass.kernel
        return float("nan") if kernel is None else float(torch.linalg.slogdet(kernel).logabsdet)


_STEP = 1e-2
_MOMENTUM = 0.1


class Zen(AbstractProxy):
    """Zen score: how far the features of a Gaussian network move with its input.

    With weights and inputs from N(0, 1), ``log mean_n ||f(x) - f(x + 0.01 x')||_1`` of the features
    before the global pool, plus ``sum_BN log sqrt(mean running variance)`` after the two passes,
    which undoes what batch norm scales away (Lin et al., "Zen-NAS: A Zero-Shot NAS for
    High-Performance Image Recognition", ICCV 2021, algorithm 1; the 1-norm, the running variances
    and the two passes as in the authors' code and NAS-Bench-Suite-Zero's). It reads no images.
    """

    name = "zen"

    def _score(self, probe: Probe) -> float:
        generator = probe.generator(self.name)
        network = probe.copy()
        redraw(network, generator)
        shape = probe.x.shape
        x, other = (torch.randn(shape, generator=generator).to(probe.x) for _ in range(2))
        # As the kernels lie, see ``ProxyScorer.layout``.
        layout = torch.channels_last if x.device.type == "cpu" else torch.preserve_format
        x, other = x.contiguous(memory_format=layout), other.contiguous(memory_format=layout)
        with torch.no_grad():
            # Two passes in training mode, which ``_log_scales`` reads the variances of.
            moved = network.features(x) - network.features(x + _STEP * other)
            distance = moved.abs().sum(dim=(1, 2, 3)).mean()
            return float(distance.log()) + _log_scales(network)


@torch.no_grad()
def redraw(network: CellNetwork, generator: torch.Generator) -> None:
    """Draw weights from N(0, 1), set biases to zero, reset batch norm, normalise nothing."""
    channels = len(network.normalise.mean)
    network.normalise.set_statistics(((0.0,) * channels, (1.0,) * channels))
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator))
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            # Torch's own, as where scores were published; a probe's network has 1.
            module.momentum = _MOMENTUM


def _log_scales(network: CellNetwork) -> float:
    return sum(
        float(module.running_var.mean().sqrt().log())
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d) and module.running_var is not None
    )


_SMALLEST = 1e-5
_MANY_CLASSES = 100


class EpeNas(AbstractProxy):
    """How the linear maps at images of the same class correlate.

    For each class in the batch, ``s_c = sum_ij log(|corr_ij| + k)`` over the correlation matrix of
    its images' input gradients (of the sum of logits), k = 1e-5; the score is ``sum_c |s_c|``.
    With more than 100 classes ``s_c`` is divided by the images of the class, and the score is the
    sum of ``|s_c - s_d|`` over all pairs, divided by the classes seen (Lopes, Alirezazadeh &
    Alexandre, "EPE-NAS: Efficient Performance Estimation Without Training for Neural Architecture
    Search", ICANN 2021, equations 4 to 6).
    """

    name = "epe_nas"
    needs = frozenset({Need.INPUT_GRADIENT})

    def _score(self, probe: Probe) -> float:
        gradients = probe.batch_pass.input_gradient
        if gradients is None:
            return float("nan")
        many = probe.network.sizes["classes"] > _MANY_CLASSES
        sums = []
        for label in probe.y.unique():
            mine = gradients[probe.y == label].double()
            # Of a single image it is a number.
            correlation = torch.atleast_2d(torch.corrcoef(mine))
            summed = (correlation.abs() + _SMALLEST).log().sum()
            sums.append(summed / len(mine) if many else summed)
        s = torch.stack(sums)
        return float((s[:, None] - s).abs().sum() / len(s)) if many else float(s.abs().sum())
