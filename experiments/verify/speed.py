"""What a training step costs: predicted from its operations, measured, and beside plain PyTorch."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

import surrobust as sr
from surrobust.images import ImageSet
from surrobust.networks import build_network
from surrobust.training import Recipe, Training
from surrobust.training.inner import attack_batch, draw_start
from surrobust.training.streams import make_stream


class Traffic(TorchDispatchMode):
    """Sums what each operation computes, reads and writes, as if nothing stayed in a cache."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes, self.flops = 0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        if (count := flop_registry.get(func._overloadpacket)) is not None:
            self.flops += count(*args, **(kwargs or {}), out_val=out)
        read, written = _tensors([args, kwargs or {}]), _tensors([out])
        places = {tensor.untyped_storage().data_ptr() for tensor in read}
        views = all(tensor.untyped_storage().data_ptr() in places for tensor in written)
        in_place = func.__name__.split(".")[0].endswith("_")
        if not views or in_place:
            self.bytes += sum(t.numel() * t.element_size() for t in (*read, *written))
        return out


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    if isinstance(items, list | tuple) or isinstance(value, dict):
        return [tensor for item in items for tensor in _tensors(item)]
    return []


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


def peaks(device: torch.device, repeats: int) -> tuple[float, float]:
    """Return what the machine reaches: operations a second (float32 matrices), bytes a second.

    On a GPU with TF32, which convolutions use there.
    """
    side = 8192 if device.type == "cuda" else 1024
    a = torch.rand((side, side), device=device)
    length = 2**28 if device.type == "cuda" else 2**25
    source, target = (torch.zeros(length, device=device) for _ in range(2))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if device.type == "cuda" else before)
    product = seconds(lambda: a @ a, device, repeats)
    torch.set_float32_matmul_precision(before)
    copy = seconds(lambda: target.copy_(source), device, repeats)
    return 2 * side**3 / product, 8 * length / copy


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
            attack_batch(training.network, x, y, start, one)

    setting = torch.tensor([0.0, 0.9], device=device)
    return {
        "cut a batch": lambda: feed._cuts.cut(torch.arange(len(y), device=device), stream),
        "draw the start": lambda: draw_start(x, attack, stream),
        "attack, one step": attacked,
        "forward and backward": update,
        "optimizer": lambda: training._optimizer.step(setting),
    }


def step_table(training: Training, repeats: int) -> list[dict[str, Any]]:
    """Return a row per part: operations, bytes, floor and measured seconds."""
    device, (flops, bandwidth) = training.device, peaks(training.device, repeats)
    steps, rows = training.attack.steps if training.attack else 0, []
    for name, call in parts(training).items():
        call()
        with Traffic() as traffic:
            call()
        operations, moved = traffic.flops, traffic.bytes
        floor = max(operations / flops, moved / bandwidth)
        found = seconds(call, device, repeats)
        rows.append(
            {
                "part": name,
                "times a step": steps if name.startswith("attack") else 1,
                "GFLOP": round(operations / 1e9, 3),
                "MB": round(moved / 1e6, 1),
                "floor ms": round(1e3 * floor, 3),
                "measured ms": round(1e3 * found, 3),
                "bound by": "bytes" if moved / bandwidth > operations / flops else "operations",
            }
        )
    print(f"machine: {flops / 1e9:.1f} GFLOP/s, {bandwidth / 1e9:.1f} GB/s")
    return rows


def plain_epoch(
    index: int, images: ImageSet, recipe: Recipe, device: torch.device, steps: int
) -> float:
    """Return the seconds of some steps of plain eager fp32 PyTorch: the same mathematics.

    Contiguous images, batch norm as a layer of its own while attacking too, ``torch.optim.SGD``
    with ``OneCycleLR``, images augmented one by one on the CPU as a data loader does, the loss read
    after each step.
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
    generator = torch.Generator().manual_seed(0)
    x_all, y_all = torch.from_numpy(images.x).float() / 255, torch.from_numpy(images.y)
    pad, size = images.image_size // 8, images.image_size

    def step() -> None:
        chosen = torch.randint(len(y_all), (recipe.batch_size,), generator=generator)
        views = []
        for image in functional.pad(x_all[chosen], [pad] * 4):
            top, left = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
            cut = image[:, top : top + size, left : left + size]
            views.append(cut.flip(2) if torch.rand((), generator=generator) < 0.5 else cut)
        x, y = torch.stack(views).to(device), y_all[chosen].to(device)
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


def our_epoch(
    index: int,
    images: ImageSet,
    recipe: Recipe,
    device: torch.device,
    steps: int,
    *,
    captured: bool = False,
) -> float:
    """Return the seconds of as many steps of ours."""
    cell = sr.Architecture.parse(index)
    training = Training(cell, images, recipe, device=str(device), captured=captured)
    epoch = training.steps()
    return _time_steps(lambda: next(epoch), device, steps)


def _time_steps(step: Callable[[], Any], device: torch.device, steps: int) -> float:
    step()
    synchronise(device)
    began = now(device)
    for _ in range(steps):
        step()
    synchronise(device)
    return now(device) - began
