"""A small network under each corruption: as published, ours of before, and the makers' own code.

python experiments/corruptions/run.py --images DIR [--frost DIR] [--maker FILE] [--weights FILE];
rows that results.csv has are not repeated. DIR of images: CIFAR-10 by class; DIR of frost: the data
folder with the makers' photographs; FILE of the maker: their make_cifar_c.py, which needs
scikit-image, opencv and ImageMagick by wand, in a folder with frost/.
"""

import argparse
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from surrobust._files import write_text
from surrobust.images import load_images
from surrobust.images.corruptions import CORRUPTIONS, OWN_CORRUPTIONS, SEVERITIES, corrupt
from surrobust.measuring import measure_accuracy

HERE = Path(__file__).parent
TRAINED_ON, EPOCHS, BATCH, PEAK = 20_000, 8, 128, 0.1
TESTED_ON = 500

Make = Callable[[np.ndarray, str, int], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", required=True)
    parser.add_argument("--frost", type=Path)
    parser.add_argument("--maker", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = load_network(options.images, options.weights)
    images = load_images(options.images, split="test", limit=TESTED_ON, seed=0)
    clean = measure_accuracy(network, images.x, images.y).value
    rows = pd.read_csv(options.out).to_dict("records") if options.out.exists() else []
    done = {(row["source"], row["corruption"]) for row in rows}
    for source, make in sources(options).items():
        for name in CORRUPTIONS:
            if (source, name) in done or not (make_name := names(source, name)):
                continue
            row = {"source": source, "corruption": name, "n": TESTED_ON, "clean": clean}
            for severity in SEVERITIES:
                x = make(images.x, make_name, severity)
                change = np.abs(x.astype(int) - images.x).mean()
                row[f"change_{severity}"] = round(float(change), 2)
                row[f"accuracy_{severity}"] = measure_accuracy(network, x, images.y).value
            found = [row[f"accuracy_{severity}"] for severity in SEVERITIES]
            row["accuracy"] = round(float(np.mean(found)), 4)
            rows.append(row)
            write_text(options.out, pd.DataFrame(rows).to_csv(index=False))
            print(source, name, row["accuracy"], flush=True)


def names(source: str, name: str) -> str | None:
    """What a corruption is called in a source; None where another one has it already."""
    if source == "own":
        return f"own_{name}" if f"own_{name}" in OWN_CORRUPTIONS else None
    return None if source == "ice drawn" and name != "frost" else name


def sources(options: argparse.Namespace) -> dict[str, Make]:
    found: dict[str, Make] = {
        "own": corrupt,
        "ice drawn": corrupt,
        "as published": lambda x, name, s: corrupt(x, name, s, frost=options.frost),
    }
    if options.frost is None:
        del found["as published"]
    return found if options.maker is None else {**found, "makers": load_maker(options.maker)}


def load_maker(path: Path) -> Make:
    """Return the published functions, brought to today's names of what they call."""
    text = path.read_text().split("import collections")[0]
    today = {
        "multichannel=True": "channel_axis=-1",
        "np.float_)": "np.float64)",
        "scipy.ndimage.interpolation": "scipy.ndimage",
        "np.fromstring": "np.frombuffer",
        "./frost": f"{path.parent}/frost/frost",
    }
    for before, after in today.items():
        text = text.replace(before, after)
    for name in ("torchvision", "torchvision.datasets", "torchvision.transforms"):
        sys.modules.setdefault(name, types.ModuleType(name))  # not used by what is called
    sys.modules["torchvision"].datasets = sys.modules["torchvision.datasets"]
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    functions: dict[str, Any] = {}
    exec(compile(text, os.fspath(path), "exec"), functions)

    def make(x: np.ndarray, name: str, severity: int) -> np.ndarray:
        np.random.seed(0)  # noqa: NPY002
        found = [
            np.uint8(functions[name](Image.fromarray(np.ascontiguousarray(image)), severity))
            for image in x.transpose(0, 2, 3, 1)
        ]
        return np.stack(found).transpose(0, 3, 1, 2)

    return make


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


def train_network(folder: str) -> nn.Module:
    """Train on 20 000 training images, shifted and mirrored at random; seed 0."""
    images = load_images(folder, split="train", limit=TRAINED_ON, seed=0)
    x, y = torch.from_numpy(images.x), torch.from_numpy(images.y)
    padded = nn.functional.pad(x, (4, 4, 4, 4))
    torch.manual_seed(0)
    network = build()
    optimizer = torch.optim.SGD(
        network.parameters(), PEAK, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    steps = EPOCHS * -(-len(y) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=steps)
    for epoch in range(EPOCHS):
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
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {total / len(y):.3f}", flush=True)
    return network.eval().requires_grad_(False)


def load_network(folder: str, weights: Path | None) -> nn.Module:
    if weights is not None and weights.exists():
        network = build()
        network.load_state_dict(torch.load(weights, weights_only=True))
        return network.eval().requires_grad_(False)
    network = train_network(folder)
    if weights is not None:
        torch.save(network.state_dict(), weights)
    return network


if __name__ == "__main__":
    main()
