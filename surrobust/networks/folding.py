"""A network as evaluation computes it: batch norm multiplied into the convolutions before it."""

import itertools
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from .blocks import ConvolutionNorm
from .darts import GenotypeNetwork


class FoldedNetwork(nn.Module):
    """The twin of a network in evaluation, with no gradients by its weights.

    In evaluation batch norm is a linear map of each channel. Multiplied into the kernel of the
    convolution before it, it computes the same, up to rounding, with passes over the images less.
    Products and casts are made once for any number of passes, by :meth:`refresh`, and in place: a
    twin is kept while its network learns, and is part of a captured step.

    Args:
        network: What it is the twin of; stays as it is.
        dtype: What it computes with between normalisation and classifier, which stay as they are,
            and so do images and logits; for networks of this package. None is the network's own.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.twin = deepcopy(network).requires_grad_(False)
        if isinstance(self.twin, GenotypeNetwork):
            self.twin.auxiliary = None  # for training alone
        # In a list, so that they are not parts of this module.
        self._folded = [
            (*pair, _with_bias(twin, names))
            for twin, pair, names in _find_pairs(self.twin, network)
        ]
        if dtype is not None:
            self._cast(dtype)
        mine = {id(m) for *_, m in self._folded}
        originals = dict(network.named_modules())
        # Copied as they are; an identity, a batch norm that was folded or a skip, has nothing.
        self._kept = [
            (originals[name], module)
            for name, module in self.twin.named_modules()
            if name in originals and id(module) not in mine and not isinstance(module, nn.Identity)
        ]
        self.eval()
        self.refresh()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)`` for images ``(n, c, h, w)`` in [0, 1]."""
        return self.twin(x)

    @torch.no_grad()
    def refresh(self) -> None:
        """Take over the network's weights and statistics as they are now."""
        targets, values = self._fold()
        for original, twin in self._kept:
            targets += _tensors(twin)
            values += _tensors(original)
        # One launch copies many tensors, but of two types alone.
        alike: dict[tuple[torch.dtype, torch.dtype], tuple[list[Tensor], list[Tensor]]] = {}
        for target, value in zip(targets, values, strict=True):
            ours, theirs = alike.setdefault((target.dtype, value.dtype), ([], []))
            ours.append(target)
            theirs.append(value)
        for ours, theirs in alike.values():
            torch._foreach_copy_(ours, theirs)

    def _fold(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return kernels and biases of the twin, and what they should be."""
        if not self._folded:
            return [], []
        # Kernel s w and bias beta - s mean, s = gamma / sqrt(variance + eps), channel by channel.
        norms: list[Any] = [norm for _, norm, _ in self._folded]
        # All at once: on a GPU the launches of so small products are what they cost.
        deviations = torch._foreach_add([n.running_var for n in norms], [n.eps for n in norms])
        torch._foreach_rsqrt_(deviations)
        scales: Any = torch._foreach_mul([n.weight for n in norms], deviations)
        # A kernel is (to, from, h, w), and the scale one of what it goes to.
        wide = [scale.view(-1, 1, 1, 1) for scale in scales]
        kernels = torch._foreach_mul([convolution.weight for convolution, *_ in self._folded], wide)
        shifts: Any = torch._foreach_mul([n.running_mean for n in norms], scales)
        biases = torch._foreach_sub([n.bias for n in norms], shifts)
        twins: list[Any] = [twin for *_, twin in self._folded]
        return [*(t.weight for t in twins), *(t.bias for t in twins)], [*kernels, *biases]

    def _cast(self, dtype: torch.dtype) -> None:
        """Let everything but normalisation and classifier compute in a type."""
        for module in self.twin.modules():
            if isinstance(module, nn.Conv2d):
                module.to(dtype)
            elif isinstance(module, nn.Linear):
                module.register_forward_pre_hook(lambda _, given: (given[0].float(),))
        # Normalised before the cast: just below 1, bfloat16's numbers are 1/256 apart, as pixels'.
        normalise: Any = self.twin.normalise
        # Such a hook is given module, inputs and output.
        normalise.register_forward_hook(lambda *given: given[2].to(dtype))


def _find_pairs(
    twin: nn.Module, network: nn.Module
) -> Iterator[tuple[nn.Module, tuple[nn.Conv2d, nn.BatchNorm2d], tuple[str, str]]]:
    """Yield where in a twin a convolution is followed by batch norm, and both of the network."""
    originals = dict(network.named_modules())
    for name, parent in list(twin.named_modules()):
        if not isinstance(parent, ConvolutionNorm | nn.Sequential):
            continue
        for first, second in itertools.pairwise(list(parent.named_children())):
            pair = tuple(getattr(originals[name], part) for part, _ in (first, second))
            if _can_fold(*pair):
                yield parent, pair, (first[0], second[0])


def _can_fold(convolution: nn.Module, norm: nn.Module) -> bool:
    """Return whether batch norm is a linear map of what a convolution without bias returns."""
    return (
        isinstance(convolution, nn.Conv2d)
        and convolution.bias is None
        and isinstance(norm, nn.BatchNorm2d)
        and norm.affine
        and norm.running_var is not None
    )


def _with_bias(parent: nn.Module, names: tuple[str, str]) -> nn.Conv2d:
    """Put a convolution with a bias in the place of one without and of the batch norm behind it."""
    convolution, norm = (getattr(parent, name) for name in names)
    convolution.bias = nn.Parameter(torch.zeros_like(norm.bias), requires_grad=False)
    setattr(parent, names[1], nn.Identity())
    return convolution


def _tensors(module: nn.Module) -> list[Tensor]:
    """Return what a module, without its children, computes with."""
    found = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    # Without batch norm's count of batches, which evaluation does not read.
    return [tensor for tensor in found if tensor.is_floating_point()]
