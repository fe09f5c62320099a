"""The estimator where the truth is known: simulated benchmarks, true and estimated tau."""

import numpy as np

import surrobust as sr
from experiments.frame import run
from experiments.markdown import line
from surrobust.benchmark import TARGETS, ceiling, training_classes
from surrobust.benchmark.noise import noise_ceiling
from surrobust.metrics import kendall_tau


def check(targets: tuple[str, ...] = TARGETS, repeats: int = 5) -> None:
    for target in targets:
        true, estimated, sd = simulate(target, repeats)
        gap = f"{estimated - true:+.4f} ± {sd:.4f}"
        print(line([f"`{target}`", f"{true:.4f}", f"{estimated:.4f}", gap]), flush=True)


def simulate(target: str, repeats: int) -> tuple[float, float, float]:
    """Return true and estimated tau of benchmarks with known expected values, and the gap's sd."""
    table = sr.load_table(sr.Target.parse(target).benchmark)
    y, classes = table.values(target), training_classes(table.architectures)
    variance = ceiling(target, n_bootstrap=1).noise_sd ** 2
    _, position = np.unique([str(c) for c in classes], return_inverse=True)
    mean = np.bincount(position, y) / np.bincount(position)
    # Class means, pulled together until they vary as the expected values must.
    pull = np.sqrt(max(y.var() - variance, 0.0) / mean[position].var())
    expected = y.mean() + pull * (mean[position] - y.mean())
    rng = np.random.default_rng(0)
    found = []
    for _ in range(repeats):
        # Noise that grows with the level, with tails heavier than a Gaussian's.
        scale = np.maximum(expected, 0.0) + 0.1
        noise = rng.standard_t(5, size=len(y)) * scale * np.sqrt(variance / np.mean(scale**2) * 0.6)
        simulated = expected + noise
        estimate = noise_ceiling(simulated, classes, n_bootstrap=1, seed=rng)
        found.append((kendall_tau(simulated, expected), estimate.value))
    true, estimated = np.mean(found, axis=0)
    return true, estimated, float(np.std(np.diff(found, axis=1), ddof=1))


if __name__ == "__main__":
    run(check, __doc__, smoke={"targets": TARGETS[:1], "repeats": 2})
