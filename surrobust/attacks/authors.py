"""The authors' own AutoAttack, attack by attack and as a whole, behind our interface.

Croce & Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks" (ICML 2020, arXiv 2003.01690), in their package ``pyautoattack``. Suites of
the same name in other packages differ in steps or members and are not AutoAttack.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor

from .._checks import check_integer
from ..errors import InvalidInputError
from .balls import gradient_by
from .base import AbstractAttack

logger = logging.getLogger(__name__)

_TARGETS = 9
"""Classes that a targeted attack aims at, at most; section 4.2."""

_TILES = 5
"""Tiles in a column of an image, with which Square starts in L2."""

Network = Callable[[Tensor], Tensor]


class AbstractAuthorsAttack(AbstractAttack):
    """One of the authors' attacks, or all four of them.

    Images that the network gets wrong anyway stay as they are, and so do those on which no attack
    is found. The random numbers are the global ones of torch, seeded for the time of the attack and
    put back after it; they are drawn on the CPU whatever the device.
    """

    members: ClassVar[tuple[str, ...]]
    """Names of the authors' attacks, in the order in which they get what is left."""

    min_classes: ClassVar[int] = 2

    def _perturb(
        self, network: Network, x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        # The package draws from torch's global numbers, see ``_own_numbers``.
        del generator
        if self.epsilon == 0:
            return x
        if self.norm == "L2" and "square" in self.members:
            _check_tiles(self.name, *x.shape[2:])
        with torch.no_grad():
            classes = network(x[:1]).shape[1]
        self.check_classes(classes)
        suite = self._suite(_Isolated(network, x.dtype), classes, x.device)
        images = x.float().contiguous()  # the package takes views that channels last has not
        with _own_numbers(self.seed), _tracing_kept():
            found, _ = suite.run_standard_evaluation(images, y, batch_size=len(x))
        # What the attack left alone is as it was given, not rounded to float32 and back.
        return torch.where(found == images, x, found.to(x.dtype))

    def _suite(self, network: "_Isolated", classes: int, device: torch.device) -> Any:
        import pyautoattack

        suite = pyautoattack.AutoAttack(
            network,
            norm=self.norm,
            eps=self.epsilon,
            version="standard",
            device=device,
            seed=self.seed,
        )
        # Last, as the version chooses its own.
        suite.attacks_to_run = list(self.members)
        suite.logger = suite.apgd.logger = suite.apgd_targeted.logger = _Teller()
        # The package does not look whether there are as many other classes.
        suite.apgd_targeted.n_target_classes = min(_TARGETS, classes - 1)
        suite.fab.n_target_classes = min(_TARGETS, classes - 1)
        return suite


def _check_tiles(name: str, height: int, width: int) -> None:
    """Refuse images that the authors' code does not divide into the tiles it starts with in L2.

    They are as high as wide and begin some pixels from the edge, beyond which they may reach.

    Raises:
        InvalidInputError: If it does not divide such images.
    """
    least = min(height, width)
    if least < _TILES:
        msg = f"{name}: expected at least {_TILES} x {_TILES} pixels, got {height} x {width}"
        raise InvalidInputError(msg)
    # By the height alone, as in the authors' code.
    side = height // _TILES
    begin = height % _TILES // 2
    if side > 1 and begin > min(height % side, width % side):  # of one pixel they fit
        msg = (
            f"{name}: expected images that the authors' code divides into squares in L2, such as "
            f"of 20, 28 or 32 pixels a side, got {height} x {width} (image_size brings them there)"
        )
        raise InvalidInputError(msg)


class _Isolated:
    """A network as the package wants it: float32 both ways, gradients for nothing but images."""

    def __init__(self, network: Network, dtype: torch.dtype) -> None:
        self.network = network
        self.dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        if x.requires_grad and torch.is_grad_enabled():
            return _ByImages.apply(x, self.logits)
        with torch.no_grad():
            return self.logits(x).clone()  # the package writes into what it gets

    def logits(self, x: Tensor) -> Tensor:
        return self.network(x.to(self.dtype)).float()


class _ByImages(torch.autograd.Function):
    """A function whose backward pass leaves the gradients of its parameters as they are."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Network) -> Tensor:
        # A graph of its own, from a leaf of its own: the package's backward pass ends here.
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.output = function(ctx.x)
        return ctx.output.detach().clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        with torch.enable_grad():
            inner = (ctx.output * gradients[0]).sum()
        # A network with channels last has gradients in that layout, whatever that of its images.
        return gradient_by(inner, ctx.x).contiguous(), None


class _Teller:
    """Takes the package's messages: ours warn of the same, but for the one about Square."""

    def debug(self, message: str, *_: Any) -> None:
        logger.debug(message)

    info = debug

    def warning(self, message: str, *_: Any) -> None:
        if message.startswith("Square Attack has decreased"):
            logger.warning("autoattack: square lowered the accuracy, gradients may be masked")
        else:
            logger.debug(message)


@contextmanager
def _own_numbers(seed: int) -> Iterator[None]:
    # To ask a GPU that nobody uses for its state would wake it.
    initialised = torch.cuda.is_available() and torch.cuda.is_initialized()
    devices = list(range(torch.cuda.device_count())) if initialised else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextmanager
def _tracing_kept() -> Iterator[None]:
    """Keep the tracer of a debugger, which one of the package's checks takes away."""
    tracer = sys.gettrace()
    try:
        yield
    finally:
        sys.settrace(tracer)


class APGDT(AbstractAuthorsAttack):
    """APGD on the targeted difference-of-logits-ratio loss, one run per target.

    Croce & Hein, ICML 2020 (arXiv 2003.01690), equation 6: 100 steps towards each of the nine
    classes with the highest logits, all others where there are fewer than ten classes.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        seed: See :class:`AbstractAttack`.
    """

    name = "apgd-t"
    members = ("apgd-t",)
    min_classes = 4  # the loss is scaled by the third and fourth logit


class FABT(AbstractAuthorsAttack):
    """The smallest perturbation found by projections on linearised boundaries, per target.

    Croce & Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack"
    (ICML 2020, arXiv 1907.02044), towards each of the nine classes with the highest logits, 100
    steps each. What is found farther away than epsilon does not count.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        seed: See :class:`AbstractAttack`.
    """

    name = "fab-t"
    members = ("fab-t",)


QUERIES = 5000
"""Those of AutoAttack."""


class Square(AbstractAuthorsAttack):
    """Random squares of extreme colour, kept where they lower the margin; needs no gradient.

    Andriushchenko, Croce, Flammarion & Hein, "Square attack: a query-efficient black-box
    adversarial attack via random search" (ECCV 2020, arXiv 1912.00049), algorithms 1 to 3.

    Squares shrink by a schedule made for 10000 queries (section 3.2). Where there are fewer, its
    later and finer part is never come to unless it is rescaled to them, as the authors' own option
    does. AutoAttack makes 5000 queries without it, and so does this attack by default.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        queries: Passes of an image through the network, at most.
        rescaled: Whether the schedule spans the queries, whatever their number; None is yes but for
            AutoAttack's 5000.
        seed: See :class:`AbstractAttack`.

    Raises:
        InvalidInputError: If an argument is not what was expected.
    """

    name = "square"
    members = ("square",)

    def __init__(
        self,
        epsilon: float = 8 / 255,
        *,
        norm: str = "Linf",
        queries: int = QUERIES,
        rescaled: bool | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(epsilon, norm=norm, seed=seed)
        self.queries = check_integer("queries", queries, minimum=1)
        self.rescaled = queries != QUERIES if rescaled is None else rescaled

    def _suite(self, network: Any, classes: int, device: torch.device) -> Any:
        suite = super()._suite(network, classes, device)
        suite.square.n_queries = self.queries
        suite.square.rescale_schedule = self.rescaled
        return suite


class AutoAttack(AbstractAuthorsAttack):
    """AutoAttack, version standard: each of four attacks gets what those before it left.

    Croce & Hein, ICML 2020 (arXiv 2003.01690), section 6: APGD on the cross-entropy, APGD towards
    nine targets on the difference-of-logits ratio, FAB towards nine targets, Square with 5000
    queries; the authors' own code, attack by attack.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        seed: See :class:`AbstractAttack`.
    """

    name = "autoattack"
    members = ("apgd-ce", "apgd-t", "fab-t", "square")
    min_classes = 4  # of apgd-t
