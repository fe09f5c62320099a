"""How a graph network is trained, and on what: loss, learning rate, thread."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

from .flow import FlowNetwork, collate

# Margin and pairs are those of TA-GATES's configuration (Ning et al., NeurIPS 2022).
_MARGIN = 0.1
"""How far apart a pair is wanted, in units of the scores, if it truly is."""

_BEND = 0.2
"""The error at which the loss turns from a square into a line."""

_PAIRS = 4
"""Pairs a cell in each batch."""

_WARM_UP = 0.05
"""Share of the updates in which the learning rate rises."""


def train_network(
    network: FlowNetwork,
    graphs: Sequence[Tensor],
    Y: Tensor,
    seen: Tensor,
    *,
    updates: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    ranking: float,
    generator: torch.Generator,
) -> None:
    """Train all members side by side, in place.

    Args:
        network: The members.
        graphs: Kinds and edge counts of n graphs, see :func:`collate`, and features ``(n, d)``.
        Y: Scores of the targets ``(members, n, m)``.
        seen: ``(members, n)``, 1 where a member learns from a cell, else 0.
        updates: Steps of the optimizer.
        batch_size: Cells a step, at most.
        learning_rate: Its peak.
        weight_decay: On matrices.
        ranking: Weight of the ranking loss.
        generator: Draws the order of the cells, on the CPU.
    """
    kinds, counts, features = graphs
    # Features are no targets: those of all folds' cells may be seen.
    network.see_features(features)
    optimizer = torch.optim.AdamW(_groups(network, weight_decay), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: _rate(done / updates))
    for rows in _batches(Y.shape[1], batch_size, updates, generator):
        rows = rows.to(Y.device)
        outputs = network(collate(kinds[rows], counts[rows]), features[rows])
        loss = loss_of(outputs, Y[:, rows], seen[:, rows, None], ranking=ranking)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()


def loss_of(outputs: Tensor, Y: Tensor, seen: Tensor, *, ranking: float) -> Tensor:
    """Return the loss, summed over members and averaged over all else.

    Args:
        outputs: ``(members, b, m)``.
        Y: Scores of the targets of that shape.
        seen: ``(members, b, 1)``, 0 where a member must not learn from a cell.
        ranking: Weight of the hinge on pairs; a pair is a cell and one of the next in the batch.
    """
    # A collapsed training pulls like a line, not like a square.
    errors = functional.huber_loss(outputs, Y, reduction="none", delta=_BEND)
    # Summed over members: none gets gradients of another's, and each learns as it would alone.
    loss = (errors * seen).mean((1, 2)).sum()
    # Batches are shuffled, so the next cells of a batch are random ones.
    shifts = range(1, min(_PAIRS, Y.shape[1] - 1) + 1)
    if not ranking or not shifts:
        return loss
    apart = torch.cat([outputs - outputs.roll(shift, 1) for shift in shifts], 1)
    truly = torch.cat([Y - Y.roll(shift, 1) for shift in shifts], 1)
    pairs = torch.cat([seen * seen.roll(shift, 1) for shift in shifts], 1)
    # Cells that are nearer than the margin are only wanted as far apart as they are.
    hinge = functional.relu(truly.abs().clamp(max=_MARGIN) - apart * truly.sign())
    return loss + ranking * (hinge * pairs).mean((1, 2)).sum()


def _batches(n: int, size: int, updates: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield row numbers; each epoch has its own order and drops what does not fill a batch."""
    size = min(size, n)
    done = 0
    while True:
        order = torch.randperm(n, generator=generator)
        for start in range(0, n - size + 1, size):
            if done == updates:
                return
            yield order[start : start + size]
            done += 1


def _rate(progress: float) -> float:
    """Return the share of the peak learning rate at a share of the updates."""
    # The first step, at a progress of 0, must not have a rate of 0.
    return min(1.0, (progress + 1e-3) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * progress))


def _groups(network: FlowNetwork, weight_decay: float) -> list[dict[str, object]]:
    """Return the parameters with weight decay, and shifts and scales without."""
    named = list(network.named_parameters())
    # Decay is for matrices, of which many add up: it would draw scales to 0.
    bare = [p for name, p in named if name.endswith(("shift", "shifts", "scales", "start"))]
    free = {id(p) for p in bare}
    return [
        {"params": [p for _, p in named if id(p) not in free], "weight_decay": weight_decay},
        {"params": bare, "weight_decay": 0.0},
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread, so that sums are added up in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
