"""Proxy ``grasp``."""

import torch
from torch.nn import functional

from .base import AbstractProxy
from .probe import Probe


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
        flow = torch.stack([(g.detach() * g).sum() for g in gradients]).sum()
        if not flow.requires_grad:
            return 0.0
        products = torch.autograd.grad(flow, weights, allow_unused=True, materialize_grads=True)
        pairs = zip(weights, products, strict=True)
        return -sum(float((weight.detach() * product).sum()) for weight, product in pairs)
