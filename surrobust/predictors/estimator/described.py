"""What a predictor is and what it was fitted to, in a line or as a table for notebooks."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..._checks import brief
from ..._html import fact_table, row_table, titled

if TYPE_CHECKING:
    from ..base import AbstractPredictor

_SHOWN = 8
"""Targets whose figures are shown."""

_FIGURES = ("n", "kendall_tau", "spearman_rho", "r2", "rmse", "coverage_90")


def describe_predictor(predictor: "AbstractPredictor") -> str:
    """Return what the constructor was given, if not the default, and the fit, on one line."""
    given = ", ".join(f"{name}={value}" for name, value in own_options(predictor).items())
    call = f"{type(predictor).__name__}({given})"
    named = _card_name(predictor)
    fit = describe_fit(predictor)
    return f"{named and named + ': '}{call}{fit and ', fitted to ' + fit}"


def predictor_as_html(predictor: "AbstractPredictor") -> str:
    """Return a table of what :func:`describe_predictor` says, and the held-out figures."""
    named = _card_name(predictor)
    facts: dict[str, object] = {"kind": predictor.kind, **own_options(predictor)}
    fit = describe_fit(predictor)
    facts["fitted to"] = fit or "nothing yet"
    if fit and len(predictor.targets) > _SHOWN and predictor.card is None:
        # At once they would take as long as a fit of small trees: seconds for 45 targets.
        facts["held out"] = "figures are on the card that save writes"
    title = f"{named}: {type(predictor).__name__}" if named else type(predictor).__name__
    return titled(title, fact_table(facts), _figures_as_html(predictor))


def own_options(predictor: "AbstractPredictor") -> dict[str, str]:
    """Return as texts the constructor's arguments that differ from its defaults."""
    parameters = inspect.signature(type(predictor).__init__).parameters
    written = predictor.options
    return {
        name: _shown(written.get(name, value))
        for name, value in predictor.arguments.items()
        if value is not parameters[name].default and value != parameters[name].default
    }


def describe_fit(predictor: "AbstractPredictor") -> str:
    """Return how many cells of which targets a predictor was fitted to; empty without a fit."""
    state = predictor._state
    if state is None:
        return ""
    n, n_rows = len(state.trained), state.n_train
    size = f"{n} cells" if n == n_rows else f"{n_rows} rows of {n} cells"
    if state.targets == ("value",):  # what a target without a name is called
        return size
    if len(state.targets) == 1:
        return f"{size} of {brief_text(state.targets[0])}"
    common = _common_start(state.targets)
    return f"{size}, {len(state.targets)} targets{common and ' of ' + brief_text(common)}"


def brief_text(text: str, limit: int = 60) -> str:
    """Return a text on one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _card_name(predictor: "AbstractPredictor") -> str:
    """Return the name on the card; empty where there is none but that of the kind."""
    name = str((predictor.card or {}).get("name", ""))
    return "" if name == predictor.kind else brief_text(name)


def _shown(value: Any) -> str:
    """Return an option as a card has it; of columns and priors, which are tables, the name."""
    if isinstance(value, Mapping) and "sha256" in value:
        return brief(value.get("name", value.get("names")))
    return brief(value)


def _common_start(targets: tuple[str, ...]) -> str:
    """Return the parts between slashes with which all targets begin."""
    parts = zip(*(target.split("/")[:-1] for target in targets), strict=False)
    shared = []
    for part in parts:
        if len(set(part)) > 1:
            break
        shared.append(part[0])
    return "/".join(shared)


def _figures_as_html(predictor: "AbstractPredictor") -> str:
    """Return the held-out figures by target: those of the card, or of the cross-validation."""
    figures = _held_out(predictor)
    names = [k for k in _FIGURES if any(k in of_target for of_target in figures.values())]
    if not names:
        return ""
    rows = [
        (brief_text(target), *(_number(of_target.get(name)) for name in names))
        for target, of_target in list(figures.items())[:_SHOWN]
    ]
    if len(figures) > _SHOWN:
        rows.append((f"and {len(figures) - _SHOWN} more", *("" for _ in names)))
    return row_table(("held out", *names), rows)


def _held_out(predictor: "AbstractPredictor") -> Mapping[str, Mapping[str, Any]]:
    if predictor.card is not None:
        card: Mapping[str, Mapping[str, Any]] = predictor.card["metrics"]
        return card
    if predictor._state is None or len(predictor.targets) > _SHOWN:
        return {}
    from ..saving.card import held_out_metrics

    return held_out_metrics(predictor._state)


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.4g}"
