"""Training one network; within an epoch nothing but two looks at a clock waits for the device."""

import math
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .._capture import try_capture
from .._checkpoints import write_checkpoint
from .._checks import brief, check_integer
from .._classifiers import takes_gradients
from ..errors import InvalidInputError
from ..images import ImageSet
from ..networks import FoldedNetwork, find_device, name_device, tuned
from ..spaces import AnyArchitecture
from ..typing import AnyPath
from .checkpoints import identify, read_training
from .feed import Feed
from .guard import is_overfitted, strengthen
from .kernels import PLAIN, check_kernels, make_twin, set_kernels
from .pace import EpochEnd, Event, Pace, Projection
from .recipe import InnerAttack, Recipe
from .starting import ATTACK, CHECK, PATHS, make_stream, start_network
from .steps import LOSSES, MomentumSGD, as_written, draw_paths, draw_start

Step = Callable[..., Tensor]
"""From a batch's tensors to its loss; changes weights in place and never waits for the host."""

_GUARD_IMAGES = 256
"""As many as in a batch of most recipes: the paper looks at one batch."""


class Training:
    """A network in training, which can be interrupted after any epoch.

    On a CPU the same arguments give the same weights, bit for bit, interrupted or not.

    Args:
        architecture: The cell, or a genotype, of which the recipe's ``cells`` counts all cells.
        images: What it is trained on.
        recipe: How.
        seed: Of the weights, the order of the images, the augmentation and the attack.
        device: ``auto``, ``cpu``, ``cuda``, ...
        checkpoint: File that is written after each epoch and read now if it is there.
        captured: Whether steps are replayed as CUDA graphs, on a GPU, where that works.
        kernels: A name of ``training.kernels.KERNELS``.
        time_limit: Seconds that the training may take from now on; None is any number. After 50
            steps, and after each epoch, it stops if it will take longer.

    Attributes:
        network: In training mode.
        epoch: Epochs done.
        losses: Mean loss of each of them.
        alarms: How often catastrophic overfitting was undone.
        seconds: Spent so far, that of interrupted runs up to their last checkpoint included.
        computed: Device and precision of the epochs so far, those of interrupted runs included:
            each pair once, the last epoch's at the end.

    Raises:
        InvalidInputError: If an argument is not as expected, or the checkpoint is another
            training's; while training, if the time limit cannot be kept: the checkpoint stays.
    """

    @takes_gradients
    def __init__(
        self,
        architecture: AnyArchitecture,
        images: ImageSet,
        recipe: Recipe,
        *,
        seed: int = 0,
        device: str = "auto",
        checkpoint: AnyPath | None = None,
        captured: bool = True,
        kernels: str = PLAIN,
        time_limit: float | None = None,
    ) -> None:
        self.architecture, self.images, self.recipe = architecture, images, recipe
        self.seed = check_integer("seed", seed, minimum=0)
        self.device = find_device(device)
        self.network = start_network(architecture, images, recipe, seed)
        # For speed: this and folding make a CPU's step 1.58 times as fast (experiments/verify).
        self.network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = MomentumSGD(
            self.network.parameters(),
            weight_decay=recipe.weight_decay,
            clip=recipe.clip,
            nesterov=recipe.nesterov,
        )
        self.epoch, self.alarms, self.seconds = 0, 0, 0.0
        self.losses: list[float] = []
        self.computed: list[tuple[str, str]] = []
        self._checkpoint = None if checkpoint is None else Path(checkpoint)
        self._resume()
        self._feed = Feed(images, recipe, seed=seed, device=self.device)
        self._captured = captured and self.device.type == "cuda"
        self._kernels = check_kernels(kernels, self.device)
        set_kernels(self.network, kernels)
        self._steps: dict[tuple[InnerAttack | None, int], Step] = {}
        if time_limit is not None and not time_limit > 0:
            msg = f"time_limit: expected seconds above 0, got {brief(time_limit)}"
            raise InvalidInputError(msg)
        self._pace = Pace(self.device, time_limit)
        settings = recipe.schedule.values(self._feed.n_batches * recipe.epochs, recipe.epochs)
        # On the device, as a captured step reads it there.
        settings = settings.reshape(recipe.epochs, self._feed.n_batches, 2)
        self._settings = torch.tensor(settings, dtype=torch.float32, device=self.device)

    @property
    def precision(self) -> str:
        """What epochs are really computed with here."""
        return self.recipe.precision if self.device.type == "cuda" else "fp32"

    @property
    def attack(self) -> InnerAttack | None:
        """The attack that is trained with at present."""
        given = self.recipe.attack
        return given if given is None else strengthen(given, self.alarms)

    @property
    def progress(self) -> EpochEnd:
        """What is known after the last epoch."""
        loss = self.losses[-1] if self.losses else math.nan
        return EpochEnd(self.epoch, self.recipe.epochs, loss, self.seconds)

    def run(
        self, *, until: int | None = None, report: Callable[[Event], None] | None = None
    ) -> None:
        """Train until so many epochs are done, all by default.

        Raises:
            FloatingPointError: If the loss is not a finite number.
            InvalidInputError: If the time limit cannot be kept.
            OSError: If the checkpoint cannot be written; the last one stays.
        """
        for event in self.course(until):
            if event is not None and report is not None:
                report(event)

    def course(self, until: int | None = None) -> Generator[Event | None, None, None]:
        """Train as :meth:`run` does, handing over after each step, so that others can take theirs.

        Yields:
            What is to be told; None where there is nothing.
        """
        last = self.recipe.epochs if until is None else min(until, self.recipe.epochs)
        while self.epoch < last:
            before = self.epoch
            yield from self.steps()
            # An epoch that was undone is not told.
            if self.epoch > before:
                yield self.progress

    @takes_gradients
    def steps(self) -> Generator[Projection | None, None, None]:
        """Train one epoch, handing over after each step; see :meth:`course` and :meth:`run`."""
        began = time.perf_counter()
        sound = self._snapshot() if self.recipe.guarded else {}
        total = yield from self._pass()
        loss = float(total) / self._feed.n  # the one wait of the epoch
        if not math.isfinite(loss):
            msg = (
                f"training: expected a finite loss, got {loss} in epoch {self.epoch + 1} of cell "
                f"{self.architecture.index}"
            )
            raise FloatingPointError(msg)
        overfitted = self._has_overfitted()
        # An epoch that is undone took its time all the same.
        self.seconds += time.perf_counter() - began
        if overfitted:
            self._restore(sound)
            self.alarms += 1
            return
        self.epoch += 1
        self.losses.append(loss)
        here = (name_device(self.device), self.precision)
        self.computed = [*(place for place in self.computed if place != here), here]
        self._save()
        self._pace.project(self._steps_left(0))

    def _pass(self) -> Generator[Projection | None, None, Tensor]:
        """Train on every image once; return the sum of the losses, on the device."""
        attack = self.attack
        starts, paths = (
            make_stream(self.seed, purpose, self.epoch, device=self.device)
            for purpose in (ATTACK, PATHS)
        )
        # On the device, where adding does not wait; doubles for the sum over all images.
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        self.network.train()
        for number, (x, y) in enumerate(self._feed.batches(self.epoch)):
            start = draw_start(x, attack, starts)
            dropped = draw_paths(self.recipe, self.epoch, x, paths)
            inputs = (x, y, start, self._settings[self.epoch, number], *dropped)
            total += self._step_for(attack, inputs)(*inputs) * len(y)
            yield self._pace.count(self._steps_left(number + 1))
        return total

    def _steps_left(self, done: int) -> int:
        """Return the steps to come after so many of the present epoch."""
        return (self.recipe.epochs - self.epoch) * self._feed.n_batches - done

    def _step_for(self, attack: InnerAttack | None, inputs: tuple[Tensor, ...]) -> Step:
        """Return what takes a step: captured for each attack and size of a batch, if asked."""
        step = partial(self._step, attack)
        if not self._captured:
            return step
        which = (attack, len(inputs[0]))
        if which not in self._steps:
            with self._pace.apart():
                # Capturing takes steps on this batch, which are undone before any that counts.
                rewind = partial(self._restore, self._snapshot())
                self._steps[which] = try_capture(step, inputs, rewind, name="training")
        return self._steps[which]

    def _step(
        self,
        attack: InnerAttack | None,
        x: Tensor,
        y: Tensor,
        start: Tensor,
        setting: Tensor,
        *paths: Tensor,
    ) -> Tensor:
        """Train on a batch; return its loss, without a wait for the host."""
        given = (self.network, x, y, start, self.recipe, attack, *paths)
        self._optimizer.clear()
        with tuned(self.device), self._as_compiled(len(x)):
            with self._autocast():
                loss = LOSSES[self.recipe.loss](*given, twin=self._twin)
            loss.backward()
        self._optimizer.step(setting)
        return loss.detach()

    @cached_property
    def _twin(self) -> FoldedNetwork | None:
        """The network as attacks in evaluation see it; None where there are none."""
        if self.attack is None or (self.attack.modes == "train" and not self.recipe.guarded):
            return None
        dtype = torch.bfloat16 if self.precision == "bf16" else None
        if self._kernels == PLAIN:
            return FoldedNetwork(self.network, dtype)
        x, y = self._feed.first(self.recipe.batch_size)
        # As batches of the feed lie, so that the kernels compared are those of training.
        batch = x.contiguous(memory_format=torch.channels_last), y
        with as_written(self.device), self._as_compiled(len(y)):
            return make_twin(self.network, dtype, self._kernels, batch)

    def _as_compiled(self, n: int) -> AbstractContextManager[object]:
        """Leave batches that are not full as they are: each size would be compiled anew."""
        if self._kernels == PLAIN or n == self.recipe.batch_size:
            return nullcontext()
        return torch.compiler.set_stance("force_eager")

    def _autocast(self) -> torch.autocast:
        # Without its cache: casts made without gradients would be used where they are needed.
        return torch.autocast(
            self.device.type,
            dtype=torch.bfloat16,
            enabled=self.precision == "bf16",
            cache_enabled=False,
        )

    def _has_overfitted(self) -> bool:
        attack = self.attack
        if not self.recipe.guarded or attack is None:
            return False
        generator = make_stream(self.seed, CHECK, self.epoch, device=self.device)
        first = self._feed.first(_GUARD_IMAGES)
        with tuned(self.device), self._as_compiled(len(first[1])):
            return is_overfitted(self.network, *first, attack, generator, twin=self._twin)

    def _tensors(self) -> dict[str, Tensor]:
        """Return the tensors that change, by name: the network's and the optimizer's."""
        found = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        names = [name for name, _ in self.network.named_parameters()]
        for name, momentum in zip(names, self._optimizer.momenta, strict=True):
            found[f"momentum.{name}"] = momentum
        return found

    def _snapshot(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self._tensors().items()}

    @torch.no_grad()
    def _restore(self, tensors: dict[str, Tensor]) -> None:
        # In place: a captured step goes on with these very tensors.
        for name, tensor in self._tensors().items():
            tensor.copy_(tensors[name])

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return identify(self.architecture, self.images, self.recipe.settings, self.seed)

    def _save(self) -> None:
        if self._checkpoint is None:
            return
        names = ("epoch", "alarms", "losses", "seconds", "computed")
        state = {**self._identity, **{name: getattr(self, name) for name in names}}
        write_checkpoint(self._checkpoint, self._tensors(), state)

    def _resume(self) -> None:
        if self._checkpoint is None or not self._checkpoint.exists():
            return
        tensors, state = read_training(
            self._checkpoint,
            self._identity,
            expected=self._tensors(),
            epochs=self.recipe.epochs,
        )
        self._restore(tensors)
        self.epoch, self.alarms = state.epoch, state.alarms
        self.losses, self.seconds = list(state.losses), state.seconds
        self.computed = [(device, kind) for device, kind in state.computed]
