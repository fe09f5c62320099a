"""Are trained and attacked cells worth what the benchmark says, and how fast is it found out?

    python experiments/verify/run.py order --images DIR --scale small     # 10 minutes on a CPU
    python experiments/verify/run.py order --images DIR --scale medium --n 24  # 2 hours on a CPU
    python experiments/verify/run.py speed --images DIR --scale small     # a minute
    python experiments/verify/run.py finalists --images DIR --scale small # 5 minutes
    python experiments/verify/run.py summary                              # of what is measured
    sh experiments/verify/gpu.sh check|order|cell DIR OUT                  # on a GPU

``--smoke`` runs a part in seconds. What was measured is in files beside this one and is not run
again.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import order
import speed
import torch

import surrobust as sr
from surrobust._files import write_json, write_text
from surrobust.networks import find_device
from surrobust.training import Training

HERE = Path(__file__).parent
PREDICTED = {m: f"nas-robbench-201/cifar10/{m}" for m in ("clean", "fgsm-8", "pgd-8")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["cell", "order", "speed", "finalists", "summary"])
    parser.add_argument("--images", default="digits")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--scale", choices=["small", "medium", "full"], default="small")
    parser.add_argument("--n", type=int, default=16, help="cells of order")
    parser.add_argument("--at-once", type=int, default=1, help="cells of order side by side")
    parser.add_argument("--captured", action="store_true", help="steps as CUDA graphs")
    parser.add_argument("--attacks", nargs="+", help="of cell; otherwise the recipe's")
    parser.add_argument("--n-test", type=int, help="test images of cell; otherwise all")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE)
    args = parser.parse_args()
    torch.set_num_threads(1 if args.scale != "full" else torch.get_num_threads())
    parts = {"cell": cell, "order": rank, "speed": cost, "finalists": finalists}
    {**parts, "summary": summary}[args.part](args)


def cell(args: argparse.Namespace) -> None:
    """The benchmark's recipe on its best cell, beside the published values."""
    options = {**order.SMOKE, "n_images": 100} if args.smoke else {"n_test": args.n_test}
    attacks = args.attacks or sr.RECIPES["robbench201"].metrics
    out = args.out / f"cell{'-smoke' * args.smoke}.jsonl"
    # The weights are kept, so that further attacks need no training.
    record = sr.verify(
        2581,
        "robbench201",
        args.images,
        attacks=attacks,
        device=args.device,
        out=out,
        keep=not args.smoke,
        captured=args.captured,
        **options,
    )
    table = sr.load_table("nas-robbench-201")
    for metric, measured in record["accuracy"].items():
        published = table.query(2581, f"nas-robbench-201/cifar10/{metric}")
        low, high = record["intervals"][metric]
        print(f"{metric}: {measured:.4f} [{low:.4f}, {high:.4f}], published {published:.4f}")
    if "autoattack-8" in record["accuracy"]:
        print("the published autoattack-8 is of a suite of ten steps; the true one is at most that")


def rank(args: argparse.Namespace) -> None:
    """A fast recipe on cells from all of the table's range."""
    scale = "smoke" if args.smoke else args.scale
    options = {"at_once": args.at_once, "captured": args.captured}
    n = 3 if args.smoke else args.n
    order.run(args.out, args.images, args.device, n=n, scale=scale, **options)


def summary(args: argparse.Namespace) -> None:
    """What is measured so far, without measuring more."""
    order.summarise(args.out, scale="smoke" if args.smoke else args.scale)


def cost(args: argparse.Namespace) -> None:
    """What a step of the benchmark's recipe costs, and against plain PyTorch."""
    device = find_device(args.device)
    recipe, limit, repeats = sr.RECIPES["robbench201"], None, 20
    if args.scale != "full" or args.smoke:
        recipe, limit, repeats = replace(recipe, batch_size=64), 256, 3
    if args.smoke:
        recipe = recipe.with_(channels=4, cells=1)
    images = sr.load_images(args.images, limit=limit)
    training = Training(sr.Architecture.parse(2581), images, recipe, device=args.device)
    rows = speed.step_table(training, repeats)
    lines = [",".join(rows[0]), *(",".join(str(v) for v in row.values()) for row in rows)]
    kind = device.type + "-smoke" * args.smoke
    write_text(args.out / f"steps-{kind}.csv", "\n".join(lines) + "\n")
    print("\n".join(lines))
    steps = 2 if limit else len(images) // recipe.batch_size
    plain = speed.plain_epoch(2581, images, recipe, device, steps)
    ours = {"fp32": speed.our_epoch(2581, images, recipe, device, steps)}
    if device.type == "cuda":
        fast = recipe.with_(precision="bf16")
        ours["bf16"] = speed.our_epoch(2581, images, fast, device, steps)
        ours["bf16 captured"] = speed.our_epoch(2581, images, fast, device, steps, captured=True)
    found = {
        "steps": steps,
        "batch": recipe.batch_size,
        "image size": images.image_size,
        "fidelity": recipe.fidelity,
        "seconds plain eager fp32": round(plain, 3),
        **{f"seconds ours {name}": round(value, 3) for name, value in ours.items()},
        **{f"speedup {name}": round(plain / value, 3) for name, value in ours.items()},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu, 1 thread",
        "torch": torch.__version__,
    }
    write_json(args.out / f"speed-{kind}.json", found)
    print(json.dumps(found, indent=1))


def finalists(args: argparse.Namespace) -> None:
    """Search the shipped predictor, verify what it found and two cells of the table's low end."""
    result = sr.search(objective="surrogate", target=PREDICTED["pgd-8"], budget=50, seed=0)
    predictor = sr.load_predictor()
    others = [sr.Architecture.parse(index) for index in order.choose_cells(16)[2:8:3]]
    cells = [e.architecture for e in result.finalists[:2]] + others
    scale = "smoke" if args.smoke else args.scale
    recipe, options = order.SCALES[scale]
    # Beside those of order, so that what is told of cells drawn by chance is told of these alone.
    out = args.out / f"{'order' if scale == 'small' else 'finalists'}-{scale}.jsonl"
    rows = []
    for architecture in cells[:1] if args.smoke else cells:
        record = sr.verify(
            architecture,
            recipe,
            args.images,
            attacks=["fgsm-8", "pgd-8"],
            device=args.device,
            out=out,
            **options,
        )
        values = dict(zip(predictor.targets, predictor.predict([architecture])[0], strict=True))
        row = {"index": architecture.index}
        for metric, target in PREDICTED.items():
            row[f"predicted {metric}"] = round(float(values[target]), 4)
            row[f"measured {metric}"] = round(record["accuracy"][metric], 4)
        rows.append(row)
        print(row, flush=True)
    lines = [",".join(rows[0]), *(",".join(str(v) for v in row.values()) for row in rows)]
    suffix = {"small": ""}.get(scale, f"-{scale}")
    write_text(args.out / f"finalists{suffix}.csv", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
