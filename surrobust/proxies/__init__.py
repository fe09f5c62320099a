"""Zero-cost proxies: numbers from one batch through an untrained network, by name in PROXIES.

Beside every one of them stands ``params``: no published proxy ranks adversarially trained accuracy
better than the plain parameter count.

Convolutions that zeros cut off count as in the published network: with their weights, with
gradients of zero, with their ReLUs. Where nothing passes from a cell's input to its output, the
images leave no trace in the logits, and proxies that compare them have no value: NaN for ``jacov``,
``epe_nas``, ``zen`` and ``croze``, for ``nwot`` too unless a convolution reads the cell's input.
"""

from .activations import EpeNas, Jacov, Nwot, Zen
from .base import AbstractProxy
from .batch_pass import Need
from .counts import Flops, L2Norm, Params
from .croze import Croze
from .jacobians import CertifiedBound, HessianEigenvalue, JacobianBound, JacobianNorm
from .ntk import NtkClean, NtkRobust, NtkRobustTwice
from .probe import Probe
from .saliency import Fisher, GradNorm, Grasp, Plain, Snip, Synflow
from .scoring import ProxyScorer, score_proxies

PROXIES: dict[str, type[AbstractProxy]] = {
    "params": Params,
    "flops": Flops,
    "grad_norm": GradNorm,
    "snip": Snip,
    "grasp": Grasp,
    "synflow": Synflow,
    "fisher": Fisher,
    "jacov": Jacov,
    "nwot": Nwot,
    "zen": Zen,
    "l2_norm": L2Norm,
    "plain": Plain,
    "epe_nas": EpeNas,
    "jacobian_norm": JacobianNorm,
    "hessian_eigenvalue": HessianEigenvalue,
    "croze": Croze,
    "ntk_clean": NtkClean,
    "ntk_robust": NtkRobust,
    "ntk_robust_twice": NtkRobustTwice,
    "jacobian_bound": JacobianBound,
    "certified_bound": CertifiedBound,
}
"""Every proxy by its name."""

__all__ = ["PROXIES", "AbstractProxy", "Need", "Probe", "ProxyScorer", "score_proxies"]
