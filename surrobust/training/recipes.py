"""The recipes that are known by name."""

from collections.abc import Mapping
from types import MappingProxyType

from .recipe import InnerAttack, Recipe
from .schedule import OneCycle

ROBBENCH201 = Recipe(
    "robbench201",
    "adversarial",
    InnerAttack(steps=7),
    epochs=50,
    metrics=("fgsm-3", "pgd-3", "fgsm-8", "pgd-8"),
)
"""NAS-RobBench-201's own: PGD-7 in evaluation mode, 50 epochs, the last network.

Wu, Liu, Simon-Gabriel, Chrysos & Cevher, "Robust NAS under adversarial training: benchmark, theory,
and beyond" (ICLR 2024, arXiv 2403.13134), and the code that belongs to it.
"""

TRADES = Recipe("trades", "trades", InnerAttack(steps=10, start="near"), epochs=50, beta=6.0)
"""Zhang et al. (ICML 2019, arXiv 1901.08573), see ``training.losses``, with the paper's beta of 6.

Unlike the paper, with the schedule and the epochs of ``robbench201``, so that losses are compared.
"""

FAST = Recipe(
    "fast",
    "adversarial",
    InnerAttack(steps=1, step_size=1.25 * 8 / 255, modes="train"),
    epochs=15,
    schedule=OneCycle(peak=0.2, warm_up=0.4, momentum=(0.9, 0.9)),
    precision="bf16",
    guarded=True,
)
"""Wong, Rice & Kolter, "Fast is better than free" (ICLR 2020, arXiv 2001.03994), algorithm 3.

FGSM of 1.25 epsilon from a random start, one cycle of the learning rate. Unlike the paper, training
goes on after catastrophic overfitting, from before it and with more steps: see ``training.guard``.
"""

STANDARD = Recipe("standard", "clean", None, epochs=50)
"""The schedule of ``robbench201`` without an attack."""

SMOKE = Recipe(
    "smoke",
    "adversarial",
    InnerAttack(steps=2, step_size=6 / 255),
    epochs=6,
    channels=8,
    cells=1,
    batch_size=64,
    flip=False,
)
"""Seconds on a CPU with ``digits``: shows that all parts work, and nothing about robustness."""

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {recipe.name: recipe for recipe in (ROBBENCH201, TRADES, FAST, STANDARD, SMOKE)}
)
"""Every recipe by name."""
