"""The gradient by the images, of which a step of an attack is made."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .._capture import try_capture
from .._classifiers import HALF
from .balls import gradient_by

Network = Callable[[Tensor], Tensor]


class CapturedNetwork:
    """A network on a GPU whose gradient by batches of one size is replayed as a CUDA graph.

    Args:
        network: In evaluation mode, with no control flow that depends on its input.
        x: A batch, ``(n, c, h, w)``.
        y: Its classes.
    """

    def __init__(self, network: Network, x: Tensor, y: Tensor) -> None:
        self.network, self._shape = network, x.shape

        def gradient(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return _gradient(network, x, y)

        # Nothing to undo: a gradient by images changes no tensor of the network.
        self._replay = try_capture(gradient, (x, y), lambda: None, name="attack")

    def __call__(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.network(x)

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what :func:`input_gradient` does."""
        if x.shape != self._shape:
            return _gradient(self.network, x, y)
        losses, gradient, logits = self._replay(x, y)
        return losses.clone(), gradient.clone(), logits.clone()  # the next replay overwrites them


def input_gradient(network: Network, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return each image's cross-entropy ``(n,)``, its gradient by the image, and the logits.

    Only the images' gradient is computed; the parameters' ``grad`` stays as it is.
    """
    if isinstance(network, CapturedNetwork):
        return network.gradient(x, y)
    return _gradient(network, x, y)


def _gradient(network: Network, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = network(x)
        # In half precision losses of confident answers round to 0, and their gradients.
        exact = logits.float() if logits.dtype in HALF else logits
        losses = nn.functional.cross_entropy(exact, y, reduction="none")
        # The sum, so that an image's gradient does not depend on how many there are.
        gradient = gradient_by(losses.sum(), x)
    return losses.detach(), gradient, logits.detach()
