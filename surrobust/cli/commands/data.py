"""``surrobust data``: the benchmarks' files: what is here, downloads, the official files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import PATH, common_options, data_dir_option, examples
from ..output import bars, message, print_json, print_rows

if TYPE_CHECKING:
    from ...tables import Source


@click.group(no_args_is_help=False, epilog=examples("data list", "data fetch nas-robbench-201"))
def data() -> None:
    """List, download and import the files of the benchmarks."""


@data.command("list", epilog=examples("data list", "data list --data-dir tables --json"))
@data_dir_option
@common_options(seed=False)
def list_files(data_dir: Path | None, as_json: bool) -> None:
    """Show which published files are here, and whether they are unchanged."""
    from ...tables import check_files

    statuses = check_files(data_dir)
    if as_json:
        entries = [
            {
                "file": status.source.path,
                "tables": list(status.source.used_by),
                "state": status.state,
                "found": None if status.path is None else str(status.path),
                "url": status.source.url,
                "sha256": status.source.sha256,
                "bytes": status.source.bytes,
                "licence": status.source.licence,
                "citation": status.source.citation,
            }
            for status in statuses
        ]
        print_json({"files": entries})
        return
    rows = [
        (s.state, s.source.bytes, s.source.path, ", ".join(s.source.used_by), s.path or "")
        for s in statuses
    ]
    print_rows(("state", "bytes", "file", "of", "found"), rows)


@data.command(
    "fetch", epilog=examples("data fetch", "data fetch jung2023 --mirror https://host/folder")
)
@click.argument("tables", metavar="[TABLE]...", nargs=-1)
@click.option("--mirror", metavar="URL|DIR", help="Another base address, or a folder.")
@data_dir_option
@common_options(seed=False)
def fetch_files(
    tables: tuple[str, ...], mirror: str | None, data_dir: Path | None, as_json: bool
) -> None:
    """Download files, each verified by its sha256.

    A TABLE may also be a file's name, an image set (cifar10, cifar100: 170 MB each), or frost, the
    photographs of that corruption. By default the files of all tables, without images.
    """
    from ...tables import fetch

    with _progress() as report:
        paths = fetch(list(tables) or None, data_dir=data_dir, mirror=mirror, progress=report)
    if as_json:
        print_json({"files": [str(path) for path in paths]})
    else:
        click.echo("\n".join(str(path) for path in paths))


@data.command("import", epilog=examples("data import downloads/NAS-RobBench-201"))
@click.argument("folder", type=PATH)
@click.option("--benchmark", help="Which one it is, where the folder does not tell.")
@data_dir_option
@common_options(seed=False)
def import_files(folder: Path, benchmark: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Read a benchmark's official files and keep them as a table."""
    from ...tables import import_official

    written = import_official(folder, data_dir=data_dir, benchmark=benchmark)
    if as_json:
        print_json({"file": str(written)})
    else:
        click.echo(str(written))


@contextmanager
def _progress() -> Iterator[Callable[["Source", int, int], None]]:
    """Yield what is called while a file arrives: bars on a terminal, else a line per file."""
    if not sys.stderr.isatty():
        yield _tell
        return
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn

    with bars(TextColumn("{task.description}"), BarColumn(), DownloadColumn()) as shown:
        tasks: dict[str, TaskID] = {}

        def advance(source: "Source", done: int, total: int) -> None:
            if source.path not in tasks:
                tasks[source.path] = shown.add_task(source.name, total=total)
            shown.update(tasks[source.path], completed=done)

        yield advance


def _tell(source: "Source", done: int, total: int) -> None:
    # Once, when the file is verified: see DownloadProgress.
    if done == total:
        message(f"{source.path}: {total} bytes")
