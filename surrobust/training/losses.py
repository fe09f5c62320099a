"""What is minimised: a loss is a function of the network, a batch and the attack's first step."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn import functional

from ..networks import FoldedNetwork, GenotypeNetwork
from .inner import attack_batch
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
    divergence = functional.kl_div(
        functional.log_softmax(attacked, 1), functional.softmax(logits, 1), reduction="batchmean"
    )
    return functional.cross_entropy(logits, y) + recipe.beta * divergence + auxiliary


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {"clean": clean, "adversarial": adversarial, "trades": trades}
)
"""Every loss by name."""
