"""The recipes that are known by name."""

from collections.abc import Mapping
from types import MappingProxyType

from .recipe import InnerAttack, Recipe
from .schedule import Cosine, MultiStep, OneCycle

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

NASBENCH201 = Recipe(
    "nasbench201",
    "clean",
    None,
    epochs=200,
    schedule=Cosine(0.1, by="epoch"),
    metrics=("fgsm-1", "pgd-1", "apgd-ce-1", "square-1"),
    nesterov=True,
    evaluation="jung2023",
)
"""NAS-Bench-201's own training, whose networks ``jung2023`` attacked.

Dong & Yang, "NAS-Bench-201: extending the scope of reproducible neural architecture search" (ICLR
2020, arXiv 2001.00326), and the code that belongs to it, the same for the three image sets: 200
epochs without an attack in batches of 256, Nesterov momentum of .9, decay 5e-4, a rate that falls
epoch by epoch from .1 by a cosine, mirrored and shifted images. Attacked as in Jung, Lukasik &
Keuper (ICLR 2023, arXiv 2306.06712); see ``measuring.PRESETS``.
"""

SMOKE = Recipe(
    "smoke",
    "adversarial",
    InnerAttack(steps=2, step_size=6 / 255),
    epochs=6,
    channels=8,
    cells=1,
    batch_size=64,
    # Mirrored digits are no digits.
    flip=False,
)
"""Seconds on a CPU with ``digits``: shows that all parts work, and nothing about robustness."""

ARNAS = Recipe(
    "arnas",
    "adversarial",
    InnerAttack(steps=7, step_size=0.01, start="near"),
    epochs=200,
    channels=64,
    cells=20,
    batch_size=32,
    schedule=MultiStep(0.1, marks=(99 / 200, 149 / 200)),
    weight_decay=1e-4,
    metrics=("fgsm-8", "pgd-8", "autoattack-8"),
    clip=5.0,
    cutout=0.5,
    auxiliary=0.4,
)
"""How ARNAS evaluates the DARTS-type genotypes that it finds, on CIFAR-10.

Ou, Feng & Sun, "Towards Accurate and Robust Architectures via Neural Architecture Search" (CVPR
2024, arXiv 2405.05502), and the code that belongs to it: PGD-7 in steps of .01 from within N(0,
.001), batches of 32, the auxiliary classifier on images that are not attacked, squares cut out
before the attack. Unlike the authors' code (fyqsama/ARNAS, ``adv_train.py`` and ``utils.py``),
which keeps the network that was best on the test images, the network is the last one, for images
that choose cannot report. And the first layer normalises the images, as in all networks here. The
paper attacks by PGD-20 and PGD-100 in steps of 2/255; names of metrics cannot say that: ``pgd-8``
is PGD-20 in steps of 1/255. ``ATTACKS["pgd"](8 / 255, steps=100, step_size=2 / 255)`` can, on
weights that were kept.
"""

DSRNA = Recipe(
    "dsrna",
    "clean",
    None,
    epochs=600,
    channels=36,
    cells=20,
    batch_size=96,
    schedule=Cosine(0.025),
    weight_decay=3e-4,
    metrics=("fgsm-8", "pgd-8", "autoattack-8"),
    clip=5.0,
    cutout=0.5,
    auxiliary=0.4,
    drop_path=0.3,
)
"""How DSRNA's DARTS-type genotypes are trained on CIFAR-10: on clean images.

Hosseini, Yang & Xie, "DSRNA: Differentiable Search of Robust Neural Architectures" (CVPR 2021,
arXiv 2012.06122): 600 epochs, 36 channels, 20 cells. There is no official code; what the paper does
not say is as in the code of PC-DARTS (Xu et al., ICLR 2020, arXiv 1907.05737), whose space they
search: batches of 96, SGD from .025 to 0 by a cosine, momentum .9, decay 3e-4, gradients clipped to
5, paths dropped up to .3 (in DARTS .2), squares of 16 pixels cut out, and, as options of that code,
the weight .4 of the auxiliary classifier. Unlike there, the rate falls with every step. Metrics are
ours: Linf of 8/255, under which a network that saw clean images alone has next to nothing left.
"""

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (ROBBENCH201, TRADES, FAST, STANDARD, NASBENCH201, SMOKE, ARNAS, DSRNA)
    }
)
"""Every recipe by name."""

BENCHMARK_RECIPES: Mapping[str, str] = MappingProxyType(
    {"nas-robbench-201": ROBBENCH201.name, "jung2023": NASBENCH201.name}
)
"""By which recipe the networks of a benchmark were trained."""


def recipe_of(benchmark: str) -> str:
    """Return the recipe by which the networks of a benchmark were trained.

    Args:
        benchmark: The first part of a target; NAS-RobBench-201's recipe stands for any that no
            networks of its own were trained for.
    """
    return BENCHMARK_RECIPES.get(benchmark, ROBBENCH201.name)
