"""Proxies that weigh weights and channels by gradients."""

import math
from copy import deepcopy

import torch
from torch import nn
from torch.nn import functional

from ..networks import CellNetwork
from ..networks.normalisation import Normalise
from .base import AbstractProxy
from .batch_pass import Need
from .probe import Probe


class GradNorm(AbstractProxy):
    """Sum over layers of the Euclidean norm of the loss's gradient by the layer's weight.

    ``sum_l ||dL/dW_l||_2`` over convolutions and the classifier, L the mean cross-entropy on the
    batch (Abdelfattah, Mehrotra, Dudziak & Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR
    2021, section 3).
    """

    name = "grad_norm"
    needs = frozenset({Need.WEIGHT_GRADIENTS})

    def _score(self, probe: Probe) -> float:
        return sum(float(gradient.norm()) for gradient in probe.batch_pass.gradients)


class Snip(AbstractProxy):
    """Sum over weights of ``|w * dL/dw|``, how much the loss feels each weight's removal.

    Lee, Ajanthan & Torr, "SNIP: Single-shot Network Pruning based on Connection Sensitivity"
    (ICLR 2019), equation 4 without its normalisation, summed over the network as by Abdelfattah et
    al. (ICLR 2021), equation 1.
    """

    name = "snip"
    needs = frozenset({Need.WEIGHT_GRADIENTS})

    def _score(self, probe: Probe) -> float:
        record = probe.batch_pass
        pairs = zip(record.layers, record.gradients, strict=True)
        return sum(float((layer.weight.detach() * g).abs().sum()) for layer, g in pairs)


class Grasp(AbstractProxy):
    """Minus the sum over weights of ``w * (H g)``: what their removal does to the gradient flow.

    H and g are Hessian and gradient of the mean cross-entropy by the weights of all convolutions
    and the classifier, at temperature 1 (Wang, Zhang & Grosse, "Picking Winning Tickets Before
    Training by Preserving Gradient Flow", ICLR 2020, equation 8; with the sign and the sum of
    Abdelfattah et al., ICLR 2021). Differentiating batch norm twice is slow on a CPU, hence few
    images; a difference of gradients would not do, they jump wherever a ReLU switches.

    Args:
        images: How many images of the batch to take, at most.
    """

    name = "grasp"

    def __init__(self, images: int = 16) -> None:
        self.images = images

    def _score(self, probe: Probe) -> float:
        network = probe.copy()
        weights = [layer.weight for layer in network.layers()]
        loss = functional.cross_entropy(network(probe.x[: self.images]), probe.y[: self.images])
        gradients = torch.autograd.grad(
            loss, weights, create_graph=True, allow_unused=True, materialize_grads=True
        )
        # With one g held constant, the derivative by w is H g.
        flow = torch.stack([(g.detach() * g).sum() for g in gradients]).sum()
        if not flow.requires_grad:
            return 0.0
        products = torch.autograd.grad(flow, weights, allow_unused=True, materialize_grads=True)
        pairs = zip(weights, products, strict=True)
        return -sum(float((weight.detach() * product).sum()) for weight, product in pairs)


class Fisher(AbstractProxy):
    """Sum over channels of half the mean square of output times gradient.

    For channel c of a layer with output z, ``1/2 mean_n (sum_positions z_nc dL/dz_nc)^2``, summed
    over the channels of all convolutions (before batch norm) and the classifier (Turner, Crowley,
    O'Boyle, Storkey & Gray, "BlockSwap: Fisher-guided Block Substitution", ICLR 2020; Theis et
    al., "Faster gaze prediction with dense networks and Fisher pruning", 2018, equation 10).
    """

    name = "fisher"
    needs = frozenset({Need.CHANNEL_SALIENCY})

    def _score(self, probe: Probe) -> float:
        return sum(float(s.square().mean(0).sum()) / 2 for s in probe.batch_pass.saliencies)


class Plain(AbstractProxy):
    """Sum over weights of ``w * dL/dw``, with its sign.

    Mozer & Smolensky, "Skeletonization" (NeurIPS 1988), as used by Krishnakumar et al.,
    "NAS-Bench-Suite-Zero" (NeurIPS 2022). Behind batch norm the sum of a layer is zero but for
    rounding, so what is left is the classifier's and the shortcuts' share.
    """

    name = "plain"
    needs = frozenset({Need.WEIGHT_GRADIENTS})

    def _score(self, probe: Probe) -> float:
        record = probe.batch_pass
        pairs = zip(record.layers, record.gradients, strict=True)
        return sum(float((layer.weight.detach() * g).sum()) for layer, g in pairs)


class Synflow(AbstractProxy):
    """Logarithm of the synaptic flow through the network, without data.

    With all weights replaced by their absolute values, batch norm left out and an image of ones,
    ``log sum_w |w * dR/dw|`` over convolutions and the classifier, R the sum of logits (Tanaka,
    Kunin, Yamins & Ganguli, "Pruning neural networks without any data by iteratively conserving
    synaptic flow", NeurIPS 2020, equation 2; summed by Abdelfattah et al., ICLR 2021; the
    logarithm as in NAS-Bench-Suite-Zero, whose score is 0 where nothing flows). Computed in double
    precision.
    """

    name = "synflow"

    def _score(self, probe: Probe) -> float:
        network = linearised(probe.network)
        # Doubles: the flow is up to e^115 (data/proxies.csv.gz), and float32 ends at e^88.
        image = torch.ones_like(probe.x[:1], dtype=torch.float64)
        layers = network.layers()
        summed = network(image).sum()
        weights = [layer.weight for layer in layers]
        gradients = torch.autograd.grad(summed, weights, allow_unused=True, materialize_grads=True)
        pairs = zip(layers, gradients, strict=True)
        flow = sum(float((layer.weight.detach() * g).abs().sum()) for layer, g in pairs)
        return math.log(flow) if flow > 0 else 0.0


@torch.no_grad()
def linearised(network: CellNetwork) -> CellNetwork:
    """Return a copy with absolute parameters, without batch norm and normalisation, in float64.

    Args:
        network: Left as it is.
    """
    copy = deepcopy(network).double()
    # A list, as children are replaced on the way.
    for module in list(copy.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d | Normalise):
                module.add_module(name, nn.Identity())
    for parameter in copy.parameters():
        parameter.abs_()
    return copy
