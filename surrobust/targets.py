"""Targets: the names of what a benchmark measured, ``<benchmark>/<images>/<metric>``.

Epsilons in names are written in 1/255: ``pgd-8`` is PGD at Linf 8/255.
"""

from dataclasses import dataclass
from typing import Any

from ._checks import brief
from .errors import InvalidInputError

DEFAULT_TARGET = "nas-robbench-201/cifar10/pgd-8"
"""What is predicted and searched for when nothing is said."""

BENCHMARKS = ("nas-robbench-201", "jung2023", "hw-nas-bench")
"""The benchmarks whose tables the package reads."""

_IMAGES = ("cifar10", "cifar100", "imagenet16-120")
_DEVICES = ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")
_NO_ENERGY = ("raspi4", "edgetpu", "pixel3")


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One measured quantity of one benchmark on one image set."""

    benchmark: str
    images: str
    metric: str

    @classmethod
    def parse(cls, text: Any) -> "Target":
        """Read ``<benchmark>/<images>/<metric>``; the inverse of ``str``.

        Raises:
            InvalidInputError: If it is not three non-empty parts joined by ``/``.
        """
        if isinstance(text, Target):
            return text
        parts = text.split("/") if isinstance(text, str) else []
        if len(parts) != 3 or not all(part and part == part.strip() for part in parts):
            msg = f"target: expected <benchmark>/<images>/<metric>, got {brief(text)}"
            raise InvalidInputError(msg)
        return cls(*parts)

    @property
    def epsilon(self) -> float | None:
        """The Linf radius on the [0, 1] pixel scale, None where no attack is named."""
        if self.benchmark == "hw-nas-bench":
            return None
        _, dash, number = self.metric.rpartition("-")
        try:
            return float(number) / 255 if dash else None
        except ValueError:
            return None

    @property
    def higher_is_better(self) -> bool:
        """Whether a search maximises it: everything but latency and energy."""
        return not self.metric.endswith(("-latency", "-energy"))

    @property
    def is_accuracy(self) -> bool:
        """Whether it is a fraction in [0, 1]."""
        return self.benchmark != "hw-nas-bench"

    def __str__(self) -> str:
        return f"{self.benchmark}/{self.images}/{self.metric}"


def targets_of(benchmark: str) -> tuple[str, ...]:
    """Return the target keys of a benchmark in their published order.

    Raises:
        InvalidInputError: If the benchmark is not known.
    """
    if benchmark == "nas-robbench-201":
        metrics = {images: _robbench_metrics() for images in _IMAGES}
    elif benchmark == "jung2023":
        metrics = {images: _jung_metrics(images) for images in _IMAGES}
    elif benchmark == "hw-nas-bench":
        metrics = {"cifar10": _device_metrics()}
    else:
        msg = f"benchmark: expected one of {', '.join(BENCHMARKS)}; got {brief(benchmark)}"
        raise InvalidInputError(msg)
    return tuple(f"{benchmark}/{images}/{m}" for images, names in metrics.items() for m in names)


def _robbench_metrics() -> list[str]:
    return ["clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8", "autoattack-8"]


def _jung_metrics(images: str) -> list[str]:
    if images != "cifar10":
        names = ["clean", "apgd-ce-1", "square-1", "fgsm-1", "pgd-1"]
        return [*names, "corruptions"] if images == "cifar100" else names
    few = ("0.1", "0.5", "1", "2", "3", "4", "8")
    many = ("0.1", "0.5", "1", "2", "3", "4", "5", "6", "7", "8", "255")
    grid = {"apgd-ce": few, "square": few, "fgsm": many, "pgd": few}
    return ["clean", *(f"{a}-{e}" for a, all_ in grid.items() for e in all_), "corruptions"]


def _device_metrics() -> list[str]:
    names = []
    for device in _DEVICES:
        names.append(f"{device}-latency")
        if device not in _NO_ENERGY:
            names.append(f"{device}-energy")
        if device == "eyeriss":
            names.append("eyeriss-arithmetic-intensity")
    return names
