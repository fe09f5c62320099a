"""An ensemble of graph networks on what the cells compute."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..._checks import brief, check_integer
from ..._parts import pack, tensor
from ...encodings import Columns
from ...encodings.graphs import NODE_KINDS, pack_graphs
from ...encodings.joined import Features
from ...errors import InvalidInputError, InvalidModelError
from ...processes.scores import ScoreMap
from ...spaces import Architecture
from ...typing import FloatArray
from ..base import AbstractPredictor
from ..repeats import cell_groups
from ..saving.state import OutOfFold

if TYPE_CHECKING:
    import torch

    from .flow import FlowNetwork

_CHUNK = 1024
"""Graphs that are predicted at once."""

_MOST_LAYERS = 64


@dataclass(frozen=True)
class FlowLayer:
    """Weights of a :class:`GatedFlow`, by its names.

    Args:
        mix: What states become, ``(members, width, 3 width)``.
        gate: What ops let through, ``(members, width, 2 width)``.
    """

    mix: np.ndarray = tensor("float32", "members width mixed")
    gate: np.ndarray = tensor("float32", "members width hidden")


@dataclass(frozen=True)
class FlowWeights:
    """Weights of a :class:`FlowNetwork`, by its names; see there."""

    flows: tuple[FlowLayer, ...]
    start: np.ndarray = tensor("float32", "members kinds width")
    ops: np.ndarray = tensor("float32", "members kinds width")
    scales: np.ndarray = tensor("float32", "layers members 1 width")
    shifts: np.ndarray = tensor("float32", "layers members 1 width")
    centre: np.ndarray = tensor("float32", "features")
    scale: np.ndarray = tensor("float32", "features")
    hidden: np.ndarray = tensor("float32", "members read hidden")
    hidden_shift: np.ndarray = tensor("float32", "members 1 hidden")
    head: np.ndarray = tensor("float32", "members hidden m")
    head_shift: np.ndarray = tensor("float32", "members 1 m")

    @classmethod
    def of(cls, network: "FlowNetwork") -> Self:
        """Take the weights of a network."""
        own = {name: t.cpu().numpy() for name, t in network.state_dict().items()}
        flows = tuple(
            FlowLayer(own.pop(f"flows.{i}.mix"), own.pop(f"flows.{i}.gate"))
            for i in range(len(network.flows))
        )
        return cls(flows, **own)


@dataclass(frozen=True)
class FittedNetworks:
    """What graph networks have learnt.

    Args:
        map: Between values and the scores that are regressed on.
        network: The weights of all of them.
    """

    map: ScoreMap
    network: FlowWeights


class GraphNetwork(AbstractPredictor):
    """Message passing along and against the data flow, gated by ops; the mean of several networks.

    Values become scores (:class:`ScoreMap`). The loss is that of a regression plus a hinge on
    pairs that are ranked wrongly, as in GATES (Ning et al., ECCV 2020, arXiv 2004.01899); all
    targets share all layers but the last. The standard deviation is that among the members. One
    thread, float32: on the CPU a fit gives the same bits for the same seed.

    Args:
        members: Networks that are averaged, at least 2.
        width: Length of a node's state.
        layers: Rounds of message passing, at most 64.
        updates: Steps of the optimizer; None for as many as suit the number of distinct cells.
        batch_size: Cells a step, at most.
        learning_rate: Its peak; it rises linearly and falls by a cosine.
        weight_decay: AdamW's, on matrices.
        ranking: Weight of the ranking loss.
        features: Names in ``ENCODINGS`` joined by ``+``: what the head reads besides the graph;
            empty for the graph alone.
        columns: Numbers known of cells beforehand, read beside the features; or None.
        device: Where torch computes, such as ``cpu`` or ``cuda``; ``auto`` for a GPU if there is
            one.
        calibration_folds: See the base class.
        seed: See the base class.
    """

    kind = "gnn"

    Fitted = FittedNetworks
    fitted_: FittedNetworks

    def __init__(
        self,
        *,
        members: int = 4,
        width: int = 32,
        layers: int = 4,
        updates: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 0.02,
        # With .1 and .03 tau on the design targets fell from .820
        # to .8195 and .8145 (experiments/gnn).
        weight_decay: float = 0.3,
        ranking: float = 1.0,
        features: str = "features",
        columns: Columns | None = None,
        device: str = "cpu",
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        # One has no spread, and the standard deviation is theirs.
        self.members = check_integer("members", members, minimum=2)
        self.width = check_integer("width", width, minimum=1)
        self.layers = check_integer("layers", layers, minimum=1, maximum=_MOST_LAYERS)
        self.updates = updates if updates is None else check_integer("updates", updates, minimum=1)
        self.batch_size = check_integer("batch_size", batch_size, minimum=2)
        self.learning_rate = _check_number("learning_rate", learning_rate)
        self.weight_decay = _check_number("weight_decay", weight_decay)
        self.ranking = _check_number("ranking", ranking)
        self.features = features
        self.encoder = f"graphs+{features}" if features else "graphs"
        self.columns = columns
        if columns is not None and not features:
            msg = "columns: expected features beside which they stand, got none"
            raise InvalidInputError(msg)
        self._features = Features(features, columns) if features else None
        self.device = device

    def _key(self, cell: Architecture) -> Hashable:
        own = self._features.key(cell) if self._features else None
        return cell.function_class if own == cell.function_class else (cell.function_class, own)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        seen = np.ones((1, len(cells)), bool)
        self._network, (score_map,) = self._train(cells, Y, seen)
        self.fitted_ = FittedNetworks(score_map, FlowWeights.of(self._network))

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        mean, std = self._outputs(self._network, [self.fitted_.map], cells)
        return mean[0], std[0]

    def _out_of_fold(self, cells: Sequence[Architecture], Y: FloatArray) -> OutOfFold:
        """Train the ensembles of all folds side by side, each blind to the cells of its fold."""
        folds = self._folds(cells)
        mean, std = np.full_like(Y, np.nan), np.full_like(Y, np.nan)
        n_folds = folds.max() + 1
        if n_folds > 0:
            # (folds, n): the ensemble of a fold sees what is in the others.
            trained = self._train(cells, Y, np.arange(n_folds)[:, None] != folds)
            rows = np.arange(len(cells))
            # (folds, n, m) to (n, m): of each cell what the ensemble of its own fold says.
            mean, std = (moment[folds, rows] for moment in self._outputs(*trained, cells))
        return OutOfFold(cells, folds, Y, mean, std)

    def _train(
        self, cells: Sequence[Architecture], Y: FloatArray, seen: np.ndarray
    ) -> tuple["FlowNetwork", list[ScoreMap]]:
        """Train an ensemble for each row of ``seen``.

        Args:
            cells: The n cells.
            Y: Their values, ``(n, m)``.
            seen: ``(ensembles, n)``, whether an ensemble learns from a cell.

        Returns:
            The members of all ensembles, one ensemble after the other, and each ensemble's scale.
        """
        import torch

        from ..._classifiers import differentiating
        from ...networks import find_device
        from .training import one_thread, train_network

        scores, Z = [], np.zeros((len(seen), *Y.shape))
        # A scale for each ensemble: that of all cells would tell of those held out.
        for own, rows in zip(Z, seen, strict=True):
            scale, own[rows] = ScoreMap.fit(Y[rows], transform="scores")
            scores.append(scale)
        # Members of one ensemble stand side by side, as np.split below takes them apart.
        Z, weights = Z.repeat(self.members, axis=0), seen.repeat(self.members, axis=0)
        device = find_device(self.device)
        with one_thread(), differentiating():
            generator = torch.Generator().manual_seed(self.seed)
            network = self._new_network(Y.shape[1], len(weights), generator).to(device)
            train_network(
                network,
                [part.to(device) for part in self._tensors(cells)],
                torch.tensor(Z, dtype=torch.float32, device=device),
                torch.tensor(weights, dtype=torch.float32, device=device),
                updates=self.updates or _suitable_updates(len(np.unique(cell_groups(cells)))),
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                ranking=self.ranking,
                generator=generator,
            )
        return network, scores

    def _outputs(
        self, network: "FlowNetwork", scores: list[ScoreMap], cells: Sequence[Architecture]
    ) -> tuple[FloatArray, FloatArray]:
        """Return each ensemble's means and standard deviations, both ``(ensembles, n, m)``."""
        import torch

        from .flow import collate
        from .training import one_thread

        parts = [part.to(network.start.device) for part in self._tensors(cells)]
        chunks = []
        with one_thread(), torch.no_grad():
            for start in range(0, len(cells), _CHUNK):
                kinds, counts, features = (part[start : start + _CHUNK] for part in parts)
                chunks.append(network(collate(kinds, counts), features).cpu().numpy())
        Z = np.concatenate(chunks, axis=1).astype(np.float64)
        ensembles = np.split(Z, len(scores))
        values = np.array(
            [
                [_values_of(member, scale) for member in ensemble]
                for scale, ensemble in zip(scores, ensembles, strict=True)
            ]
        )
        # Each member is taken back to values before: the mean of scores is not the score of a mean.
        return values.mean(axis=1), values.std(axis=1, ddof=1)

    def _new_network(
        self, outputs: int, members: int, generator: "torch.Generator"
    ) -> "FlowNetwork":
        from .flow import FlowNetwork

        return FlowNetwork(
            kinds=len(NODE_KINDS),
            features=self._features.size if self._features else 0,
            outputs=outputs,
            members=members,
            width=self.width,
            layers=self.layers,
            generator=generator,
        )

    def _tensors(self, cells: Sequence[Architecture]) -> list["torch.Tensor"]:
        """Return kinds and edge counts of the graphs, and features ``(n, d)``."""
        import torch

        rows = self._features.encode(cells) if self._features else np.empty((len(cells), 0))
        graphs = [torch.tensor(array, dtype=torch.int64) for array in pack_graphs(cells)]
        return [*graphs, torch.tensor(rows, dtype=torch.float32)]

    def _sizes(self) -> dict[str, int]:
        own = {"members": self.members, "layers": self.layers, "width": self.width}
        features = self._features.size if self._features else 0
        of_layers = {"mixed": 3 * self.width, "hidden": 2 * self.width}
        of_ends = {"features": features, "read": 2 * self.width + features}
        return {**own, **of_layers, **of_ends, "kinds": len(NODE_KINDS)}

    def _restored(self) -> None:
        """Make the network, on the CPU if there is no such device here."""
        import torch

        from ...networks import find_device

        weights = self.fitted_.network
        if len(weights.flows) != self.layers:
            msg = f"network: expected {self.layers} layers, got {len(weights.flows)}"
            raise InvalidModelError(msg)
        # As many numbers as there were in the file, and not before they were looked at.
        with torch.device("meta"):
            n_targets = len(self.fitted_.map.spread)
            network = self._new_network(n_targets, self.members, torch.Generator())
        # The names of the network are those of its weights.
        tensors = {name: torch.from_numpy(a.copy()) for name, a in pack(weights).items()}
        network.load_state_dict(tensors, assign=True)
        try:
            device = find_device(self.device)
        except InvalidInputError:
            device = torch.device("cpu")
        self._network = network.to(device)


def _values_of(Z: FloatArray, scale: ScoreMap) -> FloatArray:
    """Return the values of scores ``(n, m)``; where training saw one value only, that value."""
    is_constant = scale.values[0] == scale.values[-1]
    return np.where(is_constant, scale.values[0], scale.to_values(Z))


def _suitable_updates(n: int) -> int:
    # More updates for more cells, but fewer passes over each: tried on the design
    # targets at N = 200 and 1000 (experiments/gnn).
    return round(min(3000.0, max(250.0, 500 * (n / 200) ** 0.7)))


def _check_number(name: str, value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.number)
        or not 0 <= value < math.inf
    ):
        msg = f"{name}: expected a number of at least 0, got {brief(value)}"
        raise InvalidInputError(msg)
    return float(value)
