"""A step of training: the attack inside, the loss, and SGD whose numbers live on the device.

The attacks of ``surrobust.attacks`` check what they are given and what they return, and wait for
the device to do so; here they would be called thousands of times on images that are in range by
construction.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks import FoldedNetwork, GenotypeNetwork
from ..spaces.darts import N_INPUTS, N_NODES
from .recipe import InnerAttack, Recipe

Loss = Callable[..., Tensor]
"""``(network, x, y, start, recipe, attack, paths)`` to a number; the network is in training mode.

``paths`` drops paths of a DARTS-type network and may be left out; so may ``twin``, the network as
an attack in evaluation sees it, which saves making one.
"""


def read_logits(network: nn.Module, x: Tensor, paths: Tensor | None) -> Tensor:
    """Return logits; a network of NAS-Bench-201 has no paths to drop."""
    return (network(x) if paths is None else network(x, paths)).float()


def read_clean(
    network: nn.Module, x: Tensor, y: Tensor, recipe: Recipe, paths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the logits of the images themselves, and the weighted auxiliary loss."""
    if recipe.auxiliary is None:
        return read_logits(network, x, paths), x.new_zeros(())
    assert isinstance(network, GenotypeNetwork)
    logits, extra = network.both(x, paths)
    assert extra is not None
    return logits.float(), recipe.auxiliary * functional.cross_entropy(extra.float(), y)


def clean(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    recipe: Recipe,
    attack: InnerAttack | None,
    paths: Tensor | None = None,
    *,
    twin: FoldedNetwork | None = None,
) -> Tensor:
    """Return the cross-entropy of the images themselves."""
    del start, attack, twin
    logits, auxiliary = read_clean(network, x, y, recipe, paths)
    return functional.cross_entropy(logits, y) + auxiliary


def adversarial(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    recipe: Recipe,
    attack: InnerAttack | None,
    paths: Tensor | None = None,
    *,
    twin: FoldedNetwork | None = None,
) -> Tensor:
    """Return the cross-entropy of the attacked images alone.

    Madry, Makelov, Schmidt, Tsipras & Vladu, "Towards deep learning models resistant to
    adversarial attacks" (ICLR 2018, arXiv 1706.06083), equation 2.1. An auxiliary classifier, where
    there is one, learns from the images themselves, as in the code of ARNAS (CVPR 2024).
    """
    assert attack is not None
    # Before the attack, as in the code of ARNAS: batch norm sees the clean images first.
    auxiliary = None
    if recipe.auxiliary is not None:
        auxiliary = read_clean(network, x, y, recipe, paths)[1]
    found = attack_batch(network, x, y, start, attack, twin=twin)
    loss = functional.cross_entropy(read_logits(network, found, paths), y)
    return loss if auxiliary is None else loss + auxiliary


def trades(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    recipe: Recipe,
    attack: InnerAttack | None,
    paths: Tensor | None = None,
    *,
    twin: FoldedNetwork | None = None,
) -> Tensor:
    """Return the cross-entropy of the images plus beta times the divergence of the attacked ones.

    Zhang, Yu, Jiao, Xing, El Ghaoui & Jordan, "Theoretically principled trade-off between
    robustness and accuracy" (ICML 2019, arXiv 1901.08573), equation 5; the attack climbs the
    divergence.
    """
    assert attack is not None
    assert recipe.beta is not None
    found = attack_batch(network, x, y, start, attack, divergence=True, twin=twin)
    logits, auxiliary = read_clean(network, x, y, recipe, paths)
    attacked = read_logits(network, found, paths)
    # KL(clean || attacked) in torch's order; both sides learn, as in the authors' code.
    divergence = functional.kl_div(
        functional.log_softmax(attacked, 1), functional.softmax(logits, 1), reduction="batchmean"
    )
    return functional.cross_entropy(logits, y) + recipe.beta * divergence + auxiliary


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {"clean": clean, "adversarial": adversarial, "trades": trades}
)
"""Every loss by name."""


def draw_start(x: Tensor, attack: InnerAttack | None, generator: torch.Generator) -> Tensor:
    """Return the first perturbation of a batch, drawn before the step that uses it."""
    if attack is None or attack.start == "image":
        return torch.zeros_like(x)
    start = torch.empty_like(x)
    if attack.start == "near":
        # As in the codes of TRADES and ARNAS; at the image itself the divergence has no slope.
        return start.normal_(0, 1e-3, generator=generator)
    return start.uniform_(-attack.epsilon, attack.epsilon, generator=generator)


def draw_paths(
    recipe: Recipe, epoch: int, x: Tensor, generator: torch.Generator
) -> tuple[Tensor] | tuple[()]:
    """Return zeros for the paths that a step drops, ``1 / share kept`` for the others.

    Args:
        recipe: Says which share is dropped at the end.
        epoch: Epochs done.
        x: The ``n`` images of the step.
        generator: On their device.

    Returns:
        One tensor ``(cells, ops of a cell, n)``; nothing where the recipe drops no paths.
    """
    if recipe.drop_path is None:
        return ()
    # As in DARTS: the share grows epoch by epoch; by ``1 / kept`` the mean stays.
    kept = 1 - recipe.drop_path * epoch / recipe.epochs
    paths = x.new_empty((recipe.cells, N_NODES * N_INPUTS, len(x)))
    return (paths.bernoulli_(kept, generator=generator).div_(kept),)


def attack_batch(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    attack: InnerAttack,
    *,
    divergence: bool = False,
    twin: FoldedNetwork | None = None,
) -> Tensor:
    """Return attacked images ``(b, 3, h, w)`` in [0, 1], within the Linf ball around ``x``.

    Args:
        network: In training mode, and left so.
        x: Images in [0, 1].
        y: Their classes.
        start: First perturbation.
        attack: Steps and sizes.
        divergence: Climb the KL divergence from the logits of ``x``, not the cross-entropy.
        twin: The network's own, which is refreshed; None makes one where the attack is to see the
            network in evaluation.
    """
    if attack.modes == "train":
        return _climb(network, x, y, start, attack, divergence=divergence)
    if twin is None:
        twin = FoldedNetwork(network)
    else:
        twin.refresh()
    with as_written(x.device):
        return _climb(twin, x, y, start, attack, divergence=divergence)


def as_written(device: torch.device) -> AbstractContextManager[object]:
    """Compute with the types that tensors have: a twin has its own."""
    kind = device.type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def _climb(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    attack: InnerAttack,
    *,
    divergence: bool,
) -> Tensor:
    # Ball and pixels' range are boxes, and so is what they have in common: one projection.
    low = (x - attack.epsilon).clamp_(min=0)
    high = (x + attack.epsilon).clamp_(max=1)
    target = _soft(network, x) if divergence else y
    found = torch.minimum(torch.maximum(x + start, low), high)
    for _ in range(attack.steps):
        found.requires_grad_()
        loss = _climbed(network(found), target, divergence=divergence)
        (gradient,) = torch.autograd.grad(loss, found)
        with torch.no_grad():
            moved = found + attack.step_size * gradient.sign()
            found = torch.minimum(torch.maximum(moved, low), high)
    return found.detach()


@torch.no_grad()
def _soft(network: nn.Module, x: Tensor) -> Tensor:
    return functional.softmax(network(x).float(), dim=1)


def _climbed(logits: Tensor, target: Tensor, *, divergence: bool) -> Tensor:
    logits = logits.float()
    if divergence:
        return functional.kl_div(functional.log_softmax(logits, 1), target, reduction="sum")
    return functional.cross_entropy(logits, target, reduction="sum")


class MomentumSGD:
    """Stochastic gradient descent with momentum, all parameters at once.

    The same as ``torch.optim.SGD`` with ``weight_decay`` and without damping, but learning rate
    and momentum are read from a tensor, so that a schedule costs no round trip to the host and a
    captured step can be replayed. Parameters without a gradient stay.

    Args:
        parameters: What is trained.
        weight_decay: Share of a parameter that is added to its gradient.
        clip: Largest norm of the gradient of all parameters together, as in torch's
            ``clip_grad_norm_``; what is longer is shortened to it. None is any.
        nesterov: Whether a step looks ahead along the momentum (Sutskever, Martens, Dahl & Hinton,
            ICML 2013), in torch's form: the gradient and so much of the new momentum.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        weight_decay: float,
        clip: float | None = None,
        nesterov: bool = False,
    ) -> None:
        self.parameters = list(parameters)
        # From zeros the first step is torch's, whose buffer begins as the gradient.
        self.momenta = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.weight_decay, self.clip, self.nesterov = weight_decay, clip, nesterov

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            # Not zero: ``step`` leaves alone what no gradient has come to.
            parameter.grad = None

    @torch.no_grad()
    def step(self, setting: Tensor) -> None:
        """Take a step.

        Args:
            setting: Learning rate and momentum, shape ``(2,)``, on the parameters' device.
        """
        pairs = zip(self.parameters, self.momenta, strict=True)
        live = [(p, m, p.grad) for p, m in pairs if p.grad is not None]
        parameters, momenta, found = (list(column) for column in zip(*live, strict=True))
        if self.clip is not None:
            length = torch.stack(torch._foreach_norm(found)).norm()
            # 1e-6 as in torch.
            found = list(torch._foreach_mul(found, (self.clip / (length + 1e-6)).clamp(max=1.0)))
        # Decay after clipping: in torch one is the optimizer's, and the other comes before it.
        gradients = torch._foreach_add(found, parameters, alpha=self.weight_decay)
        torch._foreach_mul_(momenta, setting[1])
        torch._foreach_add_(momenta, gradients)
        ahead = momenta
        if self.nesterov:
            ahead = list(torch._foreach_add(gradients, torch._foreach_mul(momenta, setting[1])))
        # Not by ``alpha=``, which takes a number of the host.
        steps = torch._foreach_mul(ahead, -setting[0])
        torch._foreach_add_(parameters, steps)
