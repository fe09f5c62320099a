"""Targets: the names of what a benchmark measured, ``<benchmark>/<images>/<metric>``.

Epsilons in names are written in 1/255: ``pgd-8`` is PGD at Linf 8/255.
"""

import math
from dataclasses import dataclass
from typing import Any

from ._checks import brief, listed
from .errors import InvalidInputError

DEFAULT_TARGET = "nas-robbench-201/cifar10/pgd-8"
"""What is predicted and searched for when nothing is said."""

BENCHMARKS = ("nas-robbench-201", "jung2023", "hw-nas-bench")
"""The benchmarks whose tables the package reads."""

COUNTS = ("params", "flops")
"""What is counted in an architecture itself: parameters and FLOPs of its CIFAR-10 network."""

_DEVICE_BENCHMARK = "hw-nas-bench"

_ACCURACY, _POSITIVE, _ANY = (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)
_ATTACKS = ("fgsm", "pgd", "apgd", "square", "fab", "autoattack")

_IMAGES = ("cifar10", "cifar100", "imagenet16-120")
_DEVICES = ("edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss", "fpga")
_NO_ENERGY = ("raspi4", "edgetpu", "pixel3")


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One measured quantity of one benchmark on one image set.

    Args:
        benchmark: Name of the table, such as ``nas-robbench-201``.
        images: Name of the image set, such as ``cifar10``.
        metric: What was measured, such as ``pgd-8`` (Linf, 8/255) or ``raspi4-latency``.
    """

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
        if self.benchmark == _DEVICE_BENCHMARK:
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
        """Whether it is a fraction in [0, 1]; else it is a positive figure of a device."""
        return self.benchmark != _DEVICE_BENCHMARK and self.higher_is_better

    @property
    def range(self) -> tuple[float, float]:
        """What no value is below and above: 0 and 1 of an accuracy, 0 and infinity else."""
        return _ACCURACY if self.is_accuracy else _POSITIVE

    def __str__(self) -> str:
        return f"{self.benchmark}/{self.images}/{self.metric}"


def targets_of(benchmark: str) -> tuple[str, ...]:
    """Return the target keys of a benchmark in their published order.

    Args:
        benchmark: A name of :data:`BENCHMARKS`.

    Raises:
        InvalidInputError: If the benchmark is not known.
    """
    if benchmark == "nas-robbench-201":
        metrics = {images: _robbench_metrics() for images in _IMAGES}
    elif benchmark == "jung2023":
        metrics = {images: _jung_metrics(images) for images in _IMAGES}
    elif benchmark == _DEVICE_BENCHMARK:
        metrics = {"cifar10": _device_metrics()}
    else:
        msg = f"benchmark: expected one of {', '.join(BENCHMARKS)}; got {brief(benchmark)}"
        raise InvalidInputError(msg)
    return tuple(f"{benchmark}/{images}/{m}" for images, names in metrics.items() for m in names)


def check_target(target: str) -> str:
    """Return a target if a benchmark has it.

    Raises:
        InvalidInputError: If none has; the message shows the closest ones.
    """
    known = targets_of(Target.parse(target).benchmark)
    if target not in known:
        msg = f"target: expected one of {listed(known, target, most=5)}; got {brief(target)}"
        raise InvalidInputError(msg)
    return target


def parse_quantity(name: str, text: Any, *, beside: Target) -> str:
    """Return the full name of a quantity: one of ``COUNTS``, or a target key.

    Args:
        name: Of the argument, for the message.
        text: A full name; or the metric alone, of a device or else of the benchmark and images of
            ``beside``.
        beside: What is searched for.

    Raises:
        InvalidInputError: If there is no such quantity.
    """
    if text in COUNTS:
        return str(text)
    if text in (str(beside), beside.metric):
        return str(beside)
    devices = _device_metrics()
    own = targets_of(beside.benchmark) if beside.benchmark in BENCHMARKS else ()
    metrics = [Target.parse(key).metric for key in own if key.split("/")[1] == beside.images]
    if text in devices:
        return f"{_DEVICE_BENCHMARK}/cifar10/{text}"
    if text in metrics:
        return f"{beside.benchmark}/{beside.images}/{text}"
    if isinstance(text, str) and "/" in text:
        target = Target.parse(text)
        if text in targets_of(target.benchmark):
            return text
    others = [metric for metric in metrics if metric not in devices]
    known = ", ".join([*others, *devices, *COUNTS])
    msg = f"{name}: expected a target or one of {known}; got {brief(text)}"
    raise InvalidInputError(msg)


def is_maximised(quantity: str) -> bool:
    """Return whether a search makes a quantity large: an accuracy rather than a cost."""
    return quantity not in COUNTS and Target.parse(quantity).higher_is_better


def range_of(name: str) -> tuple[float, float]:
    """Return what no value of a quantity is below and above, as far as its name says.

    Args:
        name: A target key; or the metric alone, as a column of somebody's own may be called:
            ``clean``, ``pgd-8``, ``watch-latency``, ``robust_accuracy``; or one of ``COUNTS``.
    """
    if name.count("/") == 2:
        return Target.parse(name).range if all(name.split("/")) else _ANY
    words = name.lower().replace("_", "-").split("-")
    if name in COUNTS or words[-1] in ("latency", "energy"):
        return _POSITIVE
    is_attack = words[0] in _ATTACKS and words[-1].replace(".", "", 1).isdecimal()
    return _ACCURACY if is_attack or {"clean", "corruptions", "accuracy"} & {*words} else _ANY


def is_known_beforehand(quantity: str) -> bool:
    """Return whether a quantity takes no training to know: a count, or a figure of a device."""
    return quantity in COUNTS or not Target.parse(quantity).is_accuracy


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
