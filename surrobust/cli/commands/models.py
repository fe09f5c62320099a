"""``surrobust models``: the shipped predictors and their cards."""

from typing import Any

import click

from ..options import common_options, examples
from ..output import print_json, print_rows


@click.group(no_args_is_help=False, epilog=examples("models list", "models show"))
def models() -> None:
    """List the shipped predictors, show their cards."""


@models.command("list", epilog=examples("models list"))
@common_options(seed=False)
def list_models(as_json: bool) -> None:
    """List the shipped predictors."""
    from ...predictors.shipped import list_predictors, read_card

    entries = [{"name": name, **_summary(read_card(name))} for name in list_predictors()]
    if as_json:
        print_json({"models": entries})
        return
    rows = [
        (entry["name"], entry["kind"], len(entry["targets"]), _benchmarks(entry["targets"]))
        for entry in entries
    ]
    print_rows(("name", "kind", "targets", "of"), rows)


@models.command("show", epilog=examples("models show"))
@click.argument("name", metavar="[NAME|FOLDER]", required=False)
@common_options(seed=False)
def show_model(name: str | None, as_json: bool) -> None:
    """Show the card of a predictor: what it was trained on, how good it is on held-out cells.

    Without a name, that of the shipped predictor of the default target.
    """
    from ...predictors.shipped import read_card

    card = read_card(name)
    if as_json:
        print_json(card)
    else:
        # The numbers are for loading to compare; --json has them.
        of_cells = card["fingerprint"] and {"cells": card["fingerprint"]["cells"]}
        for line in _lines({**card, "fingerprint": of_cells}, indent=""):
            click.echo(line)


def _summary(card: dict[str, Any]) -> dict[str, Any]:
    return {key: card[key] for key in ("kind", "version", "targets", "date", "trained_on")}


def _benchmarks(targets: list[str]) -> str:
    return ", ".join(dict.fromkeys(target.split("/")[0] for target in targets))


def _lines(card: dict[str, Any], *, indent: str) -> list[str]:
    """Return a card as indented ``key: value`` lines, figures of one target on one line."""
    lines = []
    for key, item in card.items():
        if not isinstance(item, dict):
            lines.append(f"{indent}{key}: {', '.join(item) if isinstance(item, list) else item}")
        elif any(isinstance(inner, dict) for inner in item.values()):
            lines += [f"{indent}{key}:", *_lines(item, indent=f"{indent}  ")]
        else:
            shown = (
                f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in item.items()
            )
            lines.append(f"{indent}{key}: {', '.join(shown)}")
    return lines
