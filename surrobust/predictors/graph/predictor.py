"""An ensemble of graph networks on what the cells compute."""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._checks import brief, check_integer
from ..._tensors import pack_tensors, take_tensor, unpack_tensors
from ...encodings import Columns
from ...encodings.graphs import NODE_KINDS, pack_graphs
from ...encodings.joined import Features
from ...errors import InvalidInputError, InvalidModelError
from ...processes.scores import SCORES_FILE, ScoreMap
from ...spaces import Architecture
from ...typing import FloatArray
from ..base import AbstractPredictor
from ..repeats import cell_groups
from ..saving.state import OutOfFold

if TYPE_CHECKING:
    import torch

    from .flow import FlowNetwork

_FILE = "network.safetensors"
_CHUNK = 1024
"""Graphs that are predicted at once."""

_MOST_LAYERS = 64


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

    def __init__(
        self,
        *,
        members: int = 4,
        width: int = 32,
        layers: int = 4,
        updates: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 0.02,
        weight_decay: float = 0.3,
        ranking: float = 1.0,
        features: str = "features",
        columns: Columns | None = None,
        device: str = "cpu",
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
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
        self._network, (self._scores,) = self._train(cells, Y, np.ones((1, len(cells)), bool))

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        mean, std = self._outputs(self._network, [self._scores], cells)
        return mean[0], std[0]

    def _out_of_fold(self, cells: Sequence[Architecture], Y: FloatArray) -> OutOfFold:
        """Train the ensembles of all folds side by side, each blind to the cells of its fold."""
        folds = self._folds(cells)
        mean, std = np.full_like(Y, np.nan), np.full_like(Y, np.nan)
        n_folds = folds.max() + 1
        if n_folds > 0:
            trained = self._train(cells, Y, np.arange(n_folds)[:, None] != folds)
            rows = np.arange(len(cells))
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
        for own, rows in zip(Z, seen, strict=True):
            scale, own[rows] = ScoreMap.fit(Y[rows], transform="scores")
            scores.append(scale)
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

    def _weights(self) -> dict[str, bytes]:
        tensors = {name: t.cpu().numpy() for name, t in self._network.state_dict().items()}
        return {_FILE: pack_tensors(tensors), SCORES_FILE: self._scores.pack()}

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        """Take over the weights, onto the CPU if there is no such device here."""
        import torch

        from ...networks import find_device

        if set(files) != {_FILE, SCORES_FILE}:
            msg = f"weights: expected {_FILE} and {SCORES_FILE}, got {', '.join(sorted(files))}"
            raise InvalidModelError(msg)
        self._scores = ScoreMap.unpack(files[SCORES_FILE], n_targets)
        tensors = unpack_tensors(files[_FILE], name=_FILE)
        # The card may say anything: what it says is compared before it decides how much is made.
        sizes = self.layers, self.members, 1, self.width
        take_tensor(tensors, "scales", dtype="float32", shape=sizes)
        with torch.device("meta"):
            network = self._new_network(n_targets, self.members, torch.Generator())
        weights = {}
        for name, like in network.state_dict().items():
            array = take_tensor(tensors, name, dtype="float32", shape=tuple(like.shape))
            weights[name] = torch.from_numpy(array.copy())
        if len(tensors) != len(weights):
            msg = f"{_FILE}: expected {len(weights)} tensors, got {len(tensors)}"
            raise InvalidModelError(msg)
        network.load_state_dict(weights, assign=True)
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
