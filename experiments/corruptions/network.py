"""The network that the corruptions are tried on."""

import sys
from pathlib import Path

import torch
from torch import nn

from surrobust.errors import InvalidInputError
from surrobust.images import ImageSet, load_images

BATCH, PEAK = 128, 0.1


def load_tested(folder: str | None, n: int) -> ImageSet:
    """Return some test images."""
    if folder is None:
        msg = "--images: expected CIFAR-10 as a folder by class, got nothing"
        raise InvalidInputError(msg)
    return load_images(folder, split="test", limit=n, seed=0)


def load_network(folder: str, weights: Path | None, n: int, epochs: int) -> nn.Module:
    """Return the network of these weights; where the file is not there, train and write it."""
    if weights is None or not weights.exists():
        network = train_network(folder, n, epochs)
        if weights is not None:
            torch.save(network.state_dict(), weights)
        return network
    network = build()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval().requires_grad_(False)


def build() -> nn.Sequential:
    """Six convolutions with batch norm, ten classes."""
    widths = ((3, 16, 1), (16, 16, 2), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 1))
    layers: list[nn.Module] = []
    for before, after, stride in widths:
        layers += [
            nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def train_network(folder: str, n: int, epochs: int) -> nn.Module:
    """Train on some training images, shifted and mirrored at random; seed 0."""
    images = load_images(folder, split="train", limit=n, seed=0)
    x, y = torch.from_numpy(images.x), torch.from_numpy(images.y)
    padded = nn.functional.pad(x, (4, 4, 4, 4))
    torch.manual_seed(0)
    network = build()
    optimizer = torch.optim.SGD(
        network.parameters(), PEAK, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    steps = epochs * -(-len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=steps)
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(y)).split(BATCH):
            down, right = torch.randint(9, (2,)).tolist()
            batch = padded[chosen, :, down : down + 32, right : right + 32].float() / 255
            if torch.rand(()) < 0.5:
                batch = batch.flip(3)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(batch), y[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        print(f"epoch {epoch + 1} of {epochs}: loss {total / len(y):.3f}", file=sys.stderr)
    return network.eval().requires_grad_(False)
