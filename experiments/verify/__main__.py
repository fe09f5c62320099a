"""Are trained and attacked cells worth what the benchmark says, and how fast is it found out?

    python -m experiments.verify order --images DIR --scale small          # 10 minutes on a CPU
    python -m experiments.verify order --images DIR --scale medium --n 24  # 2 hours on a CPU
    python -m experiments.verify speed --images DIR --scale small          # a minute
    python -m experiments.verify finalists --images DIR --scale small      # 5 minutes
    python -m experiments.verify kept --images DIR --attacks autoattack-8 --n-test 128
    python -m experiments.verify summary                                   # of what is measured
    python -m experiments.verify count                                     # kernels of a step
    python experiments/verify/gpu.py --images DIR --out OUT                # on a GPU

``--smoke`` runs a part in seconds, or those of QUICK, and keeps nothing unless ``--out`` is given.
What was measured is in files beside this one and is not run again.
"""

import argparse
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file

import surrobust as sr
from experiments.flags import find_tables
from experiments.verify import order, speed
from surrobust._files import read_json, write_json, write_text
from surrobust.measuring import measure_accuracy
from surrobust.networks import FoldedNetwork, find_device, name_device
from surrobust.training import EpochEnd, Event, Training
from surrobust.training.starting import start_network
from surrobust.verification.evaluation import parse_metrics
from surrobust.verification.surroundings import find_commit

HERE = Path(__file__).parent
PREDICTED = {m: f"nas-robbench-201/cifar10/{m}" for m in ("clean", "fgsm-8", "pgd-8")}
CELL = 2581
WEIGHTS = HERE / "2581-robbench201.safetensors"
RECORDS = HERE.parents[1] / "data" / "records" / "cifar10-jpeg-robbench201.jsonl"
KERNELS, PLAIN = "kernels.json", "plain eager fp32 PyTorch"
QUICK = ("cell", "kept", "order", "finalists", "speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=list(PARTS))
    parser.add_argument("--images", default="digits")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--scale", choices=["small", "medium", "full"], default="small")
    parser.add_argument("--n", type=int, default=16, help="cells of order, of the whole range")
    parser.add_argument("--head", type=int, default=0, help="further ones of the best tenth")
    parser.add_argument("--at-once", type=int, default=1, help="cells of order side by side")
    parser.add_argument("--fastest", action="store_true", help="cell by what speed found fastest")
    parser.add_argument("--all", action="store_true", help="every variant of speed, on a CPU too")
    parser.add_argument("--only", nargs="+", help="variants of speed, with what each kernel takes")
    parser.add_argument("--speed", action="store_true", help="before cell, in the same process")
    parser.add_argument("--attacks", nargs="+", help="of kept and cell; otherwise the recipe's")
    parser.add_argument("--n-test", type=int, help="test images of kept and cell; otherwise all")
    parser.add_argument("--time-limit", type=float, help="seconds of the training of cell")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--out", type=Path, help="folder of results; otherwise this one")
    args = parser.parse_args()
    if args.part is None and not args.smoke:
        parser.error(f"expected one of {', '.join(PARTS)}, got none")
    find_tables()
    torch.set_num_threads(1 if args.scale != "full" else torch.get_num_threads())
    with TemporaryDirectory() as folder:
        args.out = args.out or (Path(folder) if args.smoke else HERE)
        for part in [args.part] if args.part else QUICK:
            PARTS[part](args)


def cell(args: argparse.Namespace) -> None:
    """The benchmark's recipe on its best cell, beside the published values."""
    if args.speed:
        cost(args)
    record = by_the_benchmark(sr.Architecture.parse(CELL), args)
    print(f"trained in {record['train']['seconds']} s, {record['train']['precision']}")
    table = sr.load_table("nas-robbench-201")
    for metric, measured in record["accuracy"].items():
        published = table.query(CELL, f"nas-robbench-201/cifar10/{metric}")
        low, high = record["intervals"][metric]
        print(f"{metric}: {measured:.4f} [{low:.4f}, {high:.4f}], published {published:.4f}")
    if "autoattack-8" in record["accuracy"]:
        print("the published autoattack-8 is of a suite of ten steps; the true one is at most that")


def kept(args: argparse.Namespace) -> None:
    """Attack the network that ``cell`` has once trained on a GPU, anywhere."""
    train = sr.load_images(args.images)
    test = sr.load_images(args.images, split="test", limit=4 if args.smoke else args.n_test)
    device, recipe = find_device(args.device), sr.RECIPES["robbench201"]
    network = start_network(sr.Architecture.parse(CELL), train, recipe, 0)
    network.load_state_dict(load_file(WEIGHTS))
    network.to(device).to(memory_format=torch.channels_last)
    folded = FoldedNetwork(network)
    for name, attack in parse_metrics(args.attacks or recipe.metrics).items():
        began = speed.now(device)
        found = measure_accuracy(folded, test.x, test.y, attack, captured=True)
        row = {
            "metric": name,
            "n": found.n,
            **{key: round(getattr(found, key), 4) for key in ("value", "lower", "upper")},
            "seconds": round(speed.now(device) - began, 1),
            "device": name_device(device),
            "torch": torch.__version__,
            "commit": find_commit(),
        }
        print(row, flush=True)
        path = args.out / "kept.csv"
        before = pd.read_csv(path).to_dict("records") if path.exists() else []
        order.write_rows(path, [*before, row])


def by_the_benchmark(architecture: sr.Architecture, args: argparse.Namespace) -> dict[str, Any]:
    """Verify a cell by the benchmark's recipe, with the options that ``speed`` found fastest."""
    options = {**order.SMOKE, "n_images": 100} if args.smoke else {}
    # What was found here before, unless it was measured anew.
    chosen = args.out / f"speed-{find_device(args.device).type}.json"
    if not (chosen.exists() or args.smoke):
        chosen = HERE / chosen.name
    if args.fastest and chosen.exists():
        options |= read_json(chosen)["options"]
        print(f"by {read_json(chosen)['fastest']}", flush=True)
    if args.n_test is not None:
        options["n_test"] = args.n_test
    # The weights are kept, so that further attacks need no training.
    return sr.verify(
        architecture,
        "robbench201",
        args.images,
        attacks=args.attacks or sr.RECIPES["robbench201"].metrics,
        device=args.device,
        out=args.out / "cell.jsonl",
        keep=True,
        report=tell,
        time_limit=args.time_limit,
        **options,
    )


def tell(_: object, event: Event) -> None:
    """Print how a training goes on."""
    if not isinstance(event, EpochEnd):
        print(f"about {event.seconds:.0f} s in all, {1e3 * event.step:.2f} ms a step", flush=True)
    elif event.epoch % 5 == 0 or event.epoch == 1:
        print(f"epoch {event.epoch}, loss {event.loss:.4f}, {event.seconds:.0f} s", flush=True)


def rank(args: argparse.Namespace) -> None:
    """A fast recipe on cells from all of the table's range, and from its best tenth."""
    scale = "smoke" if args.smoke else args.scale
    n, head = (3, min(args.head, 2)) if args.smoke else (args.n, args.head)
    order.run(args.out, args.images, args.device, n=n, head=head, scale=scale, at_once=args.at_once)


def summary(args: argparse.Namespace) -> None:
    """What is measured so far, without measuring more."""
    order.summarise(args.out, scale="smoke" if args.smoke else args.scale)


def count(args: argparse.Namespace) -> None:
    """The kernels of a step of each variant, without a GPU, for ``speed`` on one.

    What was counted of variants that are no more stays.
    """
    recipe = sr.RECIPES["robbench201"]
    images = sr.load_images("random", image_size=32, limit=recipe.batch_size)
    place = args.out / KERNELS
    found = read_json(place) if place.exists() else {}
    for variant in speed.VARIANTS:
        kernels = speed.count(variant, CELL, images, recipe)
        found[variant.name] = sorted((*kernel, n) for kernel, n in kernels.items())
        print(variant.name, kernels.total(), flush=True)
    write_text(place, json.dumps(found).replace("]], ", "]],\n") + "\n")


def cost(args: argparse.Namespace) -> None:
    """What a step of the benchmark's recipe costs by each variant, and by plain PyTorch."""
    device = find_device(args.device)
    recipe, steps, repeats = sr.RECIPES["robbench201"], 40, 20
    if args.scale != "full" or args.smoke:
        recipe, steps, repeats = replace(recipe, batch_size=64), 2, 3
    if args.smoke:
        recipe = recipe.with_(channels=4, cells=1)
    images = sr.load_images(args.images, limit=None if args.scale == "full" else 256)
    machine = speed.measure_machine(device, repeats)
    print(machine)
    if device.type == "cpu":
        training = Training(sr.Architecture.parse(CELL), images, recipe, device=args.device)
        order.write_rows(
            args.out / "parts.csv",
            speed.step_table(training, machine, repeats),
        )
    plain = speed.plain_steps(CELL, images, recipe, device, steps) / steps
    rows: list[dict[str, Any]] = [{"variant": PLAIN, "measured ms": round(1e3 * plain, 3)}]
    facts = {
        "cell": CELL,
        "steps": steps,
        "batch": recipe.batch_size,
        "image size": images.image_size,
        "fidelity": {k: v for k, v in recipe.fidelity.items() if k != "precision"},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "commit": find_commit(),
        "TFLOP/s": {str(kind): round(rate / 1e12, 3) for kind, rate in machine.flops.items()},
        "GB/s": round(machine.bandwidth / 1e9, 1),
        "us a kernel, replayed": round(1e6 * machine.launch, 3),
        "us a kernel, launched": round(1e6 * machine.call, 3),
    }
    counted = read_json(HERE / KERNELS) if device.type == "cuda" and not args.smoke else {}
    # With a name of its own, since what is fastest is told by all variants alone.
    name = f"speed{'-only' if args.only else ''}-{device.type}"
    profiles: dict[str, list[dict[str, Any]]] | None = {} if args.only else None
    for variant in speed.VARIANTS:
        if args.only and variant.name not in args.only:
            continue
        if device.type == "cpu" and variant != speed.VARIANTS[0] and not args.all:
            continue
        row: dict[str, Any] = {"variant": variant.name}
        if variant.name in counted:
            kernels = Counter({(b, f): n for b, f, n in counted[variant.name]})
            row |= speed.predict(variant, kernels, machine)
        try:
            row |= speed.measure(variant, CELL, images, recipe, device, steps, profiles=profiles)
        except Exception as error:  # whatever a compiler raises; one that fails leaves the others
            row["failed"] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        rows.append(speed.compare(row, rows))
        print(json.dumps(rows[-1]), flush=True)
        # After each, so that what comes next may take too long.
        order.write_rows(args.out / f"{name}.csv", rows)
        best = speed.choose(rows)
        facts |= {"fastest": best.name, "options": {"precision": best.precision, **best.options}}
        write_json(args.out / f"{name}.json", facts)
        if profiles and variant.name in profiles:
            place = args.out / f"{name}-{variant.name.replace(' ', '-')}.csv"
            order.write_rows(place, profiles[variant.name])
    print(json.dumps(facts, indent=1))


def shapes(args: argparse.Namespace) -> None:
    """What the fused kernels take in other shapes than those in use, on a GPU."""
    rows: list[dict[str, Any]] = []
    for row in speed.measure_shapes(CELL, 256, find_device(args.device)):
        rows.append(row)
        print(row, flush=True)
        order.write_rows(args.out / "shapes.csv", rows)


def finalists(args: argparse.Namespace) -> None:
    """Search the shipped predictor, verify what it found and two cells of the table's low end.

    At full size the two finalists alone, by the benchmark's own recipe.
    """
    result = sr.search(objective="surrogate", target=PREDICTED["pgd-8"], budget=50, seed=0)
    predictor = sr.load_predictor()
    cells = [e.architecture for e in result.finalists[:2]]
    if args.scale != "full":
        cells += [sr.Architecture.parse(index) for index in order.choose_cells(16)[2:8:3]]
    scale, rows = "smoke" if args.smoke else args.scale, []
    for architecture in cells[:1] if args.smoke else cells:
        record = verify_finalist(architecture, scale, args)
        values = dict(zip(predictor.targets, predictor.predict([architecture])[0], strict=True))
        row: dict[str, Any] = {"index": architecture.index}
        for metric, target in PREDICTED.items():
            row[f"predicted {metric}"] = round(float(values[target]), 4)
            row[f"measured {metric}"] = round(record["accuracy"][metric], 4)
        rows.append(row)
        print(row, flush=True)
        suffix = {"small": ""}.get(scale, f"-{scale}")
        order.write_rows(args.out / f"finalists{suffix}.csv", rows)


def verify_finalist(
    architecture: sr.Architecture, scale: str, args: argparse.Namespace
) -> dict[str, Any]:
    """Train and attack a finalist at a scale."""
    if scale == "full":
        records = args.out / "cell.jsonl"
        if not records.exists():  # what a GPU has trained before is not trained again
            shutil.copyfile(RECORDS, records)
        return by_the_benchmark(architecture, args)
    recipe, options = order.SCALES[scale]
    # Beside those of order, so that what is told of cells drawn by chance is told of these alone.
    out = args.out / f"{'order' if scale == 'small' else 'finalists'}-{scale}.jsonl"
    attacks = ["fgsm-8", "pgd-8"]
    return sr.verify(
        architecture, recipe, args.images, attacks=attacks, device=args.device, out=out, **options
    )


PARTS = {
    **{"cell": cell, "kept": kept, "order": rank, "finalists": finalists, "speed": cost},
    **{"shapes": shapes, "count": count, "summary": summary},
}

if __name__ == "__main__":
    main()
