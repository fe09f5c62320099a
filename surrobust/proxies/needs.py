"""What a proxy may ask the shared pass over the batch to record."""

from enum import Enum, auto


class Need(Enum):
    """One quantity of the pass; several proxies may read the same."""

    WEIGHT_GRADIENTS = auto()
    """Gradient of the mean cross-entropy by each convolution and the classifier."""

    CHANNEL_SALIENCY = auto()
    """Product of output and gradient, summed over positions, per image and channel."""

    ACTIVATION_KERNEL = auto()
    """In how many ReLUs two images agree, for all pairs of images."""

    INPUT_GRADIENT = auto()
    """Gradient of the sum of an image's logits by its pixels."""
