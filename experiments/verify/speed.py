"""What a training step costs: predicted from its kernels, measured, and beside plain PyTorch."""

import gc
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import surrobust as sr
from experiments.verify.kernels import Counts, Kernel, Machine, Watch, counting_backend
from surrobust.images import ImageSet
from surrobust.networks import FoldedNetwork, build_network, tuned
from surrobust.networks.cell import Cell
from surrobust.spaces import EDGES
from surrobust.training import Recipe, Training
from surrobust.training.feed import Feed
from surrobust.training.kernels import ALIKE, FUSED, PLAIN, compile_parts, gradient_likeness
from surrobust.training.starting import make_stream
from surrobust.training.steps import as_written, attack_batch, draw_start


def synchronise(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def now(device: torch.device) -> float:
    """Return seconds: of the processor on a CPU, where others may be at work, else of the wall."""
    return time.process_time() if device.type == "cpu" else time.perf_counter()


def seconds(call: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Return the shortest of some runs, after one that is not counted."""
    call()
    found = []
    for _ in range(repeats):
        synchronise(device)
        began = now(device)
        call()
        synchronise(device)
        found.append(now(device) - began)
    return min(found)


def measure_machine(device: torch.device, repeats: int) -> Machine:
    """Return what a device reaches; on a GPU float32 is TF32, which convolutions use there."""
    is_gpu = device.type == "cuda"
    side, length = (8192, 2**28) if is_gpu else (1024, 2**25)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if is_gpu else before)
    flops = {}
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.rand((side, side), device=device).to(dtype)
        products = 2 * side**3 / seconds(lambda a=a: a @ a, device, repeats)
        # Some processors' libraries reach more in convolutions than in products.
        n, c, h = (256, 512, 32) if is_gpu else (8, 64, 32)
        x = torch.rand((n, c, h, h), device=device).to(dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        kernel = torch.rand((c, c, 3, 3), device=device).to(dtype)
        convolve = partial(functional.conv2d, x, kernel, padding=1)
        with tuned(device):
            convolutions = 2 * n * h**2 * c**2 * 9 / seconds(convolve, device, repeats)
        flops[dtype] = max(products, convolutions)
    torch.set_float32_matmul_precision(before)
    source, target = (torch.zeros(length, device=device) for _ in range(2))
    bandwidth = 8 * length / seconds(lambda: target.copy_(source), device, repeats)
    few, n = torch.zeros(1024, device=device), 500

    def many() -> None:
        for _ in range(n):
            few.add_(1.0)

    call = seconds(many, device, repeats) / n
    launch = call
    if is_gpu:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            many()
        launch = seconds(graph.replay, device, repeats) / n
    return Machine(flops, bandwidth, launch, call)


def parts(training: Training) -> dict[str, Callable[[], Any]]:
    """Return what a step of adversarial training consists of, to be run one by one."""
    feed, attack, device = training._feed, training.attack, training.device
    assert attack is not None
    stream = make_stream(0, 0, device=device)
    x, y = next(iter(feed.batches(0)))
    start = draw_start(x, attack, stream)
    once = {**{f: getattr(attack, f) for f in ("epsilon", "step_size", "start", "modes")}}
    one = type(attack)(steps=1, **once)

    def update() -> None:
        training._optimizer.clear()
        with training._autocast():
            loss = functional.cross_entropy(training.network(x).float(), y)
        loss.backward()

    def attacked() -> None:
        with training._autocast():
            attack_batch(training.network, x, y, start, one, twin=training._twin)

    setting = torch.tensor([0.0, 0.9], device=device)
    return {
        "cut a batch": lambda: feed._cuts.cut(torch.arange(len(y), device=device), stream),
        "draw the start": lambda: draw_start(x, attack, stream),
        "attack, one step": attacked,
        "forward and backward": update,
        "optimizer": lambda: training._optimizer.step(setting),
    }


def step_table(training: Training, machine: Machine, repeats: int) -> list[dict[str, Any]]:
    """Return a row per part: operations, bytes, floor and measured seconds."""
    device = training.device
    steps, rows = training.attack.steps if training.attack else 0, []
    for name, call in parts(training).items():
        call()
        with Watch() as watch:
            call()
        moved, operations = (sum(kernel[i] for kernel in watch.kernels) for i in (0, 1))
        times = (moved / machine.bandwidth, operations / machine.flops[torch.float32])
        rows.append(
            {
                "part": name,
                "times a step": steps if name.startswith("attack") else 1,
                "kernels": len(watch.kernels),
                "GFLOP": round(operations / 1e9, 3),
                "MB": round(moved / 1e6, 1),
                "floor ms": round(1e3 * max(times), 3),
                "measured ms": round(1e3 * seconds(call, device, repeats), 3),
                "bound by": "bytes" if times[0] > times[1] else "operations",
            }
        )
    return rows


@dataclass(frozen=True)
class Variant:
    """A way to take the same steps.

    Args:
        precision: Of the recipe.
        captured: Whether steps are replayed as a CUDA graph.
        kernels: A name of ``training.kernels.KERNELS``.
    """

    precision: str
    captured: bool
    kernels: str = PLAIN

    @property
    def name(self) -> str:
        words = [self.precision, *["captured"] * self.captured]
        return " ".join(words + [self.kernels] * (self.kernels != PLAIN))

    @property
    def options(self) -> dict[str, Any]:
        """What ``make_plan`` and ``Training`` take, the precision apart."""
        return {"captured": self.captured, "kernels": self.kernels}

    def start(self, index: int, images: ImageSet, recipe: Recipe, device: torch.device) -> Training:
        """Return a training by this variant."""
        cell, recipe = sr.Architecture.parse(index), recipe.with_(precision=self.precision)
        return Training(cell, images, recipe, device=str(device), **self.options)


VARIANTS = (
    Variant("fp32", captured=False),
    Variant("fp32", captured=True),
    Variant("bf16", captured=False),
    Variant("bf16", captured=True),
    Variant("bf16", captured=True, kernels=FUSED),
)
"""The first is what the others are compared with."""

AGREES = 0.02
"""How far, relatively, the mean loss of a variant's steps may be from that of the first."""

SHARE = 8
"""Kernels are counted on so small a share of a batch: what depends on the batch grows with it."""


def count(variant: Variant, index: int, images: ImageSet, recipe: Recipe) -> Counts:
    """Return the kernels of a step of a variant on a GPU, counted on a CPU.

    Where parts are compiled, those of their separate operations give way to fused ones, and then
    those of cells that attacks see to ours; a kernel that is counted in another way there may be
    there less than no times, which a sum undoes.
    """
    small = replace(recipe, batch_size=recipe.batch_size // SHARE)
    plain = replace(variant, captured=False, kernels=PLAIN)
    start = partial(plain.start, index, images, small, torch.device("cpu"))
    with computed_on_a_cpu_with(variant.precision):
        found = Counter(count_step(start()))
        if variant.kernels == FUSED:
            found.subtract(count_parts(start(), fused=False))
            found.update(count_parts(start(), fused=True))
            assert small.attack is not None
            cells, nodes = count_cells(start()), count_nodes(start())
            for _ in range(small.attack.steps):
                found.subtract(cells)
                found.update(nodes)
    return Counter({(SHARE * moved, SHARE * ops): n for (moved, ops), n in found.items() if n})


def predict(variant: Variant, kernels: Counts, machine: Machine) -> dict[str, Any]:
    """Return what a step of a variant must take on a machine."""
    dtype = torch.bfloat16 if variant.precision == "bf16" else torch.float32
    seconds = machine.seconds(kernels, dtype, captured=variant.captured)
    return {
        "kernels": kernels.total(),
        "GB": round(sum(n * moved for (moved, _), n in kernels.items()) / 1e9, 2),
        "predicted ms": round(1e3 * seconds, 3),
    }


@contextmanager
def computed_on_a_cpu_with(precision: str) -> Iterator[None]:
    """Let trainings on a CPU compute with a precision that is for GPUs."""
    before = Training.precision
    Training.precision = precision  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Training.precision = before  # type: ignore[method-assign]


def count_step(training: Training) -> list[Kernel]:
    """Return the kernels of a step that is not compiled."""
    steps = training.steps()
    next(steps)
    with Watch() as watch:
        next(steps)
    return watch.kernels


def count_parts(training: Training, *, fused: bool) -> list[Kernel]:
    """Return the kernels of those parts of a step that can be compiled, fused or not."""
    twin = training._twin
    assert twin is not None
    torch._dynamo.reset()
    found: list[Kernel] = []
    for network in (training.network, twin):
        compile_parts(network, counting_backend(found, fused=fused))
    steps = training.steps()
    next(steps)
    found.clear()
    next(steps)
    torch._dynamo.reset()
    return found


def count_cells(training: Training) -> list[Kernel]:
    """Return the compiled kernels of all cells for one gradient by the images."""
    twin, recipe = training._twin, training.recipe
    assert twin is not None
    torch._dynamo.reset()
    found: list[Kernel] = []
    for cell in (module for module in twin.modules() if isinstance(module, Cell)):
        cell.compile(fullgraph=True, dynamic=False, backend=counting_backend(found, fused=True))
        width = next(m for m in cell.modules() if isinstance(m, nn.Conv2d)).weight
        side = 32 * recipe.channels // len(width)
        shape = (recipe.batch_size, len(width), side, side)
        x = torch.zeros(shape, dtype=width.dtype).requires_grad_()
        cell(x.to(memory_format=torch.channels_last)).sum().backward()
    torch._dynamo.reset()
    return found


def count_nodes(training: Training) -> list[Kernel]:
    """Return the kernels of all nodes of all cells, forward and backward, by ``networks.fused``.

    A node reads those before it, and what its convolutions' kernels are; a gradient reads those
    behind it, and what decides which pixels pass if there is a convolution.
    """
    twin, recipe = training._twin, training.recipe
    assert twin is not None
    found: list[Kernel] = []
    for cell in (module for module in twin.modules() if isinstance(module, Cell)):
        edges = [(*EDGES[number], cell.ops[number]) for number in cell.live]
        weight = next(m for m in cell.modules() if isinstance(m, nn.Conv2d)).weight
        width = len(weight)
        pixels = recipe.batch_size * (training.images.image_size * recipe.channels // width) ** 2
        one = pixels * width * weight.element_size()
        for end in (1, 0):  # into a node, then out of it
            for node in {edge[end] for edge in edges}:
                here = [edge for edge in edges if edge[end] == node]
                taps = [{2: 1, 3: 9}.get(op, 0) for *_, op in here]
                maps = len(here) + 1 + (end == 0 and any(taps))
                flops = 2 * pixels * width**2 * sum(taps)
                kernel = width**2 * weight.element_size() * sum(taps)
                found.append((float(maps * one + kernel), float(flops)))
    return found


def measure(
    variant: Variant,
    index: int,
    images: ImageSet,
    recipe: Recipe,
    device: torch.device,
    steps: int,
    *,
    profiles: dict[str, list[dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    """Return the seconds of a step of a variant and of its start, and what it computes.

    Args:
        variant: How.
        index: Of the cell.
        images: What is trained on.
        recipe: By what.
        device: Where.
        steps: How many are timed.
        profiles: Gets, by the variant's name, what its kernels take.
    """
    gc.collect()  # what an earlier variant has left
    if device.type == "cuda":
        with suppress(RuntimeError):  # after a capture that failed
            torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    training = variant.start(index, images, recipe, device)
    losses: list[torch.Tensor] = []
    original = training._step_for

    def watched(*given: Any) -> Callable[..., torch.Tensor]:
        step = original(*given)

        def take(*inputs: torch.Tensor) -> torch.Tensor:
            loss = step(*inputs)
            losses.append(loss.clone())
            return loss

        return take

    training._step_for = watched  # type: ignore[method-assign]
    course = training.course()
    next(course)
    synchronise(device)
    started = time.perf_counter() - began
    found = _time_steps(lambda: next(course), device, steps)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    if profiles is not None:
        profiles[variant.name] = profile(lambda: next(course), device)
    return {
        "measured ms": round(1e3 * found / steps, 3),
        "start s": round(started, 2),
        "loss": float(torch.stack(losses[1:]).mean()),
        "cosine": round(compare_gradients(training), 5),
        "GiB": round(peak / 2**30, 2),
    }


def profile(step: Callable[[], Any], device: torch.device, steps: int = 3) -> list[dict[str, Any]]:
    """Return the kernels of a step by name, those that take longest first."""
    kinds = torch.profiler.ProfilerActivity
    kind = kinds.CUDA if device.type == "cuda" else kinds.CPU
    with torch.profiler.profile(activities=[kind]) as seen:
        for _ in range(steps):
            step()
        synchronise(device)
    attribute = f"self_{'device' if device.type == 'cuda' else 'cpu'}_time_total"
    rows = [
        {
            "kernel": one.key.replace(",", ";")[:150],
            "times a step": round(one.count / steps, 2),
            "us a step": round(getattr(one, attribute) / steps, 1),
        }
        for one in seen.key_averages()
    ]
    return sorted((r for r in rows if r["us a step"] > 0), key=lambda r: -r["us a step"])


SHAPES = {
    16: ((128, 4), (256, 4), (64, 2), (32, 1)),
    32: ((128, 4), (64, 4), (64, 2)),
    64: ((64, 4), (128, 4), (64, 8)),
}
"""Pixels and warps of a program of the fused kernels, by width; the first are those in use."""


def measure_shapes(index: int, batch: int, device: torch.device) -> Iterator[dict[str, Any]]:
    """Yield what the kernels of a cell's gradient by its first node take, by width and shape."""
    from surrobust.networks import fused

    network = build_network(sr.Architecture.parse(index)).to(device)
    twin = FoldedNetwork(network.to(memory_format=torch.channels_last), torch.bfloat16).twin
    fused.fuse_cells(twin)
    before = fused.shape_for
    for stage, (width, shapes) in enumerate(SHAPES.items(), start=1):
        cell = getattr(twin, f"stage_{stage}").cell_1
        size = (batch, width, 32 * 16 // width, 32 * 16 // width)
        x = torch.randn(size, device=device, dtype=torch.bfloat16)
        leaf = x.contiguous(memory_format=torch.channels_last).requires_grad_()

        def gradient(cell: Any = cell, leaf: torch.Tensor = leaf) -> torch.Tensor:
            return torch.autograd.grad(cell(leaf).float().square().sum(), leaf)[0]

        expected: torch.Tensor | None = None
        for shape in shapes:
            fused.shape_for = lambda _, shape=shape: shape
            try:
                found = gradient()
                rows = [row for row in profile(gradient, device, 20) if row["kernel"] == "_node"]
            finally:
                fused.shape_for = before
            expected = found if expected is None else expected
            yield {
                "width": width,
                "pixels": shape[0],
                "warps": shape[1],
                "kernels": sum(row["times a step"] for row in rows),
                "us": sum(row["us a step"] for row in rows),
                "difference": round(float((found - expected).abs().max() / expected.std()), 5),
            }


def compare_gradients(training: Training) -> float:
    """Return the cosine of the gradients by a batch that attacks see with those of float32.

    The loss of the first steps alone does not tell: an attack that finds nothing changes it little.
    """
    twin = training._twin
    assert twin is not None
    twin.refresh()
    x, y = next(iter(training._feed.batches(0)))
    # As in a step: what is compiled depends on it, and would be compiled anew.
    with training._autocast(), as_written(training.device):
        return gradient_likeness(FoldedNetwork(training.network), twin, x, y)


def compare(row: dict[str, Any], before: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row beside plain PyTorch, which is the first, and the variant after it."""
    if "measured ms" not in row:
        return row
    found = {
        **row,
        "times as fast as plain": round(before[0]["measured ms"] / row["measured ms"], 3),
    }
    if "predicted ms" in row:
        found["predicted / measured"] = round(row["predicted ms"] / row["measured ms"], 3)
    reference = next((other for other in before if "loss" in other), row)
    found["loss by reference"] = round(row["loss"] / reference["loss"], 5)
    return found


def choose(rows: list[dict[str, Any]]) -> Variant:
    """Return the fastest variant that agrees with the first; that one if none does."""
    named = {variant.name: variant for variant in VARIANTS}
    good = [
        row
        for row in rows
        if row["variant"] in named
        and "measured ms" in row
        and abs(row["loss by reference"] - 1) <= AGREES
        and row["cosine"] >= ALIKE
    ]
    return named[min(good, key=lambda row: row["measured ms"])["variant"]] if good else VARIANTS[0]


def plain_steps(
    index: int, images: ImageSet, recipe: Recipe, device: torch.device, steps: int
) -> float:
    """Return the seconds of some steps of plain eager fp32 PyTorch: the same mathematics.

    Contiguous images, batch norm as a layer of its own while attacking too, ``torch.optim.SGD``
    with ``OneCycleLR``, the loss read after each step. Batches are cut beforehand, so that no data
    loader counts against it.
    """
    attack = recipe.attack
    assert attack is not None
    cell = sr.Architecture.parse(index)
    network = build_network(
        cell,
        channels=recipe.channels,
        cells=recipe.cells,
        classes=len(images.classes),
        image_size=images.image_size,
    ).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=10_000)
    batches = Feed(images, recipe, seed=0, device=device).batches(0)
    first = [next(batches) for _ in range(min(8, len(images) // recipe.batch_size))]
    turns = itertools.cycle([(x.contiguous(), y) for x, y in first])

    def step() -> None:
        x, y = next(turns)
        found = _plain_attack(network.eval(), x, y, attack)
        network.train()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(found), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        loss.item()

    return _time_steps(step, device, steps)


def _plain_attack(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor, attack: Any
) -> torch.Tensor:
    delta = torch.empty_like(x).uniform_(-attack.epsilon, attack.epsilon)
    delta = (x + delta).clamp(0, 1) - x
    for _ in range(attack.steps):
        delta.requires_grad_(True)
        loss = nn.functional.cross_entropy(network(x + delta), y)
        (gradient,) = torch.autograd.grad(loss, delta)
        delta = delta.detach() + attack.step_size * gradient.sign()
        delta = delta.clamp(-attack.epsilon, attack.epsilon)
        delta = (x + delta).clamp(0, 1) - x
    return (x + delta).detach()


def _time_steps(step: Callable[[], Any], device: torch.device, steps: int) -> float:
    step()
    synchronise(device)
    began = now(device)
    for _ in range(steps):
        step()
    synchronise(device)
    return now(device) - began
