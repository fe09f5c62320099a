"""SGD with momentum whose numbers live on the device."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


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
        self.momenta = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.weight_decay, self.clip, self.nesterov = weight_decay, clip, nesterov

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
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
            found = list(torch._foreach_mul(found, (self.clip / (length + 1e-6)).clamp(max=1.0)))
        gradients = torch._foreach_add(found, parameters, alpha=self.weight_decay)
        torch._foreach_mul_(momenta, setting[1])
        torch._foreach_add_(momenta, gradients)
        ahead = momenta
        if self.nesterov:
            ahead = list(torch._foreach_add(gradients, torch._foreach_mul(momenta, setting[1])))
        steps = torch._foreach_mul(ahead, -setting[0])
        torch._foreach_add_(parameters, steps)
