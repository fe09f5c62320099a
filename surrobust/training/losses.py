"""What is minimised: a loss is a function of the network, a batch and the attack's first step."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn import functional

from .inner import attack_batch
from .recipe import InnerAttack, Recipe

Loss = Callable[[nn.Module, Tensor, Tensor, Tensor, Recipe, InnerAttack | None], Tensor]
"""``(network, x, y, start, recipe, attack)`` to a number; the network is in training mode."""


def clean(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    recipe: Recipe,
    attack: InnerAttack | None,
) -> Tensor:
    """Return the cross-entropy of the images themselves."""
    del start, recipe, attack
    return functional.cross_entropy(network(x).float(), y)


def adversarial(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    recipe: Recipe,
    attack: InnerAttack | None,
) -> Tensor:
    """Return the cross-entropy of the attacked images alone.

    Madry, Makelov, Schmidt, Tsipras & Vladu, "Towards deep learning models resistant to
    adversarial attacks" (ICLR 2018, arXiv 1706.06083), equation 2.1.
    """
    del recipe
    assert attack is not None
    found = attack_batch(network, x, y, start, attack)
    return functional.cross_entropy(network(found).float(), y)


def trades(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    recipe: Recipe,
    attack: InnerAttack | None,
) -> Tensor:
    """Return the cross-entropy of the images plus beta times the divergence of the attacked ones.

    Zhang, Yu, Jiao, Xing, El Ghaoui & Jordan, "Theoretically principled trade-off between
    robustness and accuracy" (ICML 2019, arXiv 1901.08573), equation 5; the attack climbs the
    divergence.
    """
    assert attack is not None
    assert recipe.beta is not None
    found = attack_batch(network, x, y, start, attack, divergence=True)
    logits, attacked = network(x).float(), network(found).float()
    divergence = functional.kl_div(
        functional.log_softmax(attacked, 1), functional.softmax(logits, 1), reduction="batchmean"
    )
    return functional.cross_entropy(logits, y) + recipe.beta * divergence


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {"clean": clean, "adversarial": adversarial, "trades": trades}
)
"""Every loss by name."""
