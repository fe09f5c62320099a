"""Zero-cost proxies: numbers from one batch through an untrained network, by name in PROXIES.

Beside every one of them stands ``params``: no published proxy ranks adversarially trained accuracy
better than the plain parameter count.
"""

from .base import AbstractProxy
from .epe_nas import EpeNas
from .fisher import Fisher
from .flops import Flops
from .grad_norm import GradNorm
from .jacov import Jacov
from .l2_norm import L2Norm
from .needs import Need
from .nwot import Nwot
from .params import Params
from .plain import Plain
from .probe import Probe
from .scoring import ProxyScorer, score_proxies
from .snip import Snip
from .synflow import Synflow
from .zen import Zen

PROXIES: dict[str, type[AbstractProxy]] = {
    "params": Params,
    "flops": Flops,
    "grad_norm": GradNorm,
    "snip": Snip,
    "synflow": Synflow,
    "fisher": Fisher,
    "jacov": Jacov,
    "nwot": Nwot,
    "zen": Zen,
    "l2_norm": L2Norm,
    "plain": Plain,
    "epe_nas": EpeNas,
}
"""Every proxy by its name."""

__all__ = ["PROXIES", "AbstractProxy", "Need", "Probe", "ProxyScorer", "score_proxies"]
