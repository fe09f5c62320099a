"""Signals and perturbations through stacked cells at initialisation, in the limit of wide layers.

A convolution block (ReLU, convolution, batch norm) with random weights has outputs of unit
variance whose spatial autocovariance is the centred arc-cosine image of its input's (Cho & Saul,
"Kernel Methods for Deep Learning", NeurIPS 2009); outputs of different convolutions are
independent; a small perturbation, relative to the signal, grows by 0.5 / (0.5 - 1 / (2 pi)) per
block (Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli, NeurIPS 2016, for the idea); an average pool
multiplies the spectrum. All is closed form: no network is run.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..spaces import EDGES
from ..typing import FloatArray
from .linear_forms import N_ATOMS, N_POWERS, LinearForms

_SIZE = 8
"""Height and width of the map, pixels."""

_CELLS = 5
"""Cells in a row, as in a stage of the benchmark's network."""

_READ_AFTER = (0, _CELLS - 1)
_PER_CELL = (
    "log variance",
    "log gain of white noise",
    "log gain of image-like noise",
    "share of the input",
    "share at zero frequency",
    "mean squared frequency",
)
SIGNALS = tuple(f"{what} after cell {cell + 1}" for cell in _READ_AFTER for what in _PER_CELL)
"""The columns of :func:`propagate`."""

_MEAN_SQUARE, _SQUARED_MEAN = 0.5, 1 / (2 * np.pi)
_GROWTH = _MEAN_SQUARE / (_MEAN_SQUARE - _SQUARED_MEAN)
_TINY = 1e-12


@dataclass(frozen=True)
class _Frequencies:
    """The frequencies of the map, those that symmetry makes equal taken together.

    Args:
        weight: How many frequencies each stands for, ``(f,)``.
        squared: Squared length, in radians per pixel, ``(f,)``.
        pool: What a 3x3 average pool multiplies amplitudes by, ``(f,)``.
        to_space: Spectrum to autocovariance, ``(f, f)``: lags fall together like frequencies.
    """

    weight: FloatArray
    squared: FloatArray
    pool: FloatArray
    to_space: FloatArray


@cache
def _frequencies() -> _Frequencies:
    half = range(_SIZE // 2 + 1)
    lags = np.array([(a, b) for a in half for b in half if a <= b])
    radians = 2 * np.pi / _SIZE
    turns = np.where((lags == 0) | (lags == _SIZE // 2), 1, 2).prod(axis=1)
    weight = turns * np.where(lags[:, 0] == lags[:, 1], 1, 2)
    wave = np.cos(radians * lags[:, :, None, None] * lags.T[None, None])  # (lag, axis, axis, f)
    straight, crossed = (wave[:, 0, i] * wave[:, 1, 1 - i] for i in (0, 1))
    window = (1 + 2 * np.cos(radians * lags)) / 3
    return _Frequencies(
        weight=weight.astype(np.float64),
        squared=(radians**2 * lags**2).sum(axis=1).astype(np.float64),
        pool=window.prod(axis=1),
        to_space=weight * (straight + crossed) / 2,
    )


def propagate(forms: LinearForms) -> FloatArray:
    """Return the state of signal and perturbations after the first and the last cell.

    Args:
        forms: n cells.

    Returns:
        The columns ``SIGNALS``, shape ``(n, 12)``, clipped to [-30, 30]. The input has unit
        variance and power proportional to 1 / (0.15 + frequency^2), like images.
    """
    at = _frequencies()
    n, f = len(forms.ops), len(at.weight)
    powers = at.pool ** np.arange(N_POWERS)[:, None]
    gains = np.einsum("vnkj,kf->vnjf", forms.coefficients, powers) ** 2
    image = 1 / (0.15 + at.squared)
    image = np.tile(image / (at.weight @ image), (n, 1))
    state = np.stack([image, np.full((n, f), 1 / _SIZE**2), image])  # signal, white, image-like
    memory = np.ones(n)
    columns: list[FloatArray] = []
    for cell in range(_CELLS):
        atoms = _through_convolutions(state, forms.live, gains)
        state = np.einsum("njf,snjf->snf", gains[3], atoms)
        signal, white, low = np.maximum(state @ at.weight, _TINY)
        memory = memory * ((gains[3][:, 0] * atoms[0, :, 0]) @ at.weight) / signal
        if cell in _READ_AFTER:
            columns += [
                np.log(signal),
                np.log(white / signal),
                np.log(low / signal),
                memory ** (1 / (cell + 1)),
                state[0, :, 0] / signal,
                state[0] @ (at.weight * at.squared) / signal,
            ]
        state = np.clip(state, 0, np.array([1e8, 1e12, 1e12])[:, None, None])
    return np.clip(np.stack(columns, axis=1), -30, 30)


def _through_convolutions(state: FloatArray, live: np.ndarray, gains: FloatArray) -> FloatArray:
    """Return the spectra of all atoms of one cell.

    Args:
        state: Spectra of the cell's input: signal and two perturbations, ``(3, n, f)``.
        live: Convolutions that matter, ``(n, 6)``.
        gains: Power gain from atom to node, ``(4, n, 7, f)``.

    Returns:
        Shape ``(3, n, 7, f)``.
    """
    at = _frequencies()
    atoms = np.zeros((3, live.shape[0], N_ATOMS, state.shape[2]))
    atoms[:, :, 0] = state
    for edge, (source, _) in enumerate(EDGES):
        rows = np.flatnonzero(live[:, edge])
        before = np.einsum("njf,snjf->snf", gains[source][rows], atoms[:, rows])
        variance = np.maximum(before[0] @ at.weight, _TINY)[:, None]
        atoms[0, rows, edge + 1] = _rectified(before[0] / variance)
        atoms[1:, rows, edge + 1] = _GROWTH * before[1:] / variance
    return atoms


def _rectified(spectrum: FloatArray) -> FloatArray:
    """Return the spectrum of the centred, standardised ReLU of a field of unit variance."""
    at = _frequencies()
    rho = np.clip(spectrum @ at.to_space.T, -1, 1)
    arc = (np.sqrt(1 - rho**2) + rho * (np.pi - np.arccos(rho))) / (2 * np.pi)
    covariance = (arc - _SQUARED_MEAN) / (_MEAN_SQUARE - _SQUARED_MEAN)
    return np.maximum(covariance @ at.to_space.T / _SIZE**2, 0)
