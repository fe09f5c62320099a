"""The flags of an experiment are the defaults of its functions: several values, or one."""

import argparse
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from surrobust._places import ENVIRONMENT
from surrobust.errors import InvalidInputError, SurrobustError
from surrobust.targets import check_target

HELP = {
    "jobs": "processes",
    "out": "file to go on with",
    "report": "only tables and figures",
    "data_dir": "folder of the tables; otherwise as the package finds them",
    "smoke": "a little, in seconds; keeps no file",
}


@contextmanager
def asked(
    question: str, flags: Mapping[str, Any], smoke: Mapping[str, Any], argv: Sequence[str] | None
) -> Iterator[argparse.Namespace]:
    """Yield what the command line says, with the tables found; a wrong argument ends with 2."""
    spec = sys.modules["__main__"].__spec__
    parser = argparse.ArgumentParser(
        prog=spec and f"python -m {spec.name.removesuffix('.__main__')}",
        description=question.splitlines()[0],
    )
    for name, default in flags.items():
        _add_flag(parser, name, default)
    parser.add_argument("--data-dir", help=HELP["data_dir"])
    parser.add_argument("--smoke", action="store_true", help=HELP["smoke"])
    args = parser.parse_args(argv)
    if args.smoke:
        parser.set_defaults(**smoke)
        args = parser.parse_args(argv)
    find_tables(args.data_dir)
    try:
        yield args
    except SurrobustError as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")


def find_tables(folder: str | None = None) -> None:
    """Tell the package, and processes to come, where the tables are."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    if folder is not None:
        os.environ[ENVIRONMENT] = folder
    elif beside.is_dir():
        os.environ.setdefault(ENVIRONMENT, str(beside))


def parameters(function: Callable[..., Any]) -> tuple[list[str], dict[str, Any]]:
    """Return the names of what has no default, and the defaults of the others."""
    found = inspect.signature(function).parameters.values()
    return (
        [each.name for each in found if each.default is each.empty],
        {each.name: each.default for each in found if each.default is not each.empty},
    )


def _add_flag(parser: argparse.ArgumentParser, name: str, default: Any) -> None:
    flag, told = f"--{name.replace('_', '-')}", HELP.get(name)
    if isinstance(default, bool):
        parser.add_argument(flag, action="store_true", help=told)
        return
    several = isinstance(default, tuple | list | range)
    first = next(iter(default), 0) if several else default
    kind: Callable[[str], Any] = str if first is None else type(first)
    choices = list(default) if several and kind is str and len(default) > 1 else None
    if name == "targets" and "/" in first:
        kind, choices = _target, None  # the tables have more than the default ones
    many = "+" if several else None
    parser.add_argument(flag, nargs=many, type=kind, default=default, choices=choices, help=told)


def _target(text: str) -> str:
    try:
        check_target(text)
    except InvalidInputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
