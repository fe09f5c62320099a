"""All that a GPU is asked for, in parts that end in time and are gone on with in the next call.

    python experiments/verify/gpu.py --images DIR --out OUT                      # the first call
    python experiments/verify/gpu.py --images DIR --out OUT --parts finalists searches
    python experiments/verify/gpu.py --images DIR --out OUT --parts cell attacks,order --resume OLD
    python experiments/verify/gpu.py --images DIR --out OUT --parts attacks,order --most order=300
    python experiments/verify/gpu.py --images DIR --out OUT --tiny --device cpu  # that it runs

Parts with commas between them run side by side, those with spaces one after the other.
``DIR`` has CIFAR-10 by classes below ``train`` and ``test``; the tables are where
``SURROBUST_DATA`` says. Nothing has to be installed but what the package depends on. What is
missing is said before anything runs. All work is in a folder of its own; whatever happens, its
results are copied to ``OUT`` in the end, at most eight files of at most 16 MiB, and ``--resume``
takes them from there.
"""

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NEEDED = ("torch", "numpy", "pandas", "safetensors", "PIL", "pyautoattack", "pooch")
MOST_FILES, MOST_BYTES, SMALL = 8, 16 * 2**20, 2**20
PACKED = "results.tar.gz"
OFTEN = 15.0
"""Seconds after which results so far are copied again."""


@dataclass(frozen=True)
class Part:
    """Something to run.

    Args:
        command: Arguments of Python.
        seconds: That it gets at most.
        reserve: Seconds that are to be left after it, for what comes next.
        environment: Variables of its own.
    """

    command: tuple[str, ...]
    seconds: float
    reserve: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--name", default="cifar10-jpeg", help="of the images, in records")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", type=known_parts, default=list(FIRST))
    parser.add_argument("--most", nargs="+", type=limited, default=[], help="PART=SECONDS")
    parser.add_argument("--limit", type=float, help="of the training of cell, which is projected")
    parser.add_argument("--only", help="variant of which cell tells the kernels, beside plain ones")
    parser.add_argument("--seconds", type=float, default=560.0, help="of all parts together")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--resume", type=Path, help="results of an earlier call")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "surrobust-gpu"))
    parser.add_argument("--commit", help="of a copy, whatever git's folder there says")
    parser.add_argument("--tiny", action="store_true", help="all of it in minutes on a CPU")
    args = parser.parse_args()
    began = time.monotonic()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    os.environ |= {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": str(os.cpu_count())}
    if args.commit:
        os.environ["SURROBUST_COMMIT"] = args.commit
    sys.path.insert(0, str(ROOT))
    if missing := find_missing(args):
        print(f"gpu.py: expected {'; '.join(missing)}", file=sys.stderr)
        return 2
    args.work.mkdir(parents=True, exist_ok=True)
    args.images = named(args.images, args.name)
    if args.resume is not None:
        take(args.resume, args.work)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    done: dict[str, Any] = {}
    try:
        for stage in args.parts:
            run(stage, args, args.seconds - (time.monotonic() - began), done)
    except KeyboardInterrupt:
        print("gpu.py: interrupted", flush=True)
    finally:
        done["seconds in all"] = round(time.monotonic() - began, 1)
        give(args.work, args.out)
        print(json.dumps(done, indent=1))
    names = ",".join(args.parts).split(",")
    return 0 if all(done.get(name, {}).get("code") == 0 for name in names) else 1


def known_parts(text: str) -> str:
    """Return parts with commas between them, if all are known."""
    for name in text.split(","):
        if name not in PARTS:
            msg = f"expected some of {', '.join(PARTS)}, with commas between, got {name}"
            raise argparse.ArgumentTypeError(msg)
    return text


def limited(text: str) -> tuple[str, float]:
    """Return a part and the seconds that it gets at most."""
    name, _, seconds = text.partition("=")
    return known_parts(name), float(seconds)


def find_missing(args: argparse.Namespace) -> list[str]:
    """Return what is not here and will be needed."""
    found = [f"the package {name}" for name in NEEDED if importlib.util.find_spec(name) is None]
    found += [
        f"images by class in {args.images / split}"
        for split in ("train", "test")
        if not any((args.images / split).glob("*/*"))
    ]
    if not found:
        import surrobust as sr
        from surrobust.errors import SurrobustError

        try:
            sr.load_table("nas-robbench-201")
        except SurrobustError as error:
            found.append(f"the table: {error}")
    return found


def named(images: Path, name: str) -> Path:
    """Return a folder of images by the name that records are to have."""
    if images.name == name:
        return images
    place = Path(tempfile.mkdtemp(prefix="surrobust-images-"), name)
    place.symlink_to(images.resolve())
    return place


class Running:
    """A part at work: its output is shown and kept, and it is interrupted when its time is over."""

    def __init__(self, name: str, part: Part, seconds: float, work: Path) -> None:
        print(f"--- {name}, at most {seconds:.0f} s", flush=True)
        self.name, self.seconds, self.began = name, seconds, time.monotonic()
        self.child = subprocess.Popen(
            [sys.executable, *part.command],
            cwd=ROOT,
            env={**os.environ, **part.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self.show, args=(work / f"{name}.log",), daemon=True)
        self.reader.start()

    def show(self, log: Path) -> None:
        """Print what the part prints, and append it to a file."""
        assert self.child.stdout is not None
        with log.open("a") as file:
            for line in self.child.stdout:
                print(line, end="", flush=True)
                file.write(line)

    def goes_on(self) -> bool:
        """Return whether the part is to be waited for."""
        if self.child.poll() is not None:
            return False
        if time.monotonic() - self.began > self.seconds:
            print(f"--- {self.name}: its time is over", flush=True)
            return False
        return True

    def end(self) -> dict[str, Any]:
        """Stop what still runs; return how it ended."""
        for sent, wait in ((signal.SIGINT, 8), (signal.SIGKILL, 5)):
            if self.child.poll() is None:
                os.killpg(self.child.pid, sent)
                try:
                    self.child.wait(wait)
                except subprocess.TimeoutExpired:
                    continue
        self.reader.join(5)
        spent = round(time.monotonic() - self.began, 1)
        print(f"--- {self.name}: {self.child.returncode} after {spent} s", flush=True)
        return {"code": self.child.returncode, "seconds": spent}


def run(stage: str, args: argparse.Namespace, left: float, done: dict[str, Any]) -> None:
    """Run the parts of a stage side by side; add to ``done`` how each ended."""
    running: list[Running] = []
    try:
        for name in stage.split(","):
            part = PARTS[name](args)
            seconds = min(part.seconds, left - part.reserve, dict(args.most).get(name, left))
            if seconds < 5:
                print(f"--- {name}: not run, no time left", flush=True)
                done[name] = {"code": None, "seconds": 0, "why": "no time left"}
            else:
                running.append(Running(name, part, seconds, args.work))
        given = time.monotonic()
        while running:
            for one in [one for one in running if not one.goes_on()]:
                done[one.name] = one.end()
                running.remove(one)
            if time.monotonic() - given > OFTEN:  # in case that the call is cut off
                give(args.work, args.out)
                given = time.monotonic()
            time.sleep(0.1)
    finally:
        for one in running:
            done[one.name] = one.end()


def take(source: Path, work: Path) -> None:
    """Bring the results of an earlier call back to where work goes on."""
    for path in sorted(source.rglob("*")):
        if path.name == PACKED:
            with tarfile.open(path) as archive:
                archive.extractall(work, filter="data")
        elif path.is_file():
            place = work / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def give(work: Path, out: Path) -> None:
    """Copy results of work that may go on meanwhile: few and small files, the smallest packed."""
    out.mkdir(parents=True, exist_ok=True)
    large, beside = [], out.with_name(f"{out.name}-{PACKED}")
    with tarfile.open(beside, "w:gz") as archive:
        for path in work.rglob("*"):
            with suppress(FileNotFoundError):  # what is written is renamed in the end
                if path.is_file() and path.stat().st_size <= SMALL:
                    archive.add(path, path.relative_to(work))
                elif path.is_file() and path.stat().st_size <= MOST_BYTES:
                    large.append((path.stat().st_mtime, path))
    shutil.move(beside, out / PACKED)
    newest = [path.relative_to(work) for _, path in sorted(large)[1 - MOST_FILES :]]
    for path in newest:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copyfile(work / path, out / path)
    for _, path in large:  # those of before, of which there would be too many
        if path.relative_to(work) not in newest:
            (out / path.relative_to(work)).unlink(missing_ok=True)


def verify(args: argparse.Namespace, part: str, *options: str) -> tuple[str, ...]:
    """Return a part of ``python -m experiments.verify``."""
    common = ("--images", str(args.images), "--device", args.device, "--out", str(args.work))
    scale = ("--smoke",) if args.tiny else ("--scale", "full")
    return ("-m", "experiments.verify", part, *common, *scale, *options)


def tests(_: argparse.Namespace) -> Part:
    """The package's tests for a GPU; what only warns there is not to end them."""
    several = ("-n", "4") if importlib.util.find_spec("xdist") else ()
    quiet = ("-q", "-p", "no:cacheprovider", "-o", "filterwarnings=default", "--durations=8")
    # Networks are small: many threads of several processes would only wait for one another.
    command = ("-m", "pytest", *quiet, *several, str(ROOT / "tests" / "test_gpu.py"))
    return Part(command, 200, environment={"OMP_NUM_THREADS": "2"})


def speed(args: argparse.Namespace) -> Part:
    """Forty steps of each variant, beside what they must take."""
    return Part(verify(args, "speed", *(("--all",) if args.tiny else ())), 200, 240)


def shapes(args: argparse.Namespace) -> Part:
    """The fused kernels in other shapes than those in use; a minute or two, most of it building."""
    return Part(verify(args, "shapes"), 150)


def cell(args: argparse.Namespace) -> Part:
    """The benchmark's recipe on its best cell, by the fastest variant."""
    limit = () if args.limit is None else ("--time-limit", str(args.limit))
    only = () if args.only is None else ("--speed", "--only", args.only)
    return Part(verify(args, "cell", "--fastest", *limit, *only), 600, 60)


def attacks(args: argparse.Namespace) -> Part:
    """AutoAttack on a thousand images, on the weights that a ``cell`` of before has left."""
    options = ("--attacks", "autoattack-8", "--n-test", "4" if args.tiny else "1000")
    return Part(verify(args, "kept", *options), 600)


def order(args: argparse.Namespace) -> Part:
    """A fast recipe at full size, on the whole range and on the best tenth."""
    size = ("--n", "12", "--head", "12", "--at-once", "4")
    return Part(verify(args, "order", *size), 600)


def finalists(args: argparse.Namespace) -> Part:
    """What a search found, by the benchmark's recipe at full size."""
    return Part(verify(args, "finalists", "--fastest"), 600)


def searches(args: argparse.Namespace) -> Part:
    """The gradient searches of both papers, cut down to fit."""
    script = HERE.parent / "differentiable" / "gpu.py"
    size = "--tiny" if args.tiny else "--short"
    place = ("--out", str(args.work / "searches"), "--images", str(args.images))
    return Part((str(script), size, *place, "--device", args.device), 600)


FIRST: Sequence[str] = ("speed", "cell", "tests,attacks,order")
"""What is timed runs alone; what keeps the host busy runs beside what keeps the GPU busy."""

PARTS: dict[str, Callable[[argparse.Namespace], Part]] = {
    part.__name__: part
    for part in (tests, speed, shapes, cell, attacks, order, finalists, searches)
}

if __name__ == "__main__":
    sys.exit(main())
