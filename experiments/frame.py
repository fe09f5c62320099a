"""The frame of an experiment: its flags, resuming, processes, the CSV file, README's tables.

An experiment says what it asks, what a row is, the keys of what there is to measure, how one of
them is measured, and which tables follow; ``python -m experiments.trees --help`` shows the rest.
"""

import argparse
import csv
import io
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, is_dataclass, replace
from importlib import import_module
from math import isnan
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

from surrobust._files import read_text, write_text
from surrobust._locks import hold
from surrobust.benchmark.rows import read_results, run_each, to_csv
from surrobust.verification.surroundings import find_commit

from .flags import asked, parameters
from .markdown import between, put

R = TypeVar("R")
Key = tuple[Any, ...]
Lines = Iterable[str]


class Number(float):
    """A number that a file may lack; NaN then."""

    @classmethod
    def parse(cls, text: str) -> "Number":
        return cls(text or "nan")


@dataclass(frozen=True)
class Experiment(Generic[R]):
    """One question, answered by the rows of one file.

    A default of ``keys`` is a flag of several values, a keyword default of ``measure`` a flag of
    one. Where the tables are is told by ``SURROBUST_DATA`` alone, which the frame sets.
    """

    question: str
    """The module's docstring."""
    out: Path
    """The CSV file; README.md and the figures are beside it."""
    row: type[R]
    """A frozen dataclass; its fields are the columns.

    Floats are written to six digits, else a field says how, as ``Annotated[float, ".3f"]``, and
    after that what it writes of NaN; a :class:`Number` is read from nothing, too.
    """
    keys: Callable[..., Iterable[Key]]
    """Yields the positional arguments of ``measure``, in the order of measuring."""
    measure: Callable[..., R | Iterable[R]]
    """From a key, whose parts are fields of the row by name, to what the file says of it."""
    tables: Callable[[list[R]], Lines | Mapping[str, Lines]] | None = None
    """From the rows to README's tables; several by the name of their markers."""
    figures: Mapping[str, Callable[[list[R], Path], object]] = field(default_factory=dict)
    """By file: what draws the rows into it."""
    smoke: Mapping[str, Any] = field(default_factory=dict)
    """Flags that make it a matter of seconds."""
    order: Callable[[R], Any] = astuple
    """By which the rows of the file are sorted."""

    def main(self, argv: Sequence[str] | None = None) -> None:
        """Do what the command line asks for."""
        flags = parameters(self.keys)[1] | parameters(self.measure)[1]
        own = {"jobs": 1, "out": self.out, "report": False}
        with asked(self.question, flags | own, self.smoke, argv) as args:
            if not args.smoke:
                self._run(args, args.out.resolve())
                return
            with TemporaryDirectory() as folder:
                self._run(args, Path(folder, self.out.name))

    def rows(self, path: Path | None = None) -> list[R]:
        """Return what is in the file, none where there is no file."""
        path = path or self.out
        return read_results(path, self.row, noun="row") if path.exists() else []

    def text(self, rows: Iterable[R]) -> str:
        """Return rows as the file has them."""
        return to_csv(map(_as_written, sorted(rows, key=self.order)), self.row, missing="nan")

    def made(self, rows: list[R]) -> dict[str, str]:
        """Return the tables by the names of their markers."""
        found = self.tables(rows) if self.tables else {}
        named = found if isinstance(found, Mapping) else {"tables": found}
        # A heading brings the empty line above it, also where it is the first.
        texts = {name: "\n".join(lines).removeprefix("\n") for name, lines in named.items()}
        return {name: f"{text}\n" for name, text in texts.items()}

    def current(self, names: Iterable[str]) -> dict[str, str]:
        """Return what README has between the markers of these names."""
        page = self.readme.read_text(encoding="utf-8")
        return {name: between(page, name) for name in names}

    @property
    def readme(self) -> Path:
        return self.out.with_name("README.md")

    @property
    def module(self) -> str:
        """What other processes import; as ``__main__`` they could not."""
        name = self.measure.__module__
        return sys.modules[name].__spec__.name if name == "__main__" else name

    def _run(self, args: argparse.Namespace, out: Path) -> None:
        if not args.report:
            with hold(f"{out}.lock"):
                self._measure(args, out)
        rows = self.rows(out)
        tables = self.made(rows)
        if out != self.out:
            print(*(tables.values() or [self.text(rows)]), sep="\n")
        elif tables:
            page = self.readme.read_text(encoding="utf-8")
            for name, text in tables.items():
                page = put(page, name, text)
            write_text(self.readme, page)
        if out == self.out or args.smoke:
            for name, draw in self.figures.items():
                draw(rows, out.with_name(name))

    def _measure(self, args: argparse.Namespace, out: Path) -> None:
        """Measure what the file does not have yet, and write it after each."""
        rows = self.rows(out)
        parts, options = parameters(self.measure)
        known = {tuple(getattr(row, name) for name in parts) for row in rows}
        selected = (getattr(args, name) for name in parameters(self.keys)[1])
        wanted = dict.fromkeys(map(tuple, self.keys(*selected)))
        todo = [(key, {name: getattr(args, name) for name in options}) for key in wanted]
        todo = [(key, given) for key, given in todo if key not in known]
        _tell(f"{len(todo)} of {len(wanted)} to measure; {surroundings()}")
        if args.jobs > 1:
            calls = run_each(_elsewhere, [(self.module, *one) for one in todo], jobs=args.jobs)
        else:
            calls = (self.measured(*one) for one in todo)
        for done, found in enumerate(calls, start=1):
            rows += (self.row(*values) for values in found)
            write_text(out, self.text(rows))
            _tell(f"[{done}/{len(todo)}]", *(_brief(found[0]) if found else ()))

    def measured(self, key: Key, options: Mapping[str, Any]) -> list[Key]:
        """Return the rows of one measurement, as tuples."""
        found = self.measure(*key, **options)
        return [_values(row) for row in ([found] if is_dataclass(found) else found)]


def run(
    call: Callable[..., object],
    question: str,
    *,
    smoke: Mapping[str, Any] | None = None,
    argv: Sequence[str] | None = None,
) -> None:
    """Call what keeps no rows; its defaults are flags."""
    flags = parameters(call)[1]
    with asked(question, flags, smoke or {}, argv) as args:
        call(**{name: getattr(args, name) for name in flags})


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file of others, or of another experiment, as text."""
    return list(csv.DictReader(io.StringIO(read_text(path))))


def grouped(rows: Iterable[R], *names: str) -> dict[Any, list[R]]:
    """Return rows by a field, or by several as a tuple, in the order in which they come."""
    found: dict[Any, list[R]] = {}
    for row in rows:
        found.setdefault(attrgetter(*names)(row), []).append(row)
    return found


def surroundings() -> str:
    """Return commit and machine, as README has to name them."""
    return f"commit {find_commit()}, {os.cpu_count()} cores of {platform.platform()}"


def _elsewhere(module: str, key: Key, options: Mapping[str, Any]) -> list[Key]:
    return import_module(module).experiment.measured(key, options)


def _as_written(row: Any) -> Any:
    """Return the row with its numbers as text, where it says how they are written."""
    texts = {}
    for each in fields(row):
        if how := getattr(each.type, "__metadata__", ()):
            spec, missing = (*how, "nan")[:2]
            value = getattr(row, each.name)
            texts[each.name] = missing if isnan(value) else format(value, spec)
    return replace(row, **texts)


def _values(row: Any) -> Key:
    """Return the values of a row, of which one may be a dataclass too."""
    return tuple(getattr(row, each.name) for each in fields(row))


def _brief(values: Key) -> Iterable[object]:
    return (f"{value:.4g}" if isinstance(value, float) else value for value in values)


def _tell(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)
