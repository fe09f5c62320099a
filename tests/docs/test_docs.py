"""Every page of the documentation does what it says, block by block in one folder."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from documentation import Block, blocks

from surrobust.cli.tree import root

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
MOST_NOT_RUN = 10
"""Blocks over all pages that need what cannot be had here."""


def examples(page: Path) -> list[Block]:
    """Return what a page shows to be typed; the README's Python is run by ``test_readme``."""
    wanted = ("bash",) if page == README else ("bash", "python")
    return [block for block in blocks(page.read_text()) if block.language in wanted]


def not_run() -> Iterator[tuple[str, Block]]:
    for page in [*PAGES, README]:
        yield from ((page.name, block) for block in examples(page) if block.reason)


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(
    run_cli: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: Path,
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURROBUST_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names: dict[str, object] = {}
    for block in examples(page):
        if block.reason:
            continue
        if block.language == "python":
            lines = "\n" * (block.line - 1) + block.text
            exec(compile(lines, str(page), "exec"), names)
            continue
        for arguments in block.commands:
            code, out, err = run_cli(arguments)
            assert code == 0, (arguments, err)
            assert out, arguments


@pytest.mark.parametrize(
    ("page", "block"), [pytest.param(*one, id=f"{one[0]}:{one[1].line}") for one in not_run()]
)
def test_what_is_not_run_says_why_and_parses(page: str, block: Block):
    assert re.fullmatch(r"\w.{8,}", block.reason), page
    assert block.language == "bash"
    assert block.commands
    for arguments in block.commands:
        parse(root, arguments)


def parse(command: click.Command, arguments: list[str]) -> None:
    """Parse a command line to its last subcommand; click raises where it does not parse."""
    if not isinstance(command, click.Group):
        command.make_context(command.name, list(arguments))
        return
    name, inner, rest = command.resolve_command(click.Context(command), list(arguments))
    assert inner is not None, name
    parse(inner, rest)


def test_a_mistyped_option_does_not_parse():
    with pytest.raises(click.UsageError):
        parse(root, ["search", "--bugdet", "5"])
    with pytest.raises(click.UsageError):
        parse(root, ["data", "fech"])


def test_few_blocks_are_not_run():
    assert len(list(not_run())) <= MOST_NOT_RUN


def test_links_lead_somewhere():
    n = 0
    for page in [*PAGES, README]:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            if "://" not in link:
                n += 1
                assert (page.parent / link).exists(), f"{page.name}: {link}"
    assert n > 20


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text()
    assert all(page.name in index for page in PAGES if page.name != "README.md")
