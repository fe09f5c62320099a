"""Our attacks beside foolbox and the authors' code, on one network and the same images.

python experiments/attacks/run.py --images DIR [--smoke]; rows that are there are not repeated.
With --starts N, PGD from N random starts of each side instead, into starts.csv.
With --queries, Square of few queries instead, beside torchattacks and ART, into queries.csv.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from surrobust._files import write_text
from surrobust.attacks import ATTACKS, PGD, AbstractAttack, Square
from surrobust.images import load_images
from surrobust.measuring import Accuracy, compare_paired, measure_accuracy

HERE = Path(__file__).parent
SETS = {  # images: radius by norm, test images, test images of the slow attacks
    "digits": ({"Linf": 0.15, "L2": 0.8}, 360, 60),
    "cifar10-jpeg": ({"Linf": 2 / 255, "L2": 0.25}, 400, 30),
}
FOOLBOX = ("fgsm", "pgd", "pgd-from-image")
QUERIES, SEEDS = (50, 200, 500, 1000), 3
SLOW = ("apgd-t", "fab-t", "square", "autoattack")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", help="folder of CIFAR-10 by class")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--starts", type=int, default=0)
    parser.add_argument("--queries", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = pd.read_csv(options.out).to_dict("records") if options.out.exists() else []
    names = ("digits", "cifar10-jpeg") if options.images else ("digits",)
    ready = {}
    for name in names:
        train, test = prepare(name, options.images, 200 if options.smoke else None)
        epsilon = 0.1 if name == "digits" else 1 / 255
        ready[name] = (train_network(*train, epsilon=epsilon), *test)
    if options.queries:
        rows = [row for name in names for row in vary_queries(name, *ready[name], options)]
        text = pd.DataFrame(rows).to_csv(index=False)
        write_text(options.out.with_name("queries.csv"), text)
        return
    if options.starts:
        rows = [vary_starts(name, *ready[name], options) for name in names]
        text = pd.DataFrame([row for part in rows for row in part]).to_csv(index=False)
        write_text(options.out.with_name("starts.csv"), text)
        return
    jobs = [
        (name, norm, attack)
        for attack in ("pgd-from-image", *ATTACKS)
        for name in names
        for norm in SETS[name][0]
    ]
    done = {(row["images"], row["norm"], row["attack"]) for row in rows}
    for name, norm, attack in jobs:
        if (name, norm, attack) in done or (options.smoke and attack in SLOW):
            continue
        radii, n, few = SETS[name]
        count = 20 if options.smoke else (few if attack in SLOW else n)
        network, x, y = ready[name]
        row = compare(network, x[:count], y[:count], attack, radii[norm], norm)
        rows.append({"images": name, "norm": norm, "epsilon": radii[norm], **row})
        write_text(options.out, pd.DataFrame(rows).to_csv(index=False))
        print(rows[-1], flush=True)


def vary_starts(name: str, network, x, y, options) -> list[dict]:
    """PGD from many random starts, ours and foolbox's, in every norm."""
    radii, n, _ = SETS[name]
    x, y = (part[: 20 if options.smoke else n] for part in (x, y))
    rows = []
    for norm, epsilon in radii.items():
        ours, theirs = [], []
        for seed in range(options.starts):
            found = measure_accuracy(network, x, y, PGD(epsilon, norm=norm, seed=seed))
            ours.append(found.value)
            attacked = foolbox_attack("pgd", epsilon, norm, seed=seed)(network, x, y)
            theirs.append(float((network(attacked).argmax(1) == y).float().mean()))
        row = {"images": name, "norm": norm, "epsilon": epsilon, "n": len(x)}
        row |= {"starts": options.starts}
        for whose, values in (("ours", ours), ("theirs", theirs)):
            row[f"{whose}_mean"] = round(float(np.mean(values)), 5)
            row[f"{whose}_sd"] = round(float(np.std(values, ddof=1)), 5)
        rows.append(row)
        print(row, flush=True)
    return rows


def vary_queries(name: str, network, x, y, options) -> list[dict]:
    """Square with few queries, Linf: as it was, as it is, and as two peers have it."""
    epsilon, n = SETS[name][0]["Linf"], 20 if options.smoke else 200
    x, y = x[:n], y[:n]
    rows = []
    for queries in (50,) if options.smoke else QUERIES:
        row = {"images": name, "epsilon": epsilon, "n": n, "queries": queries, "seeds": SEEDS}
        for whose, attack in square_attacks(network, epsilon, queries).items():
            found = [
                float((network(attack(x, y, seed)).argmax(1) == y).float().mean())
                for seed in range(SEEDS)
            ]
            row[f"{whose}_mean"] = round(float(np.mean(found)), 4)
            row[f"{whose}_sd"] = round(float(np.std(found, ddof=1)), 4)
        rows.append(row)
        print(row, flush=True)
    return rows


def square_attacks(network, epsilon: float, queries: int) -> dict[str, Callable[..., Tensor]]:
    import torchattacks
    from art.attacks.evasion import SquareAttack
    from art.estimators.classification import PyTorchClassifier

    def ours(rescaled: bool | None):
        return lambda x, y, seed: Square(epsilon, queries=queries, rescaled=rescaled, seed=seed)(
            network, x, y, checks=False
        )

    def theirs(x, y, seed):
        return torchattacks.Square(network, eps=epsilon, n_queries=queries, seed=seed)(x, y)

    def arts(x, y, seed):
        np.random.seed(seed)  # noqa: NPY002
        shape = tuple(x.shape[1:])
        loss = nn.CrossEntropyLoss()
        model = PyTorchClassifier(network, loss, shape, 10, clip_values=(0, 1), device_type="cpu")
        attack = SquareAttack(
            model, eps=epsilon, max_iter=queries, batch_size=len(x), verbose=False
        )
        return torch.from_numpy(attack.generate(x.numpy(), y.numpy()))

    return {"before": ours(False), "now": ours(None), "torchattacks": theirs, "art": arts}


def prepare(name: str, folder: str | None, limit: int | None):
    def load(split: str, most: int):
        found = load_images(name if name == "digits" else folder, split=split, limit=most)
        return torch.from_numpy(found.x).float() / 255, torch.from_numpy(found.y)

    return load("train", limit or (1437 if name == "digits" else 3000)), load("test", 400)


def train_network(x: Tensor, y: Tensor, *, epsilon: float) -> nn.Module:
    """Train a small network against PGD; seeds fixed."""
    torch.manual_seed(0)
    side = x.shape[-1] // 4
    network = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * side**2, 10),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    attack, rng = PGD(epsilon, steps=2, step_size=epsilon), np.random.default_rng(0)
    for _ in range(10):
        for batch in np.array_split(rng.permutation(len(y)), max(1, len(y) // 50)):
            attacked = attack(network, x[batch], y[batch], checks=False)
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(attacked), y[batch]).backward()
            optimizer.step()
    return network.eval().requires_grad_(False)


def compare(network, x, y, name: str, epsilon: float, norm: str) -> dict:
    started = time.process_time()
    ours = measure_accuracy(network, x, y, make(name, epsilon, norm))
    seconds = time.process_time() - started
    started = time.process_time()
    attacked = reference(name, epsilon, norm)(network, x, y)
    theirs = Accuracy.of((network(attacked).argmax(1) == y).numpy())
    their_seconds = time.process_time() - started
    paired = compare_paired(ours.correct, theirs.correct)
    clean = float((network(x).argmax(1) == y).float().mean())
    return {
        "attack": name,
        "reference": "foolbox 3.3.4" if name in FOOLBOX else "pyautoattack 0.2.0",
        "n": len(x),
        "clean": round(clean, 4),
        "ours": round(ours.value, 4),
        "theirs": round(theirs.value, 4),
        "only_ours_withstood": paired.only_a,
        "only_theirs_withstood": paired.only_b,
        "seconds_ours": round(seconds, 2),
        "seconds_theirs": round(their_seconds, 2),
    }


def make(name: str, epsilon: float, norm: str) -> AbstractAttack:
    if name == "pgd-from-image":
        return PGD(epsilon, norm=norm, random_start=False)
    return ATTACKS[name](epsilon, norm=norm)


def reference(name: str, epsilon: float, norm: str) -> Callable[..., Tensor]:
    return foolbox_attack(name, epsilon, norm) if name in FOOLBOX else authors(name, epsilon, norm)


def foolbox_attack(name: str, epsilon: float, norm: str, *, seed: int = 0) -> Callable[..., Tensor]:
    import foolbox

    single = {"Linf": foolbox.attacks.FGSM, "L2": foolbox.attacks.FGM}[norm]
    steps = {"Linf": foolbox.attacks.LinfPGD, "L2": foolbox.attacks.L2PGD}[norm]
    torch.manual_seed(seed)  # foolbox draws from the global generator
    attack = (
        single()
        if name == "fgsm"
        else steps(rel_stepsize=1 / 8, steps=20, random_start=name == "pgd")
    )

    def run(network, x, y):
        model = foolbox.PyTorchModel(network, bounds=(0, 1))
        return attack(model, x, y, epsilons=epsilon)[1]

    return run


def authors(name: str, epsilon: float, norm: str) -> Callable[..., Tensor]:
    import pyautoattack

    def run(network, x, y):
        suite = pyautoattack.AutoAttack(network, norm=norm, eps=epsilon, seed=0)
        if name != "autoattack":
            suite.attacks_to_run = [name]
        return suite.run_standard_evaluation(x, y, batch_size=256)[0]

    return run


if __name__ == "__main__":
    main()
