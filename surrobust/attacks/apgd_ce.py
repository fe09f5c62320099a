"""Attack ``apgd-ce``."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from .._checks import check_integer
from .balls import draw, steepest
from .base import AbstractAttack
from .gradients import input_gradient

Network = Callable[[Tensor], Tensor]

_MOMENTUM = 0.75
"""Alpha of equation 2: the share of the new direction."""

_RHO = 0.75
"""Of condition 1: the share of steps that have to climb."""


class APGDCE(AbstractAttack):
    """Steps up the cross-entropy with momentum, halved where they no longer pay.

    Croce & Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
    parameter-free attacks" (ICML 2020, arXiv 2003.01690), algorithm 1, from a point drawn from the
    ball. Images that the network gets wrong anyway stay as they are; those on which an attack is
    found are taken out at the next checkpoint, which changes no other image's path. Where none is
    found the image of the highest loss is returned.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        steps: Gradient steps.
        restarts: Starts in all; later ones attack what is left.
        seed: See :class:`AbstractAttack`.

    Raises:
        InvalidInputError: If an argument is not what was expected.
    """

    name = "apgd-ce"

    def __init__(
        self,
        epsilon: float = 8 / 255,
        *,
        norm: str = "Linf",
        steps: int = 100,
        restarts: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(epsilon, norm=norm, seed=seed)
        self.steps = check_integer("steps", steps, minimum=1)
        self.restarts = check_integer("restarts", restarts, minimum=1)

    def _perturb(
        self, network: Network, x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        found = x.clone()
        with torch.no_grad():
            left = (network(x).argmax(1) == y).nonzero().squeeze(1)
        for _ in range(self.restarts):
            if not len(left):
                break
            # Drawn for all and then chosen: no image's start depends on which others are left.
            start = draw(x, self.norm, self.epsilon, generator)[left]
            attacked, fooled = self._climb(network, x[left], y[left], start)
            found[left] = attacked
            left = left[~fooled]
        return found

    def _climb(
        self, network: Network, x: Tensor, y: Tensor, delta: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return attacked images, and whether each one fools the network."""
        attacked, fooled = x.clone(), torch.zeros_like(y, dtype=torch.bool)
        place = torch.arange(len(x), device=x.device)
        # Algorithm 1 begins with steps of 2 epsilon, from one end of the ball to the other.
        state = _State.start(network, x, y, self._nearest(delta, x), 2 * self.epsilon)
        first = True
        for window in checkpoint_windows(self.steps):
            for _ in range(window):
                # The first step of algorithm 1 has no momentum: there is none before it.
                state = self._step(network, state, 1.0 if first else _MOMENTUM)
                first = False
            # Only at checkpoints, as what is left of a batch is copied each time.
            attacked[place] = torch.where(_wide(state.fooled), state.attack, state.best)
            fooled[place] = state.fooled
            place, state = place[~state.fooled], state.select(~state.fooled)
            if not len(place):
                break
            state = state.halve(window)
        return attacked, fooled

    def _step(self, network: Network, state: "_State", momentum: float) -> "_State":
        """Equations 1 and 2."""
        x, at = state.x, state.at
        ahead = self._nearest(at + state.size * steepest(state.gradient, self.norm) - x, x)
        moved = at + momentum * (ahead - at) + (1 - momentum) * (at - state.before)
        return state.move(network, self._nearest(moved - x, x))


@dataclass(frozen=True)
class _State:
    """What is known of each image, all of first dimension n."""

    x: Tensor
    y: Tensor
    at: Tensor
    before: Tensor
    loss: Tensor
    gradient: Tensor
    best: Tensor
    best_loss: Tensor
    best_gradient: Tensor
    attack: Tensor
    fooled: Tensor
    size: Tensor
    climbed: Tensor
    checked_loss: Tensor
    was_halved: Tensor

    @classmethod
    def start(cls, network: Network, x: Tensor, y: Tensor, at: Tensor, size: float) -> "_State":
        loss, gradient, wrong = _value(network, at, y)
        return cls(
            x=x,
            y=y,
            at=at,
            before=at,
            loss=loss,
            gradient=gradient,
            best=at,
            best_loss=loss,
            best_gradient=gradient,
            attack=at,
            fooled=wrong,
            size=torch.full_like(loss, size).view(-1, 1, 1, 1),
            climbed=torch.zeros_like(loss),
            checked_loss=loss,
            was_halved=torch.zeros_like(wrong),
        )

    def move(self, network: Network, to: Tensor) -> "_State":
        """Go to a point."""
        loss, gradient, wrong = _value(network, to, self.y)
        better = loss > self.best_loss
        return replace(
            self,
            at=to,
            before=self.at,
            loss=loss,
            gradient=gradient,
            best=torch.where(_wide(better), to, self.best),
            best_loss=torch.where(better, loss, self.best_loss),
            best_gradient=torch.where(_wide(better), gradient, self.best_gradient),
            attack=torch.where(_wide(wrong), to, self.attack),
            fooled=self.fooled | wrong,
            climbed=self.climbed + (loss > self.loss),
        )

    def halve(self, window: int) -> "_State":
        """At a checkpoint: halve steps by condition 1 or 2, and go back to the best point there."""
        # Condition 1, strict as in the paper; the authors' code counts equality too.
        tired = self.climbed < _RHO * window
        # Condition 2: the size was kept last time, and no better point has come since.
        stuck = ~self.was_halved & (self.best_loss <= self.checked_loss)
        halved = tired | stuck
        wide = _wide(halved)
        return replace(
            self,
            # ``before`` stays as it is, as in the authors' code.
            at=torch.where(wide, self.best, self.at),
            loss=torch.where(halved, self.best_loss, self.loss),
            gradient=torch.where(wide, self.best_gradient, self.gradient),
            size=torch.where(wide, self.size / 2, self.size),
            climbed=torch.zeros_like(self.climbed),
            checked_loss=self.best_loss,
            was_halved=halved,
        )

    def select(self, which: Tensor) -> "_State":
        """Keep some of the images."""
        return _State(*(getattr(self, field.name)[which] for field in fields(self)))


def checkpoint_windows(steps: int) -> Iterator[int]:
    """Yield the numbers of steps between checkpoints, the rest last (section 3.1).

    The checkpoints are at shares p of the steps: 0, .22, then each gap .03 shorter than the one
    before, at least .06.
    """
    shares = itertools.accumulate(
        itertools.chain([0.22], (max(0.22 - 0.03 * j, 0.06) for j in itertools.count(1)))
    )
    done = 0
    for share in shares:
        # The shares are sums of floats: what is a hair above a whole number is not the next one.
        until = min(math.ceil(round(share * steps, 9)), steps)
        if until > done:
            yield until - done
        done = until
        if done == steps:
            return


def _value(network: Network, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the cross-entropy, its gradient, and whether the network is wrong."""
    losses, gradient, logits = input_gradient(network, x, y)
    return losses, gradient, logits.argmax(1) != y


def _wide(flags: Tensor) -> Tensor:
    return flags.view(-1, 1, 1, 1)
