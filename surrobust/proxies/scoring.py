"""From cells to a table of scores: one network and as few passes as possible for each cell."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .._checks import check_choice, check_integer
from .._classifiers import takes_gradients
from .._random import as_generator
from ..errors import InvalidInputError
from ..networks import build_network, find_device
from ..networks.normalisation import Statistics
from ..spaces import Architecture
from .base import AbstractProxy
from .batch_pass import Need, ProxyBatch, load_batch
from .probe import Probe, make_generator

if TYPE_CHECKING:
    from pandas import DataFrame

Images = Any
"""A name, a folder of images by class, or a pair ``(x, y)``."""


class ProxyScorer:
    """Scores cells one after the other on one batch.

    Args:
        proxies: Names of :data:`~surrobust.proxies.PROXIES`, or proxies with options of their own.
        images: A name of :data:`~surrobust.images.IMAGES`, a folder with one folder of images per
            class, or a batch ``(x, y)``: x ``(n, c, h, w)`` in [0, 1], y ``(n,)`` integers.
        batch_size: Images in the batch, at least 2; a batch that is given is taken whole.
        channels: C of the network.
        cells_per_stage: N of the network.
        device: ``auto`` (CUDA where there is one), or what torch accepts.
        seed: Of the batch and of the weights, which also depend on the cell.

    Raises:
        InvalidInputError: If an argument is not what is listed here.
    """

    @takes_gradients
    def __init__(
        self,
        proxies: Iterable[str | AbstractProxy],
        images: Images = "random",
        *,
        batch_size: int = 64,
        channels: int = 16,
        cells_per_stage: int = 5,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.proxies = find_proxies(proxies)
        self.needs = frozenset[Need]().union(*(proxy.needs for proxy in self.proxies))
        check_integer("batch_size", batch_size, minimum=2)
        self.channels = check_integer("channels", channels, minimum=1)
        self.cells_per_stage = check_integer("cells_per_stage", cells_per_stage, minimum=1)
        self.seed = check_integer("seed", seed, minimum=0)
        self.device = find_device(device)
        self.batch: ProxyBatch = load_batch(images, batch_size, as_generator(seed))
        # On the CPU the other layout is half as fast.
        on_cpu = self.device.type == "cpu"
        self.layout = torch.channels_last if on_cpu else torch.contiguous_format
        self._x = self.batch.x.to(self.device).contiguous(memory_format=self.layout)
        self._y = self.batch.y.to(self.device)

    @property
    def normalisation(self) -> Statistics:
        """Mean and standard deviation per channel that the network's first layer takes out."""
        return self.batch.normalisation

    @takes_gradients
    def probe(self, architecture: Architecture) -> Probe:
        """Return the network of a cell and the batch, ready to be scored."""
        network = build_network(
            architecture,
            channels=self.channels,
            cells=self.cells_per_stage,
            classes=self.batch.classes,
            image_size=self._x.shape[-1],
            normalisation=self.normalisation,
            generator=make_generator(self.seed, architecture, "weights"),
        ).to(self.device)
        arrange(network, self.layout)
        return Probe(network, self._x, self._y, needs=self.needs, seed=self.seed)

    @takes_gradients
    def score(self, architecture: Architecture) -> dict[str, float]:
        """Return the scores of one cell by column, NaN where there is none."""
        probe = self.probe(architecture)
        return {proxy.column: proxy.score(probe) for proxy in self.proxies}

    def score_all(
        self, architectures: Sequence[Architecture], *, at_once: int = 1
    ) -> Iterator[dict[str, float]]:
        """Yield the scores of each cell in their order, several cells in work at a time.

        Args:
            architectures: The cells.
            at_once: How many, each on a thread of its own; on a CUDA device also on a stream.

        Raises:
            InvalidInputError: If ``at_once`` is not a positive integer.
        """
        if check_integer("at_once", at_once, minimum=1) == 1:
            yield from map(self.score, architectures)
            return
        if self.device.type == "cuda":
            # Torch loads its linear algebra with the first call, which must not be two threads'.
            torch.linalg.eigvalsh(torch.eye(2, device=self.device))
        with ThreadPoolExecutor(at_once) as pool:
            yield from pool.map(self._score_on_stream, architectures)

    def _score_on_stream(self, architecture: Architecture) -> dict[str, float]:
        if self.device.type != "cuda":
            return self.score(architecture)
        stream = torch.cuda.Stream(self.device)
        # The batch was put on the device by the default stream.
        stream.wait_stream(torch.cuda.default_stream(self.device))
        with torch.cuda.stream(stream):
            return self.score(architecture)


def score_proxies(
    architectures: Iterable[Any],
    proxies: Sequence[str | AbstractProxy] = ("synflow",),
    images: Images = "random",
    *,
    batch_size: int = 64,
    channels: int = 16,
    cells_per_stage: int = 5,
    device: str = "auto",
    at_once: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> "DataFrame":
    """Score architectures with zero-cost proxies.

    Every cell gets one network with weights of its own, and one pass over the batch serves all
    proxies that can share it. A score depends on the seed, the cell, the images and the sizes, not
    on the other cells or proxies.

    Args:
        architectures: In any written form.
        proxies: Names of :data:`~surrobust.proxies.PROXIES`, or proxies with options of their own.
        images: A name of :data:`~surrobust.images.IMAGES`, a folder with one folder of images per
            class, or a batch ``(x, y)``: x ``(n, c, h, w)`` in [0, 1], y ``(n,)`` integers.
        batch_size: Images in the batch.
        channels: C of the network.
        cells_per_stage: N of the network.
        device: ``auto`` (CUDA where there is one), or what torch accepts.
        at_once: Architectures in work at a time, each by a thread of its own and on a CUDA device
            on a stream of its own; None is 1 on a CPU, where one network fills the cores, and 8
            elsewhere. Scores do not depend on it.
        progress: Called with cells done and cells in all after each cell.
        seed: Of the batch and of the weights.

    Returns:
        One row per architecture in the order given, indexed by architecture index; one column per
        proxy; NaN where a proxy has no value.

    Raises:
        InvalidArchitectureError: If something is not an architecture.
        InvalidInputError: If an argument is not what is listed here.
    """
    from pandas import DataFrame, Index

    cells = [Architecture.parse(one) for one in architectures]
    scorer = ProxyScorer(
        proxies,
        images,
        batch_size=batch_size,
        channels=channels,
        cells_per_stage=cells_per_stage,
        device=device,
        seed=seed,
    )
    if at_once is None:
        at_once = 1 if scorer.device.type == "cpu" else 8
    rows = []
    for row in scorer.score_all(cells, at_once=at_once):
        rows.append(row)
        if progress is not None:
            progress(len(rows), len(cells))
    columns = [proxy.column for proxy in scorer.proxies]
    index = Index([cell.index for cell in cells], name="index", dtype="int64")
    return DataFrame(rows, index=index, columns=columns, dtype="float64")


def arrange(network: nn.Module, layout: torch.memory_format) -> None:
    """Lay the kernels of all convolutions out in memory as their inputs will be."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.contiguous(memory_format=layout)


def find_proxies(proxies: Iterable[str | AbstractProxy]) -> list[AbstractProxy]:
    """Return proxies by their names or as they were given, each column once.

    Raises:
        InvalidInputError: If a name is not known, or there is none.
    """
    from . import PROXIES

    if isinstance(proxies, str):
        proxies = [proxies]
    found: dict[str, AbstractProxy] = {}
    for one in proxies:
        proxy = (
            one
            if isinstance(one, AbstractProxy)
            else PROXIES[check_choice("proxies", one, PROXIES)]()
        )
        found.setdefault(proxy.column, proxy)
    if not found:
        msg = f"proxies: expected at least one of {', '.join(PROXIES)}; got none"
        raise InvalidInputError(msg)
    return list(found.values())
