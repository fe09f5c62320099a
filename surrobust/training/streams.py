"""Random generators of a training: one for each purpose and epoch, from one seed."""

import numpy as np
import torch

WEIGHTS, ORDER, AUGMENTATION, ATTACK, CHECK, PATHS = range(6)
"""What random numbers are drawn for."""


def make_stream(
    seed: int, purpose: int, epoch: int = 0, *, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return a generator that depends on nothing but its arguments.

    So an interrupted training needs no state of generators to go on as it would have.
    """
    (word,) = np.random.SeedSequence([seed, purpose, epoch]).generate_state(1, np.uint64)
    return torch.Generator(device=device).manual_seed(int(word >> np.uint64(1)))
