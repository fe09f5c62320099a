"""Proxy ``synflow``."""

import math

import torch

from .base import AbstractProxy
from .linearised import linearised
from .probe import Probe


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
        image = torch.ones_like(probe.x[:1], dtype=torch.float64)
        layers = network.layers()
        summed = network(image).sum()
        weights = [layer.weight for layer in layers]
        gradients = torch.autograd.grad(summed, weights, allow_unused=True, materialize_grads=True)
        pairs = zip(layers, gradients, strict=True)
        flow = sum(float((layer.weight.detach() * g).abs().sum()) for layer, g in pairs)
        return math.log(flow) if flow > 0 else 0.0
