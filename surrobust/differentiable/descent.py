"""The alternation of the two problems: a step of the architecture, then a step of the weights."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._seals import find_difference
from .base import AbstractGradientStrategy, SearchBatch
from .batches import Halves
from .settings import Settings
from .supernets import AbstractSupernet
from .supernets.base import ALPHAS
from .unrolling import Function, InnerStep, architecture_gradients

_BETAS = (0.5, 0.999)


class Descent:
    """A supernet, its two optimizers, and how far they are.

    Args:
        network: The supernet, on its device.
        method: The strategy.
        settings: The schedule.
        halves: The images.
    """

    def __init__(
        self,
        network: AbstractSupernet,
        method: AbstractGradientStrategy,
        settings: Settings,
        halves: Halves,
    ) -> None:
        self.network, self.method, self.settings, self.halves = network, method, settings, halves
        self.total = settings.epochs * halves.steps
        """Steps of the whole search."""
        self.step = 0
        """Steps done."""
        self.weights = network.weights()
        self._sgd = torch.optim.SGD(
            self.weights.values(),
            lr=settings.weight_rate,
            momentum=settings.weight_momentum,
            weight_decay=settings.weight_decay,
        )
        self._adam = torch.optim.Adam(
            [network.alphas],
            lr=settings.alpha_rate,
            betas=_BETAS,
            weight_decay=settings.alpha_decay,
        )
        calibrate(network, halves.fit(0).x)

    def advance(self) -> dict[str, float]:
        """Do one step and return what there is to tell of it."""
        fit = self.halves.fit(self.step)
        epoch = self.step // self.halves.steps
        rate = self._rate(epoch)
        self.network.train()
        fitted = SearchBatch(self.method.fitted(self.network, fit), fit.y)
        notes = {}
        if epoch >= self.settings.warm_up:
            notes = self._move_architecture(fitted, rate)
        loss = self._move_weights(fitted, rate)
        self.step += 1
        return {"fit": loss, **notes}

    def _rate(self, epoch: int) -> float:
        """Return the learning rate of the weights in an epoch, from 0."""
        start, end = self.settings.weight_rate, self.settings.weight_rate_end
        return end + (start - end) * (1 + math.cos(math.pi * epoch / self.settings.epochs)) / 2

    def _move_architecture(self, fitted: SearchBatch, rate: float) -> dict[str, float]:
        outers = self.method.outers(self.network, self.halves.held(self.step))
        second = self.settings.order == 2
        found = architecture_gradients(
            self.network,
            list(outers.values()),
            inner=fit_loss(fitted) if second else None,
            step=self._inner_step(rate) if second else None,
        )
        values = [float(value) for value, _ in found]
        gradient, notes = self.method.combine([gradient for _, gradient in found], values)
        self.network.alphas.grad = gradient
        self._adam.step()
        self.network.alphas.grad = None
        return {**dict(zip(outers, values, strict=True)), **notes}

    def _inner_step(self, rate: float) -> InnerStep:
        buffers = {}
        for name, weight in self.weights.items():
            buffer = self._sgd.state[weight].get("momentum_buffer") if self._sgd.state else None
            if buffer is not None:
                buffers[name] = buffer
        return InnerStep(rate, self.settings.weight_momentum, self.settings.weight_decay, buffers)

    def _move_weights(self, fitted: SearchBatch, rate: float) -> float:
        for group in self._sgd.param_groups:
            group["lr"] = rate
        weights = list(self.weights.values())
        loss = fit_loss(fitted)(self.network)
        gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        nn.utils.clip_grad_norm_(weights, self.settings.clip)
        self._sgd.step()
        self._sgd.zero_grad(set_to_none=True)
        return float(loss.detach())

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that a step changes, by name."""
        found = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        for name, weight in self.weights.items():
            for key, value in self._sgd.state.get(weight, {}).items():
                if isinstance(value, Tensor):
                    found[f"sgd.{name}.{key}"] = value
        for key, value in self._adam.state.get(self.network.alphas, {}).items():
            found[f"adam.{ALPHAS}.{key}"] = torch.as_tensor(value)
        return found

    def find_difference(self, tensors: Mapping[str, Tensor], step: int) -> str | None:
        """Return how tensors are none that :meth:`tensors` returns after so many steps.

        None if they are such.
        """
        like = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        if step and self.settings.weight_momentum:
            like |= {f"sgd.{name}.momentum_buffer": w for name, w in self.weights.items()}
        if step > self.settings.warm_up * self.halves.steps:
            moments = dict.fromkeys(("exp_avg", "exp_avg_sq"), self.network.alphas)
            adam = {"step": torch.zeros(()), **moments}
            like |= {f"adam.{ALPHAS}.{key}": tensor for key, tensor in adam.items()}
        return find_difference(tensors, like)

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take over what :meth:`tensors` returned after ``step`` steps."""
        device = self.network.alphas.device
        kept = {n.removeprefix("network."): t for n, t in tensors.items() if n[:8] == "network."}
        self.network.load_state_dict(kept)
        by_name: dict[str, tuple[Any, nn.Parameter]] = {
            f"sgd.{name}.": (self._sgd, weight) for name, weight in self.weights.items()
        }
        by_name[f"adam.{ALPHAS}."] = (self._adam, self.network.alphas)
        for name, tensor in tensors.items():
            prefix, _, key = name.rpartition(".")
            if f"{prefix}." in by_name:
                optimizer, parameter = by_name[f"{prefix}."]
                place = "cpu" if key == "step" else device
                optimizer.state[parameter][key] = tensor.to(place)
        self.step = step


def fit_loss(batch: SearchBatch) -> Function:
    """Return the inner loss on images that the weights are fitted to."""
    return lambda network: functional.cross_entropy(network(batch.x), batch.y)


@torch.no_grad()
def calibrate(network: nn.Module, x: Tensor) -> None:
    """Make the running statistics of batch norm those of one batch."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    kept = [module.momentum for module in norms]
    for module in norms:
        module.momentum = 1.0
    network.train()
    network(x)
    for module, momentum in zip(norms, kept, strict=True):
        module.momentum = momentum
