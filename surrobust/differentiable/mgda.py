"""Two gradients combined into one that both tasks agree with."""

from torch import Tensor


def combine_two(first: Tensor, second: Tensor) -> tuple[Tensor, float]:
    """Return the shortest convex combination of two gradients, and the share of the first.

    Désidéri's multiple-gradient descent has this closed form for two tasks (Sener & Koltun,
    "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018, equation 4), as ARNAS uses
    it: ``c = clip(<second - first, second> / |second - first|^2, 0, 1)``, then
    ``c * first + (1 - c) * second``. A step against it lowers both losses or, where no direction
    does, it is zero. Of equal gradients, the share is a half.

    Args:
        first: Any shape.
        second: The same shape.
    """
    difference = second - first
    length = float((difference * difference).sum())
    share = 0.5 if length == 0 else float((difference * second).sum()) / length
    share = min(max(share, 0.0), 1.0)
    return share * first + (1 - share) * second, share
