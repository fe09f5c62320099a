"""Signals and perturbations through the stacked network at initialisation, for wide layers.

A convolution block (ReLU, convolution, batch norm) with random weights has outputs of unit
variance whose spatial autocovariance is the centred arc-cosine image of its input's (Cho & Saul,
"Kernel Methods for Deep Learning", NeurIPS 2009); outputs of different convolutions are
independent; a small perturbation, relative to the signal, grows by 0.5 / (0.5 - 1 / (2 pi)) per
block (after Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli, "Exponential expressivity in deep
neural networks through transient chaos", NeurIPS 2016); an average pool multiplies the spectrum.
All is closed form: no network is run. Three stages of five cells with a reduction block before
the second and the third, as NAS-Bench-201 builds them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..spaces import EDGES
from ..typing import FloatArray, IntArray
from .linear_forms import N_ATOMS, N_POWERS, LinearForms, linear_forms
from .paths import CONV_1X1, CONV_3X3

_STAGES, _CELLS = 3, 5
_READ_AFTER = {(0, 0): "cell 1", (0, 4): "stage 1", (2, 4): "stage 3"}

_FIELD = (
    "log variance",
    "log gain of white noise",
    "log gain of image-like noise",
    "share of the input",
    "share at zero frequency",
    "mean squared frequency",
)
_FLOW = tuple(
    f"{op}s per cell met by the {what}"
    for what in ("signal", "perturbation")
    for op in ("conv1x1", "conv3x3", "pool")
)
FIELD = tuple(f"{what} after {place}" for place in _READ_AFTER.values() for what in _FIELD)
"""What signal and perturbations are like after some cells; on logarithms, natural ones."""

FLOW = tuple(f"{what} up to {place}" for place in _READ_AFTER.values() for what in _FLOW)
"""How many ops a unit of variance passes, weighted by the variance that takes each way."""

# Of the ReLU of a standard normal: E relu^2 = 1/2, (E relu)^2 = 1 / (2 pi); their
# difference is the variance that batch norm divides by.
_MEAN_SQUARE, _SQUARED_MEAN = 0.5, 1 / (2 * np.pi)
# Of a small perturbation's power ReLU passes half: its slope is one half of the time.
_GROWTH = _MEAN_SQUARE / (_MEAN_SQUARE - _SQUARED_MEAN)
_TINY = 1e-12
_SIGNAL, _WHITE = 0, 1


def propagate(ops: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the columns ``FIELD`` and ``FLOW`` of cells; zeros for one that computes nothing.

    Args:
        ops: Op numbers, shape ``(n, 6)``.
    """
    walk = _Walk(ops)
    field, flow = [], []
    for stage in range(_STAGES):
        for cell in range(_CELLS):
            walk.pass_cell()
            if (stage, cell) in _READ_AFTER:
                field.append(walk.read_field())
                flow.append(walk.read_flow())
        walk.pass_reduction()
    computes = walk.computes[:, None]
    together = (np.concatenate(columns, axis=1) for columns in (field, flow))
    together_field, together_flow = (np.where(computes, columns, 0.0) for columns in together)
    return together_field, together_flow


class _Walk:
    """Where the signal stands on its way through the network.

    Spectra do not depend on the size of a convolution, so they are followed for the distinct cells
    that are left when sizes are ignored; ``alike`` leads from each cell to its row there.
    """

    def __init__(self, ops: IntArray) -> None:
        blind, alike = np.unique(
            np.where(ops == CONV_3X3, CONV_1X1, ops), axis=0, return_inverse=True
        )
        self.ops, self.alike = ops, alike.ravel()
        self.forms: LinearForms = linear_forms(blind)
        L, at = self.forms.coefficients, frequencies()
        powers = at.pool ** np.arange(N_POWERS)[:, None]
        # Squared after the sum over pool powers: ways of one atom are the same signal, so
        # amplitudes add; atoms are independent, so their powers do. (4, n, atoms, f).
        self.gains = np.einsum("vnkj,kf->vnjf", L, powers) ** 2
        self.computes = (L[3].sum(axis=(1, 2)) > 0)[self.alike]
        # Pools between an atom and a node, on average over the ways.
        self.pools = np.einsum("vnkj,k->vnj", L, np.arange(N_POWERS))
        self.pools /= np.maximum(L.sum(axis=2), 1)
        n, f = len(blind), len(at.weight)
        # Power like 1 / f^2, as that of natural images (Field, JOSA A
        # 1987), finite at 0; of total power one.
        self.image = 1 / (0.15 + at.squared)
        self.image /= at.weight @ self.image
        self.state = np.empty((3, n, f))  # signal, white noise, image-like noise
        self.state[:] = self.image
        self.state[_WHITE] = 1 / MAP_SIZE**2
        self.log_memory = np.zeros(n)
        self.passed = np.zeros((2, len(ops), 3))
        self.n_cells = 0

    def pass_cell(self) -> None:
        """Send everything through one cell."""
        at = frequencies()
        n, f = self.state.shape[1:]
        atoms = np.zeros((3, n, N_ATOMS, f))
        atoms[:, :, 0] = self.state
        passed = np.zeros((2, len(self.ops), N_ATOMS, 3))
        passed[:, :, 0] = self.passed
        for edge, (source, _) in enumerate(EDGES):
            rows = np.flatnonzero(self.forms.live[:, edge])
            ways = self.gains[source][rows] * atoms[:, rows]
            before = ways.sum(axis=2)
            variance = np.maximum(before[_SIGNAL] @ at.weight, _TINY)[:, None]
            shares = self._shares(ways, rows)
            passed[:, :, edge + 1] = self._arrive(shares, passed, source)
            passed[:, :, edge + 1, 0] += self.ops[:, edge] == CONV_1X1
            passed[:, :, edge + 1, 1] += self.ops[:, edge] == CONV_3X3
            # Batch norm follows: the signal has unit variance again, so its size does not
            # matter; perturbations are divided by the same.
            atoms[0, rows, edge + 1] = _rectified(before[_SIGNAL] / variance)
            atoms[1:, rows, edge + 1] = _GROWTH * before[1:] / variance
        ways = self.gains[3] * atoms
        shares = self._shares(ways, np.arange(n))
        self.passed = self._arrive(shares, passed, 3)
        self.state = ways.sum(axis=2)
        signal = np.maximum(self.state[_SIGNAL] @ at.weight, _TINY)
        # The share of the input in each cell's output, multiplied over cells; read_field takes the
        # root. One that keeps nothing counts as a thousandth: the logarithm stays finite.
        self.log_memory += np.log(np.maximum(ways[0, :, 0] @ at.weight / signal, 1e-3))
        self.n_cells += 1

    def _shares(self, ways: FloatArray, rows: IntArray) -> FloatArray:
        """Return which share of signal and white noise came from each atom, ``(2, n, 7)``."""
        power = ways[[_SIGNAL, _WHITE]] @ frequencies().weight
        shares = np.zeros((2, len(self.forms.ops), N_ATOMS))
        shares[:, rows] = power / np.maximum(power.sum(axis=2, keepdims=True), 1e-30)
        return shares[:, self.alike]

    def _arrive(self, shares: FloatArray, passed: FloatArray, node: int) -> FloatArray:
        """Return the ops passed by what arrives at a node, ``(2, n, 3)``."""
        mixed = np.einsum("tnj,tnjc->tnc", shares, passed)
        # Pools have no atoms of their own: they are counted on the way from one to the node.
        mixed[:, :, 2] += (shares * self.pools[node][self.alike]).sum(axis=2)
        return mixed

    def pass_reduction(self) -> None:
        """Send everything through a residual block: two convolutions, a shortcut of 1/3 variance.

        Noise keeps its spectrum, the signal becomes like an image again.
        """
        # The shortcut's 1x1 convolution has no batch norm, and weights uniform within one over the
        # root of its inputs: a third of the variance passes. The other branch ends in batch norm.
        variance = np.maximum(self.state[_SIGNAL] @ frequencies().weight, _TINY)[:, None]
        self.state[1:] *= 1 / 3 + _GROWTH**2 / variance
        self.state[_SIGNAL] = (variance / 3 + 1) * self.image

    def read_field(self) -> FloatArray:
        """Return the state in numbers, ``(n, 6)``."""
        at = frequencies()
        signal, white, low = np.maximum(self.state @ at.weight, _TINY)
        columns = [
            np.log(signal),
            np.log(white / signal),
            np.log(low / signal),
            np.exp(self.log_memory / self.n_cells),
            self.state[_SIGNAL, :, 0] / signal,
            self.state[_SIGNAL] @ (at.weight * at.squared) / signal,
        ]
        return np.stack(columns, axis=1)[self.alike]

    def read_flow(self) -> FloatArray:
        """Return ops per cell, ``(n, 6)``."""
        return np.concatenate(list(self.passed), axis=1) / self.n_cells


def _rectified(spectrum: FloatArray) -> FloatArray:
    """Return the spectrum of the centred, standardised ReLU of a field of unit variance."""
    at = frequencies()
    rho = np.clip(spectrum @ at.to_space.T, -1, 1)
    # E relu(a) relu(b) at correlation rho: the arc-cosine kernel of degree 1 (Cho & Saul).
    arc = (np.sqrt(1 - rho**2) + rho * (np.pi - np.arccos(rho))) / (2 * np.pi)
    covariance = (arc - _SQUARED_MEAN) / (_MEAN_SQUARE - _SQUARED_MEAN)
    return np.maximum(covariance @ at.to_space.T / MAP_SIZE**2, 0)


MAP_SIZE = 8
"""Height and width of the map, pixels."""


@dataclass(frozen=True)
class Frequencies:
    """Fifteen frequencies that stand for all 64, the zero first.

    Args:
        weight: How many frequencies each stands for, ``(f,)``.
        squared: Squared length, in radians per pixel, ``(f,)``.
        pool: What a 3x3 average pool multiplies amplitudes by, ``(f,)``.
        to_space: Matrix from a spectrum to its autocovariance at the lags that correspond,
            ``(f, f)``; the same matrix over ``MAP_SIZE**2`` leads back.
    """

    weight: FloatArray
    squared: FloatArray
    pool: FloatArray
    to_space: FloatArray


@cache
def frequencies() -> Frequencies:
    """Return the frequencies of the map, spectra being even and symmetric in the two axes."""
    half = range(MAP_SIZE // 2 + 1)
    # Symmetric in sign and in the two axes: 0 to 4 along each, a <= b, 15 instead of 64.
    steps = np.array([(a, b) for a in half for b in half if a <= b])
    radians = 2 * np.pi / MAP_SIZE
    # 0 and 4 are their own negatives on a map of 8; all others stand for two.
    signs = np.where((steps == 0) | (steps == MAP_SIZE // 2), 1, 2).prod(axis=1)
    weight = (signs * np.where(steps[:, 0] == steps[:, 1], 1, 2)).astype(np.float64)
    wave = np.cos(radians * steps[:, None, :, None] * steps[None, :, None, :])  # (lag, f, 2, 2)
    straight = wave[:, :, 0, 0] * wave[:, :, 1, 1]
    crossed = wave[:, :, 0, 1] * wave[:, :, 1, 0]
    return Frequencies(
        weight=weight,
        squared=radians**2 * (steps**2).sum(axis=1),
        pool=((1 + 2 * np.cos(radians * steps)) / 3).prod(axis=1),
        # Of a pair with a < b both orders, on average; on the diagonal they are the same.
        to_space=weight * (straight + crossed) / 2,
    )
